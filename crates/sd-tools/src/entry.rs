//! The entry of the programs: the C library's. Before Rust's own `main`, SIGPIPE would be ignored, and whether it had been before
//! would be lost: what a program executes is to find it as it was.

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

/// Makes a function, which gets the arguments and returns the exit status, the program. The crate is `no_main`.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        /// The C library's entry.
        ///
        /// # Safety
        ///
        /// `arguments` points to `count` C strings.
        #[unsafe(export_name = "main")]
        unsafe extern "C" fn start(
            count: ::std::ffi::c_int,
            arguments: *const *const ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            // SAFETY: the caller's promise.
            $main(unsafe { $crate::entry::arguments(count, arguments) }).into()
        }
    };
}

/// The arguments that the C library gives to a program.
///
/// # Safety
///
/// `arguments` points to `count` C strings.
pub unsafe fn arguments(count: c_int, arguments: *const *const c_char) -> Vec<OsString> {
    let argument = |index| {
        // SAFETY: the caller's promise.
        let argument = unsafe { CStr::from_ptr(*arguments.add(index)) };
        OsStr::from_bytes(argument.to_bytes()).to_owned()
    };
    (0..usize::try_from(count).unwrap_or(0)).map(argument).collect()
}
