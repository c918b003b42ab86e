//! What the program `sd-activate` is made of: it starts services by socket activation where no systemd runs, and a service
//! that has ended is started again.
//!
//! It is a library for the program, its tests and the fuzzing, and promises nothing to others.

pub mod accept;
pub mod address;
pub mod children;
pub mod cli;
pub mod environment;
pub mod error;
pub mod listen;
pub mod log;
pub mod options;
pub mod serve;
pub mod signals;
pub mod spawn;
pub mod spec;
pub mod wait;
