//! Functions that take a va_list, called with a variable number of arguments.

use std::ffi::{c_char, c_int, c_void};

/// A function of C that is only passed on.
pub type Function = *const c_void;

unsafe extern "C" {
    /// Calls a function that is as sd_journal_printv(3).
    #[link_name = "sdlite_test_printv"]
    pub fn printv(function: Function, priority: c_int, format: *const c_char, ...) -> c_int;

    /// Calls a function that is as sd_journal_printv_with_location(3).
    #[link_name = "sdlite_test_printv_with_location"]
    pub fn printv_with_location(
        function: Function,
        priority: c_int,
        file: *const c_char,
        line: *const c_char,
        func: *const c_char,
        format: *const c_char,
        ...
    ) -> c_int;
}
