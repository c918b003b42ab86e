use core::ffi::{CStr, c_char, c_int};

use sdlite_core::journal::{self, Location};

use crate::abi::{IntoC, hidden};

// Stable Rust cannot define functions with a variable number of arguments: variadic.c does. What stands here with
// cfg(cbindgen) is read by cbindgen alone, so that the header has one source.

/// Logs a message to the journal. The macro of this name adds where in the source it stands, unless
/// SD_JOURNAL_SUPPRESS_LOCATION is defined before the header is included.
///
/// priority: LOG_EMERG (0) to LOG_DEBUG (7) of syslog.h.
/// format: as for printf(3), with its arguments. White space at the end of the message is cut; the rest, newlines
/// included, is one entry, of up to 1 MiB.
///
/// Returns 0, also where there is no journal or the message is empty, or a negative errno:
///
/// -EINVAL: priority is out of range, or format is NULL.
/// -ENOBUFS: the message is too long.
/// -ENOMEM: there is no memory to format a message of more than 2 KiB.
/// What socket(2), sendmsg(2) or memfd_create(2) failed with.
///
/// errno is left as it was, and can be printed by %m.
///
///     sd_journal_print(LOG_INFO, "Listening on port %d.", port);
///
/// See sd_journal_print(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 2, 3)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_print(priority: c_int, format: *const c_char, _: ...) -> c_int {}

/// What the macro sd_journal_print() calls. Like the function, with a location.
///
/// file: "CODE_FILE=" and the name of the source file.
/// line: "CODE_LINE=" and the number of the line.
/// func: the name of the function.
///
/// Returns as sd_journal_print(), and -EINVAL where file or line is not a field.
/// cbindgen:postfix=__attribute__((__format__(__printf__, 5, 6)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_print_with_location(
    priority: c_int,
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    format: *const c_char,
    _: ...
) -> c_int {
}

hidden!(sdlite_journal_print);
/// What variadic.c calls with the finished message, `length` bytes that begin with `MESSAGE=`. Without a location, `file` is
/// NULL.
#[unsafe(no_mangle)]
unsafe extern "C" fn sdlite_journal_print(
    priority: c_int,
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    message: *const c_char,
    length: usize,
) -> c_int {
    // SAFETY: variadic.c gives that many bytes, and C strings as its own callers do.
    unsafe {
        let message = core::slice::from_raw_parts(message.cast(), length);
        let bytes = |string| CStr::from_ptr(string).to_bytes();
        let location =
            (!file.is_null()).then(|| Location { file: bytes(file), line: bytes(line), function: bytes(func) });
        journal::print(priority, message, location).into_c()
    }
}
