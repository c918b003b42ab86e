//! Starts services by socket activation where no systemd runs: systemd-socket-activate(1), and a service that has ended
//! is started again.

#![no_main]

sd_tools::program!(sd_activate::cli::main);
