//! What the C half of this library calls, with what it has formatted: see variadic.c, which gets a header of this.

use core::ffi::{CStr, c_char, c_int};

use sdlite_core::{journal, notify};

use crate::abi::{IntoC, array, optional, unset};
use crate::journal::location;

/// Keeps a symbol to this library.
macro_rules! hidden {
    ($($name:ident)+) => {
        $(core::arch::global_asm!(concat!(".hidden ", stringify!($name)));)+
    };
}
hidden!(sdlite_notify sdlite_journal_print sdlite_journal_send);

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn sdlite_notify(
    pid: libc::pid_t,
    unset_environment: c_int,
    state: *const c_char,
    fds: *const c_int,
    n_fds: usize,
) -> c_int {
    // More than can be passed are an error before any is looked at.
    let n_fds = n_fds.min(notify::FDS_MAX + 1);
    // SAFETY: the caller gave NULL or a C string, and NULL or that many descriptors; the environment is the caller's to change.
    let (state, fds, unset) = unsafe { (optional(state), array(fds, n_fds), unset(unset_environment)) };
    notify::notify(pid, unset, state.map(|state| state.to_bytes()), fds).into_c()
}

/// Without a location, `file` is NULL.
#[unsafe(no_mangle)]
unsafe extern "C" fn sdlite_journal_print(
    priority: c_int,
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    message: *const c_char,
) -> c_int {
    // SAFETY: these are C strings, or NULL as `location` takes it.
    let (message, location) = unsafe { (CStr::from_ptr(message), location(file, line, func)) };
    journal::print(priority, message.to_bytes(), location).into_c()
}

/// Without a location, `file` is NULL.
#[unsafe(no_mangle)]
unsafe extern "C" fn sdlite_journal_send(
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    fields: *const *const c_char,
    n: usize,
) -> c_int {
    // SAFETY: there are that many fields, each a C string; the location is what `location` takes.
    let (fields, location) = unsafe { (core::slice::from_raw_parts(fields, n), location(file, line, func)) };
    // SAFETY: as above.
    let fields = fields.iter().map(|field| unsafe { CStr::from_ptr(*field) }.to_bytes());
    journal::send(fields, location).into_c()
}
