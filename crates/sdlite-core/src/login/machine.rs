//! sd_machine_get_class(3) and sd_machine_get_ifindices(3).

use core::ffi::{CStr, c_int};

use super::words::{self, Kind};
use super::{Buffer, file, session};
use crate::{Errno, Result, number};

/// sd_machine_get_class(3): `vm`, `container` or, for the host itself, `host`.
pub fn class(machine: &CStr, buffer: &mut dyn Buffer) -> Result<()> {
    if machine.to_bytes() == b".host" {
        buffer.truncate(0);
        return buffer.push(b"host");
    }
    read(machine, "CLASS", buffer)?;
    if buffer.bytes().is_empty() { Err(Errno::IO) } else { Ok(()) }
}

/// sd_machine_get_ifindices(3): hands out each index of an interface. False where there is no list of them.
pub fn ifindices(
    machine: &CStr,
    buffer: &mut dyn Buffer,
    indices: &mut dyn FnMut(c_int) -> Result<()>,
) -> Result<bool> {
    read(machine, "NETIF", buffer)?;
    words::split_all(buffer, Kind::Plain, &mut |word: &CStr| match number::int(word) {
        Ok(index @ 1..) => indices(index),
        Ok(_) | Err(Errno::INVAL) => Err(Errno::UCLEAN),
        Err(error) => Err(error),
    })
}

fn read(machine: &CStr, field: &str, buffer: &mut dyn Buffer) -> Result<()> {
    let name = machine.to_bytes();
    if !is_name(name) {
        return Err(Errno::INVAL);
    }
    file::field("machines", name, field, buffer).map_err(session::not_there)
}

/// Whether a machine can have this name: that of a host.
pub(super) fn is_name(name: &[u8]) -> bool {
    let is_label = |label: &[u8]| match label {
        [] | [b'-', ..] | [.., b'-'] => false,
        label => label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'),
    };
    name.len() <= 64 && name.split(|byte| *byte == b'.').all(is_label)
}
