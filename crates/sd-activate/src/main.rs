//! Starts services by socket activation where no systemd runs: systemd-socket-activate(1), and a service that has ended
//! is started again.

#![no_main]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

/// The C library's entry. Before Rust's own `main`, SIGPIPE would be ignored, and whether it had been before would be
/// lost: the service is to find it as it was.
///
/// # Safety
///
/// `arguments` points to `count` C strings.
#[unsafe(export_name = "main")]
unsafe extern "C" fn start(count: c_int, arguments: *const *const c_char) -> c_int {
    let arguments = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
        // SAFETY: the caller's promise.
        let argument = unsafe { CStr::from_ptr(*arguments.add(index)) };
        OsStr::from_bytes(argument.to_bytes()).to_owned()
    });
    sd_activate::cli::main(arguments.collect::<Vec<OsString>>()).into()
}
