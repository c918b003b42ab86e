use core::ffi::{CStr, c_char, c_int};

use sdlite_core::journal::{self, Location};

use crate::abi::{IntoC, array, optional};

// Stable Rust cannot define functions with a variable number of arguments: variadic.c does. What stands here with
// cfg(cbindgen) is read by cbindgen alone, so that the header has one source.

/// Logs a message to the journal. The macro of the same name adds the location in the source. Define
/// SD_JOURNAL_SUPPRESS_LOCATION before you include this header to go without it.
///
/// priority: LOG_EMERG (0) to LOG_DEBUG (7) of syslog.h.
/// format: as for printf(3), with its arguments. The function cuts white space at the end of the message. All the rest is
/// one entry, newlines included. It has up to 1 MiB.
///
/// Returns 0, also if there is no journal or the message is empty, or a negative errno:
///
/// -EINVAL: priority is out of range, or format is NULL.
/// -ENOBUFS: the message is too long.
/// -ENOMEM: there is not enough memory to format a message of more than 2 KiB.
/// Any error of socket(2), sendmsg(2) or memfd_create(2).
///
/// The function does not change errno. %m in format prints it.
///
///     sd_journal_print(LOG_INFO, "Listening on port %d.", port);
///
/// See sd_journal_print(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 2, 3)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_print(priority: c_int, format: *const c_char, _: ...) -> c_int {}

/// The macro sd_journal_print() calls this. It is the function sd_journal_print() with a location.
///
/// file: "CODE_FILE=" and the name of the source file.
/// line: "CODE_LINE=" and the number of the line.
/// func: the name of the function.
///
/// Returns as sd_journal_print(), and -EINVAL if file or line is not of this form.
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

/// Like sd_journal_print(), with the arguments as a va_list. The caller has to call va_end().
///
/// See sd_journal_printv(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 2, 0)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_printv(priority: c_int, format: *const c_char, ap: va_list) -> c_int {}

/// The macro sd_journal_printv() calls this: see sd_journal_print_with_location().
/// cbindgen:postfix=__attribute__((__format__(__printf__, 5, 0)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_printv_with_location(
    priority: c_int,
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    format: *const c_char,
    ap: va_list,
) -> c_int {
}

/// Sends an entry to the journal, field by field. The macro of the same name adds the location in the source.
///
/// format, ...: for each field a format as for printf(3), such as "MESSAGE=Listening on port %d.", and its arguments. NULL
/// ends the list. The function cuts white space at the end of each field. The name of a field has upper-case letters, digits
/// and underscores, and begins with a letter. journald drops fields with other names.
///
/// Returns 0, also if there is no journal, or a negative errno:
///
/// -EINVAL: a field has no name, or there are too many fields: about 500.
/// -ENOMEM: there is not enough memory to format more than 2 KiB, or a field cannot be formatted.
/// Any error of socket(2), sendmsg(2) or memfd_create(2).
///
///     sd_journal_send("MESSAGE=Listening on port %d.", port, "PRIORITY=%i", LOG_INFO, NULL);
///
/// See sd_journal_send(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 1, 0), __sentinel__))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_send(format: *const c_char, _: ...) -> c_int {}

/// The macro sd_journal_send() calls this. It is the function with a location: see sd_journal_print_with_location().
/// cbindgen:postfix=__attribute__((__format__(__printf__, 4, 0), __sentinel__))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_send_with_location(
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    format: *const c_char,
    _: ...
) -> c_int {
}

/// Sends an entry with ready-made fields to the journal. The macro of the same name adds the location in the source.
///
/// iov: n fields. Each is "NAME=" and a value of any bytes. The function sends them as they are.
///
/// Returns 0, also if there is no journal, or a negative errno:
///
/// -EINVAL: there is no field, a field has no name, or there are too many fields: about 500.
/// Any error of socket(2), sendmsg(2) or memfd_create(2).
///
/// The function allocates nothing and does not change errno. See sd_journal_sendv(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_sendv(iov: *const libc::iovec, n: c_int) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sendv(iov, n, None) }
}

/// The macro sd_journal_sendv() calls this. It is the function with a location: see sd_journal_print_with_location().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_sendv_with_location(
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    iov: *const libc::iovec,
    n: c_int,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sendv(iov, n, location(some(file), line, func)) }
}

