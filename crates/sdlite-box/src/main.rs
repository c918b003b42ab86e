//! All programs in one.

#![no_main]

sd_tools::program!(sdlite_box::main);
