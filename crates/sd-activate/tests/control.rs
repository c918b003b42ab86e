//! `sdctl`, and the socket through which it asks.

mod common;

#[path = "control/install.rs"]
mod install;
#[path = "control/time.rs"]
mod time;