/// # Safety
///
/// `iov` is NULL or has `n` elements.
unsafe fn sendv(iov: *const libc::iovec, n: c_int, location: Option<Location<'_>>) -> c_int {
    // SAFETY: as the caller promises.
    let fields = unsafe { array(iov, usize::try_from(n).unwrap_or(0)) }.unwrap_or_default();
    // SAFETY: each element is NULL or points to as many bytes as it says.
    let fields = fields.iter().map(|field| unsafe { array(field.iov_base.cast(), field.iov_len) });
    journal::sendv(fields, location).into_c()
}

/// Logs the text of errno to the journal with priority LOG_ERR, as perror(3) prints it. The macro of the same name adds the
/// location in the source.
///
/// message: comes before the text of the error, with a colon between them. NULL or empty for the text alone.
///
/// Returns 0, also if there is no journal, or a negative errno: any error of socket(2), sendmsg(2) or memfd_create(2). The
/// function does not change errno.
///
///     if (bind(fd, address, size) < 0)
///             sd_journal_perror("bind");
///
/// See sd_journal_perror(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_perror(message: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { perror(message, None) }
}

/// The macro sd_journal_perror() calls this. It is the function with a location: see sd_journal_print_with_location().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_perror_with_location(
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
    message: *const c_char,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { perror(message, location(some(file), line, func)) }
}

/// # Safety
///
/// `message` is NULL or a C string.
unsafe fn perror(message: *const c_char, location: Option<Location<'_>>) -> c_int {
    // SAFETY: as the caller promises.
    let message = unsafe { optional(message) }.unwrap_or_default();
    journal::perror(message.to_bytes(), location).into_c()
}

/// Opens a stream to the journal. Each line that is written to it becomes an entry. It can be the standard output or error of
/// a child process.
///
/// identifier: SYSLOG_IDENTIFIER of the entries; NULL for none.
/// priority: LOG_EMERG (0) to LOG_DEBUG (7) of syslog.h, for lines without a priority of their own.
/// level_prefix: if not zero, a line may begin with its priority, such as SD_ERR.
///
/// Returns a file descriptor to write to, with FD_CLOEXEC set, which the caller has to close; or a negative errno:
///
/// -EINVAL: priority is out of range.
/// -ENOENT: there is no journal.
/// Any other error of socket(2), connect(2) or sendmsg(2).
///
/// See sd_journal_stream_fd(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_stream_fd(
    identifier: *const c_char,
    priority: c_int,
    level_prefix: c_int,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sd_journal_stream_fd_with_namespace(core::ptr::null(), identifier, priority, level_prefix) }
}

/// Like sd_journal_stream_fd(), to the journal of a namespace.
///
/// name_space: the name of the namespace, as in LogNamespace= of a unit; NULL for the default one.
///
/// Returns as sd_journal_stream_fd(), and -EINVAL if name_space is not a valid name.
///
/// See sd_journal_stream_fd(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_journal_stream_fd_with_namespace(
    name_space: *const c_char,
    identifier: *const c_char,
    priority: c_int,
    level_prefix: c_int,
) -> c_int {
    // SAFETY: the caller gave NULL or C strings.
    let (name_space, identifier) = unsafe { (optional(name_space), optional(identifier)) };
    let identifier = identifier.unwrap_or_default().to_bytes();
    journal::stream_fd(name_space, identifier, priority, level_prefix != 0).into_c()
}

/// A location as C has it; None where there is no file. What else is NULL is taken as empty, which is an error for a line.
///
/// # Safety
///
/// Each is NULL or a C string.
pub(crate) unsafe fn location<'a>(
    file: *const c_char,
    line: *const c_char,
    func: *const c_char,
) -> Option<Location<'a>> {
    // SAFETY: as the caller promises.
    let [file, line, func] = [file, line, func].map(|string| unsafe { optional(string) }.map(CStr::to_bytes));
    let (line, function) = (line.unwrap_or_default(), func.unwrap_or_default());
    file.map(|file| Location { file, line, function })
}

/// Where a location has to be, NULL is no field, and so is the empty string.
fn some(file: *const c_char) -> *const c_char {
    if file.is_null() { c"".as_ptr() } else { file }
}
