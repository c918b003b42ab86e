//! Numbers in variables: what the functions take them for and a second statement of the rule agree, on the value and on the
//! error. (The 32-bit ones of $NOTIFY_SOCKET are in `notify`.)
#![no_main]

mod input;
mod stated;

use std::ffi::CStr;

use libfuzzer_sys::fuzz_target;
use sdlite_core::{Errno, daemon, listen};

fuzz_target!(|data: &[u8]| {
    let text = input::c_string(data);
    let bytes = text.to_bytes();
    let own = std::process::id().cast_signed();

    set(c"WATCHDOG_USEC", &text);
    unset(c"WATCHDOG_PID");
    let interval = daemon::watchdog_enabled(None).map_err(Errno::number);
    let expected = stated::unsigned(bytes, 0).and_then(|usec| match usec {
        0 | u64::MAX => Err(libc::EINVAL),
        usec => Ok(Some(usec)),
    });
    assert_eq!(interval, expected, "an unsigned number of 64 bits: {text:?}");

    set(c"WATCHDOG_USEC", c"5");
    set(c"WATCHDOG_PID", &text);
    let interval = daemon::watchdog_enabled(None).map_err(Errno::number);
    let expected = stated::pid(bytes).map(|pid| (pid == own).then_some(5));
    assert_eq!(interval, expected, "a process id: {text:?}");

    set(c"LISTEN_PID", &std::ffi::CString::new(own.to_string()).unwrap());
    set(c"LISTEN_FDS", &text);
    let count = listen::listen_fds(None).map_err(Errno::number);
    let expected = stated::int(bytes).and_then(|count| match count {
        ..=0 => Err(libc::EINVAL),
        count if count > i32::MAX - 3 => Err(libc::EINVAL),
        count => Ok(count),
    });
    // So many descriptors need not be open.
    assert!(count == expected || (expected.is_ok() && count == Err(libc::EBADF)), "an int: {text:?}: {count:?}");
});

fn set(name: &CStr, value: &CStr) {
    // SAFETY: two C strings; there is one thread.
    assert_eq!(unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) }, 0);
}

fn unset(name: &CStr) {
    // SAFETY: a C string; there is one thread.
    assert_eq!(unsafe { libc::unsetenv(name.as_ptr()) }, 0);
}
