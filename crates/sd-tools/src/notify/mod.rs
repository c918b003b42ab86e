//! `sd-notify`: systemd-notify(1).

mod fork;
mod message;
pub mod options;

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getpid, getppid};
use sdlite_core::{Answer, notify};

pub use options::command;
use options::{Action, Message, Process, Sender};

use crate::end::{Failure, end};
use crate::execute::execute;

/// How long the service manager may take to read the message, in microseconds.
const PATIENCE: u64 = 5_000_000;

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    end(run(arguments))
}

fn run(arguments: Vec<OsString>) -> Result<Option<u8>, Failure> {
    match options::parse(arguments)?.action {
        Action::Booted => Ok(Some((!sdlite::booted().unwrap_or(false)).into())),
        Action::Fork { command, quiet } => fork::run(&command, quiet).map(Some),
        Action::Send(message) => send(&message),
    }
}

/// Sends the message, and executes what is to be executed then.
fn send(message: &Message) -> Result<Option<u8>, Failure> {
    let sender = pid(message.process.unwrap_or(Process::Automatic));
    if let Some(Sender { uid, gid }) = message.sender {
        become_real(uid, gid)?;
    }
    let sent = notify::notify(sender, None, Some(&message.text()), Some(&message.descriptors));
    check(sent, "Failed to notify service manager")?;
    if !message.no_block {
        check(notify::barrier(sender, None, PATIENCE), "Failed to invoke barrier")?;
    }
    let Some(command) = &message.command else { return Ok(None) };
    if !message.descriptors.is_empty() {
        close_on_exec(&options::passed());
    }
    let error = execute(command);
    Err(Failure::Said(format!("Failed to execute command line: {}", options::joined(command)), error))
}

/// Who is meant.
fn pid(process: Process) -> libc::pid_t {
    let (own, parent) = (getpid().as_raw(), getppid().as_raw());
    match process {
        Process::Pid(pid) => pid,
        Process::Own => own,
        Process::Parent => parent,
        // The service manager is nobody's main process.
        Process::Automatic if parent <= 1 || Some(parent) == manager() => own,
        Process::Automatic => parent,
    }
}

/// The service manager, where that is not the first process.
fn manager() -> Option<libc::pid_t> {
    std::env::var("MANAGERPID").ok()?.parse().ok()
}

/// The real user and group are those that a message comes from. The effective ones stay, and with them the right to name another
/// process.
fn become_real(uid: Uid, gid: Option<Gid>) -> Result<(), Failure> {
    const UNCHANGED: libc::uid_t = libc::uid_t::MAX;
    if let Some(gid) = gid {
        // SAFETY: takes two numbers.
        let result = unsafe { libc::setregid(gid.as_raw(), UNCHANGED) };
        Errno::result(result).map_err(|error| Failure::of("Failed to change GID", error))?;
    }
    // SAFETY: takes two numbers.
    let result = unsafe { libc::setreuid(uid.as_raw(), UNCHANGED) };
    Errno::result(result).map_err(|error| Failure::of("Failed to change UID", error)).map(drop)
}

fn check(answer: Answer, what: &str) -> Result<(), Failure> {
    let nobody = "No status data could be sent: $NOTIFY_SOCKET was not set";
    answer.map_err(|no| match no.error() {
        None => Failure::Said(nobody.to_owned(), Errno::EOPNOTSUPP),
        Some(error) => Failure::of(what, Errno::from_raw(error.number())),
    })
}

fn close_on_exec(descriptors: &[RawFd]) {
    for descriptor in descriptors {
        // SAFETY: takes numbers. What is no descriptor any more is none of the command's either.
        unsafe { libc::fcntl(*descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Writes one line to standard output.
fn print(line: impl std::fmt::Display) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}
