//! The C library: the symbols of libsystemd under their version nodes, over `sdlite-core`, where everything is decided.
//!
//! One file for each topic of the headers, which are generated from these files: see `build.rs`.

#![no_std]
#![allow(
    clippy::missing_safety_doc,
    reason = "the doc comments are manual pages for C; every pointer's rule is in them"
)]

mod abi;
mod daemon;
mod id128;
mod is;
mod journal;
mod listen;
mod login;
mod memory;
mod notify;
mod variadic;

// The harness of tests brings the one of std.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing here panics, and a test sees to it that the linker has dropped this.
    // SAFETY: it takes nothing.
    unsafe { libc::abort() }
}
