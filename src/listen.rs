use core::ffi::{c_char, c_int, c_void};

use sdlite_core::listen::{Name, Names};
use sdlite_core::{Errno, Result, listen};

use crate::abi::{IntoC, unset};

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
    match listen::listen_fds_with_names(unsafe { unset(unset_environment) }, NameArray::of) {
        Ok(Some((count, array))) => {
            // SAFETY: the caller gave a pointer to a char **.
            unsafe { names.write(array.into_raw()) };
            count
        }
        Ok(None) => 0,
        Err(error) => Err::<c_int, _>(error).into_c(),
    }
}

/// An array of strings that ends in NULL, all of malloc(3), freed unless it becomes the caller's.
struct NameArray(*mut *mut c_char);

impl NameArray {
    fn of(names: Names<'_>) -> Result<Self> {
        let count = names.clone().count();
        // calloc: at every moment the array ends in NULL.
        // SAFETY: it checks the product of its arguments.
        let array: *mut *mut c_char = unsafe { libc::calloc(count + 1, size_of::<*mut c_char>()) }.cast();
        if array.is_null() {
            return Err(Errno::NOMEM);
        }
        let array = Self(array);
        for (i, name) in names.enumerate() {
            let string = string(name)?;
            // SAFETY: there are `count` elements and the one that ends the array.
            unsafe { array.0.add(i).write(string) };
        }
        Ok(array)
    }

    fn into_raw(self) -> *mut *mut c_char {
        core::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for NameArray {
    fn drop(&mut self) {
        let mut element = self.0;
        // SAFETY: each element before the NULL is a string of malloc, and so is the array.
        unsafe {
            while !element.read().is_null() {
                libc::free(element.read().cast::<c_void>());
                element = element.add(1);
            }
            libc::free(self.0.cast::<c_void>());
        }
    }
}

fn string(name: Name<'_>) -> Result<*mut c_char> {
    // SAFETY: it takes a number.
    let string: *mut c_char = unsafe { libc::malloc(name.max_len() + 1) }.cast();
    if string.is_null() {
        return Err(Errno::NOMEM);
    }
    let mut end = string;
    for byte in name.bytes() {
        // SAFETY: there is room for as many bytes as the name can have, and one more.
        unsafe {
            end.write(byte as c_char);
            end = end.add(1);
        }
    }
    // SAFETY: the one more.
    unsafe { end.write(0) };
    Ok(string)
}

const _: () = assert!(SD_LISTEN_FDS_START == listen::LISTEN_FDS_START);
