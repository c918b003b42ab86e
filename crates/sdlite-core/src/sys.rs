//! The system calls, one safe function each, by family; names and errors as in section 2 of the manual.

use core::ffi::c_int;

use crate::{Errno, Result};

mod address;
mod environment;
mod fd;
mod file;
mod inotify;
mod key;
mod message;
mod poll;
mod process;
mod random;
mod socket;
mod stat;
mod string;

pub(crate) use address::{Address, SocketAddress};
pub(crate) use environment::{getenv, secure_getenv, unsetenv};
pub(crate) use fd::{OwnedFd, add_seals, close, memfd_create, mq_getattr, open_path, pipe, set_cloexec, writev};
pub(crate) use file::{getdents, open, read, read_over, readlink};
pub(crate) use inotify::{inotify_add_watch, inotify_init};
pub(crate) use key::{key_describe, key_read, request_key};
pub(crate) use message::{Control, IoSlice, SCM_MAX_FD, sendmsg};
pub(crate) use poll::poll_hangup;
pub(crate) use process::{getpid, getresgid, getresuid, pidfd_get_pid, pidfd_open};
pub(crate) use random::getrandom;
pub(crate) use socket::{
    bind, connect, getsockname, getsockopt, peer_pid, peer_pidfd, recv_byte, setsockopt, shutdown, socket,
};
pub(crate) use stat::{Stat, file_system_type, fstat, stat};
pub(crate) use string::{
    c_str, memchr, program_invocation_short_name, strerror_r, strtol, strtoul, strtoull, tail, terminated,
};

/// -1 is an error, whose number is in errno.
fn check(result: c_int) -> Result<c_int> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}
