use core::ffi::{c_char, c_int};

use sdlite_core::Errno;
use sdlite_core::login::machine;

use super::{return_numbers, return_string};
use crate::abi::optional;
use crate::memory::{Memory, Numbers};

/// Tells what a machine is.
///
/// machine: the name of the machine; ".host" for this one itself.
/// ret_clazz: receives "vm", "container" or "host". The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: machine is not a name that a machine can have, or NULL.
/// -ENXIO: there is no such machine.
/// -EIO: the file of the machine does not say it.
/// -EBADMSG, -E2BIG: the file is binary, or larger than 64 MiB. -EINVAL: it is not UTF-8.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /run/systemd/machines/.
///
/// See sd_machine_get_class(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_machine_get_class(machine: *const c_char, ret_clazz: *mut *mut c_char) -> c_int {
    let mut class = Memory::new();
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe {
        let found = match optional(machine) {
            Some(machine) => machine::class(machine, &mut class),
            None => Err(Errno::INVAL),
        };
        return_string(found, class, ret_clazz)
    }
}

/// Tells the network interfaces of this host that lead to a machine.
///
/// machine: the name of the machine.
/// ret_ifindices: receives an array of the indices of the interfaces; NULL if there are none. The caller has to free() it. May be
/// NULL.
///
/// Returns the number of interfaces, or a negative errno as sd_machine_get_class(), but no -EIO, and:
///
/// -EUCLEAN, -ERANGE: the file of the machine has something that is no index.
///
/// See sd_machine_get_ifindices(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_machine_get_ifindices(machine: *const c_char, ret_ifindices: *mut *mut c_int) -> c_int {
    let mut indices = Numbers::new();
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to an int *.
    unsafe {
        let found = match optional(machine) {
            // They are positive.
            Some(machine) => {
                machine::ifindices(machine, &mut Memory::new(), &mut |index| indices.push(index.unsigned_abs()))
            }
            None => Err(Errno::INVAL),
        };
        return_numbers(found, indices, ret_ifindices.cast())
    }
}
