//! sd-proxy beside systemd-socket-proxyd(8), and what it has beyond that.

mod beyond;
#[path = "../common/mod.rs"]
mod common;
mod comparison;
mod proxy;
mod random;
mod session;
