use core::ffi::{c_char, c_int};

use sdlite_core::listen::Names;
use sdlite_core::{Result, listen};

use crate::abi::{IntoC, unset};
use crate::memory::{Memory, Strings};

/// The number of the first file descriptor that the service manager passes. The others follow it.
// Rust 1.85 does not take the assertion below for a use of it.
#[allow(dead_code)]
pub const SD_LISTEN_FDS_START: c_int = 3;

/// Tells how many file descriptors the service manager passed to this process. Their numbers begin at SD_LISTEN_FDS_START.
/// The function sets FD_CLOEXEC on each of them.
///
/// unset_environment: if not zero, the function removes $LISTEN_PID, $LISTEN_PIDFDID, $LISTEN_FDS and $LISTEN_FDNAMES from
/// the environment, also when it fails. Later calls and child processes then find nothing.
///
/// Returns the number of descriptors, 0 if none were passed to this process, or a negative errno:
///
/// -EINVAL: a variable is not a number, or $LISTEN_FDS is less than 1 or more than there can be descriptors.
/// -ERANGE: a variable is a number out of range.
/// -EBADF: one of the descriptors is not open. The flag is set on those before it.
///
///     int n = sd_listen_fds(1);
///     for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
///             serve(fd);
///
/// See sd_listen_fds(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_listen_fds(unset_environment: c_int) -> c_int {
    // SAFETY: as the caller promises.
    listen::listen_fds(unsafe { unset(unset_environment) }).into_c()
}

/// Like sd_listen_fds(), and tells the name of each descriptor: FileDescriptorName= of its socket unit.
///
/// names: receives a NULL-terminated array with one string for each descriptor, in the order of the descriptors. If the
/// manager gave no names, each is "unknown". The caller has to free() each string and the array. May be NULL. The function
/// does not touch it when it returns 0 or less.
///
/// Returns as sd_listen_fds(), and:
///
/// -EINVAL: the number of names in $LISTEN_FDNAMES is not the number of descriptors, or it ends in a lone backslash.
/// -ENOMEM: there is not enough memory for the names.
///
/// See sd_listen_fds_with_names(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_listen_fds_with_names(unset_environment: c_int, names: *mut *mut *mut c_char) -> c_int {
    if names.is_null() {
        // SAFETY: as the caller promises.
        return unsafe { sd_listen_fds(unset_environment) };
    }
    // SAFETY: as the caller promises.
    match listen::listen_fds_with_names(unsafe { unset(unset_environment) }, array) {
        Ok(Some((count, array))) => {
            // SAFETY: the caller gave a pointer to a char **.
            unsafe { names.write(array) };
            count
        }
        Ok(None) => 0,
        Err(error) => Err::<c_int, _>(error).into_c(),
    }
}

/// The names as the caller gets them.
fn array(names: Names<'_>) -> Result<*mut *mut c_char> {
    let mut array = Strings::new();
    for name in names {
        let mut string = Memory::new();
        for byte in name.bytes() {
            string.push_byte(byte)?;
        }
        array.push(string)?;
    }
    array.end()?;
    Ok(array.into_raw())
}

const _: () = assert!(SD_LISTEN_FDS_START == listen::LISTEN_FDS_START);
