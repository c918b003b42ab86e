//! The same in Rust.

#[link(name = "sdlite", kind = "static")]
unsafe extern "C" {
    fn sd_journal_print(priority: i32, format: *const std::ffi::c_char, ...) -> i32;
    fn sd_notify(unset_environment: i32, state: *const std::ffi::c_char) -> i32;
}

#[unsafe(no_mangle)]
pub extern "C" fn plug() -> i32 {
    // SAFETY: these are C strings, and the number is what the format takes.
    let (logged, told) = unsafe {
        (sd_journal_print(6, c"From a plugin: %d".as_ptr(), 1), sd_notify(0, c"STATUS=Plugged by Rust".as_ptr()))
    };
    i32::from(logged == 0 && told == 1)
}
