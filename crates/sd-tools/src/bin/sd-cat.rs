#![doc = concat!("Is what `", env!("CARGO_BIN_NAME"), "` in the README says.")]
#![no_main]

sd_tools::program!(sd_tools::cat::main);
