//! sd_pid_get_session(3), its siblings, and those that take a pidfd or a socket: what the control group of a process tells.

use core::ffi::c_int;

use super::{Buffer, c_str, cgroup, keep};
use crate::sys::{self, OwnedFd};
use crate::text::{self, Text};
use crate::{Errno, Result, number};

/// How a process is given.
#[derive(Clone, Copy)]
pub enum Process {
    /// By its id; 0 is this process.
    Pid(libc::pid_t),
    /// By a descriptor of it.
    Pidfd(c_int),
    /// As the one at the other end of a connected AF_UNIX socket.
    Peer(c_int),
}

/// What the control group of a process tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The path of the control group itself.
    Cgroup,
    /// The login session.
    Session,
    /// The unit of the system.
    Unit,
    /// The unit of a user's manager.
    UserUnit,
    /// The slice of the system.
    Slice,
    /// The slice of a user's manager.
    UserSlice,
    /// The virtual machine or container.
    MachineName,
    /// The user whose slice it is, as text.
    OwnerUid,
}

/// sd_pid_get_owner_uid(3).
pub fn owner_uid(process: Process, buffer: &mut dyn Buffer) -> Result<u32> {
    text(process, Field::OwnerUid, buffer)?;
    number::uid(c_str(buffer)?)
}

/// sd_pid_get_session(3) and its siblings. ENODATA where the field is not there, or ENXIO for a peer.
pub fn text(process: Process, field: Field, buffer: &mut dyn Buffer) -> Result<()> {
    match find(process, field, buffer) {
        // The same where the file cannot be opened for that reason.
        Err(Errno::NXIO) if field != Field::Cgroup && !matches!(process, Process::Peer(_)) => Err(Errno::NODATA),
        result => result,
    }
}

fn find(process: Process, field: Field, buffer: &mut dyn Buffer) -> Result<()> {
    let process = Found::new(process)?;
    buffer.truncate(0);
    cgroup::read(process.pid, buffer)?;
    if field == Field::Cgroup {
        if buffer.bytes().is_empty() {
            buffer.push(b"/")?;
        }
        return process.check();
    }
    let end = buffer.bytes().len();
    cgroup::read(1, buffer)?;
    let bytes = &*buffer.bytes();
    let (path, root) = bytes.split_at_checked(end).unwrap_or_default();
    let path = cgroup::below(path, root);
    let found = match field {
        Field::Cgroup => None,
        Field::Session => cgroup::session(path),
        Field::Unit | Field::MachineName => cgroup::unit(path),
        Field::UserUnit => cgroup::of_user(path).and_then(cgroup::unit),
        Field::Slice => Some(cgroup::slice(path)?),
        Field::UserSlice => cgroup::of_user(path).map(cgroup::slice).transpose()?,
        Field::OwnerUid => cgroup::owner(cgroup::slice(path)?),
    };
    let found = found.ok_or(Errno::NXIO)?;
    if found.is_empty() {
        buffer.truncate(0);
        buffer.push(cgroup::ROOT_SLICE)?;
        return process.check();
    }
    let start = found.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
    let part = start..start.wrapping_add(found.len());
    keep(buffer, 0, &part);
    if field == Field::MachineName {
        machine_of_unit(buffer)?;
    }
    process.check()
}

/// Where the link leads that machined makes for the unit of each machine.
fn machine_of_unit(buffer: &mut dyn Buffer) -> Result<()> {
    let mut room = text::room::<512>();
    let mut link = Text::new(&mut room);
    let link = link.push(b"/run/systemd/machines/unit:").push(buffer.bytes()).finish()?;
    let mut room = text::room::<{ libc::PATH_MAX as usize }>();
    let name = sys::readlink(link, &mut room)?;
    buffer.truncate(0);
    buffer.push(name)
}

/// The process that was asked for.
struct Found {
    pid: libc::pid_t,
    pidfd: Option<Pidfd>,
}

enum Pidfd {
    Owned(OwnedFd),
    Borrowed(c_int),
}

impl Pidfd {
    fn raw(&self) -> c_int {
        match self {
            Self::Owned(fd) => fd.raw(),
            Self::Borrowed(fd) => *fd,
        }
    }
}

impl Found {
    fn new(process: Process) -> Result<Self> {
        let pidfd = match process {
            Process::Pid(..0) => return Err(Errno::INVAL),
            Process::Pid(pid) => return Ok(Self { pid, pidfd: None }),
            Process::Pidfd(..0) | Process::Peer(..0) => return Err(Errno::BADF),
            Process::Pidfd(fd) => Pidfd::Borrowed(fd),
            Process::Peer(fd) => match sys::peer_pidfd(fd) {
                // Before Linux 6.5.
                Err(Errno::NOPROTOOPT | Errno::OPNOTSUPP) => return Self::by_credentials(fd),
                pidfd => Pidfd::Owned(pidfd?),
            },
        };
        Ok(Self { pid: pid_of(pidfd.raw())?, pidfd: Some(pidfd) })
    }

    fn by_credentials(socket: c_int) -> Result<Self> {
        let pid = match sys::peer_pid(socket)? {
            ..=0 => return Err(Errno::NODATA),
            pid => pid,
        };
        let pidfd = match sys::pidfd_open(pid) {
            Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => None,
            pidfd => Some(Pidfd::Owned(pidfd?)),
        };
        Ok(Self { pid, pidfd })
    }

    /// Whether what was found of that process is not of another one which got its id.
    fn check(&self) -> Result<()> {
        match &self.pidfd {
            Some(pidfd) if pid_of(pidfd.raw())? != self.pid => Err(Errno::SRCH),
            _ => Ok(()),
        }
    }
}

/// The process that a pidfd refers to.
fn pid_of(pidfd: c_int) -> Result<libc::pid_t> {
    match sys::pidfd_get_pid(pidfd) {
        // Before Linux 6.13, or it is no pidfd.
        Err(Errno::NOTTY | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => pid_of_fdinfo(pidfd),
        pid => pid,
    }
}

fn pid_of_fdinfo(pidfd: c_int) -> Result<libc::pid_t> {
    let mut room = text::room::<64>();
    let mut path = Text::new(&mut room);
    let path = path.push(b"/proc/self/fdinfo/").push_decimal(pidfd).finish()?;
    let file = sys::open(path, 0).map_err(|error| if error == Errno::NOENT { Errno::BADF } else { error })?;
    let mut room = text::room::<1024>();
    let lines = sys::read(file.raw(), &mut room)?;
    let line = lines.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Pid:\t"));
    match line.ok_or(Errno::NOTTY)? {
        // It has been waited for.
        [b'-', ..] => Err(Errno::SRCH),
        // It is none of those that can be seen here.
        b"0" => Err(Errno::REMOTE),
        digits => Ok(digits.iter().fold(0, |pid: libc::pid_t, digit| {
            pid.wrapping_mul(10).wrapping_add(libc::pid_t::from(digit.wrapping_sub(b'0')))
        })),
    }
}
