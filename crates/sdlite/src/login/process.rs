use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;

use sdlite_core::Errno;
use sdlite_core::login::process::{self, Field};

use super::{Machine, Room, Session, User, text};
use crate::Result;

/// A process, to ask where it belongs: sd_pid_get_session(3).
#[derive(Clone, Copy, Debug)]
pub struct Process<'fd>(By<'fd>);

#[derive(Clone, Copy, Debug)]
enum By<'fd> {
    Pid(u32),
    Pidfd(BorrowedFd<'fd>),
    Peer(BorrowedFd<'fd>),
}

/// The process with this id; 0 is this process.
///
/// ```
/// use sdlite::login;
///
/// println!("{:?}", login::of_pid(0).unit());
/// ```
pub fn of_pid(pid: u32) -> Process<'static> {
    Process(By::Pid(pid))
}

/// The process that a pidfd refers to.
pub fn of_pidfd(pidfd: BorrowedFd<'_>) -> Process<'_> {
    Process(By::Pidfd(pidfd))
}

/// The process at the other end of a connected local socket.
pub fn of_peer(socket: BorrowedFd<'_>) -> Process<'_> {
    Process(By::Peer(socket))
}

impl Process<'_> {
    /// The session it is in.
    ///
    /// # Errors
    ///
    /// The [module](super) lists the errors of all functions here.
    pub fn session(self) -> Result<Option<Session>> {
        Ok(self.field(Field::Session)?.map(Session::new))
    }

    /// The unit of the system that it is in, such as `sshd.service`.
    pub fn unit(self) -> Result<Option<String>> {
        self.field(Field::Unit)
    }

    /// The unit of a user's service manager that it is in.
    pub fn user_unit(self) -> Result<Option<String>> {
        self.field(Field::UserUnit)
    }

    /// The slice of the system that it is in, such as `system.slice`.
    pub fn slice(self) -> Result<Option<String>> {
        self.field(Field::Slice)
    }

    /// The slice of a user's service manager that it is in.
    pub fn user_slice(self) -> Result<Option<String>> {
        self.field(Field::UserSlice)
    }

    /// The user whose session or service manager it belongs to. It may run as another user.
    pub fn owner(self) -> Result<Option<User>> {
        let process = self.to_core()?;
        let owner = process::owner_uid(process, &mut Room::default());
        Ok(optional(owner.map_err(Into::into))?.map(User::new))
    }

    /// The virtual machine or container that it is in.
    pub fn machine(self) -> Result<Option<Machine>> {
        match self.field(Field::MachineName) {
            // It is in a unit, but the unit is not that of a machine.
            Err(error) if error.errno() == libc::ENOENT => Ok(None),
            name => Ok(name?.map(Machine::new)),
        }
    }

    /// The path of its control group, below that of the whole system.
    pub fn cgroup(self) -> Result<PathBuf> {
        let process = self.to_core()?;
        text(|room| process::text(process, Field::Cgroup, room)).map(PathBuf::from)
    }

    fn field(self, field: Field) -> Result<Option<String>> {
        let process = self.to_core()?;
        optional(text(|room| process::text(process, field, room)))
    }

    fn to_core(self) -> Result<process::Process> {
        Ok(match self.0 {
            By::Pid(pid) => process::Process::Pid(pid.try_into().map_err(|_| Errno::INVAL)?),
            By::Pidfd(fd) => process::Process::Pidfd(fd.as_raw_fd()),
            By::Peer(fd) => process::Process::Peer(fd.as_raw_fd()),
        })
    }
}

/// None for what is not there. For a peer, libsystemd says so with another number.
fn optional<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(error) if error.errno() == libc::ENXIO => Ok(None),
        found => super::optional(found),
    }
}
