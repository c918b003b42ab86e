//! The way from a process to itself: what is written down, and execve(2).

use std::borrow::Cow;
use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::execve;
use serde_json::Value;

use super::receive::{ANSWER, SEALS, VARIABLE, VERIFY};
use super::{Caller, Envelope, VERSION};
use crate::control::INTERFACE;
use crate::control::call::{Failure, Reply};
use crate::engine::Engine;
use crate::error::reason;
use crate::saved::Descriptor;
use crate::world::World;

/// The new program has so long to say whether it goes on from there.
const PATIENCE: Duration = Duration::from_secs(10);
/// So much of what it says is told.
const SAID_MAX: u64 = 1024;

/// How this process was executed.
pub struct Itself {
    /// The path that execve(2) was given: after an upgrade, another file is there.
    path: CString,
    arguments: Vec<CString>,
}

impl Itself {
    /// With these arguments.
    pub fn new(arguments: &[OsString]) -> Self {
        let arguments = arguments.iter().filter_map(|argument| CString::new(argument.as_bytes()).ok());
        Self { path: executed(), arguments: arguments.collect() }
    }
}

/// The path of this process's program.
fn executed() -> CString {
    // SAFETY: asks for a number.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if path != 0 {
        // SAFETY: the kernel has put a string there, which stays.
        let path = unsafe { CStr::from_ptr(path as *const libc::c_char) };
        // Without a slash, it is a file of the current directory to execve(2), but a name to look for to others.
        let directory: &[u8] = if path.to_bytes().contains(&b'/') { b"" } else { b"./" };
        return CString::new([directory, path.to_bytes()].concat()).unwrap_or_default();
    }
    let path = std::env::current_exe().unwrap_or_default();
    CString::new(path.into_os_string().into_vec()).unwrap_or_default()
}

impl World {
    /// Executes this process anew where that was asked for. Where it cannot be, who has asked is told why, and all goes on.
    pub(in crate::world) fn execute_anew_if_asked(&mut self, engine: &Engine) {
        let Some(caller) = self.asked.as_mut().and_then(|asked| asked.reexecution.take()) else { return };
        self.say("Reexecuting.");
        let Err(why) = self.execute_anew(engine, caller);
        self.say(&why);
        if let Some(asked) = &mut self.asked {
            let error = format!("{INTERFACE}.NotExecuted");
            let parameters = [("message".to_owned(), why.into())].into_iter().collect();
            asked.reply(caller, &Reply::Fails(Failure { error, parameters }));
        }
    }

    /// Only returns where that cannot be: why.
    fn execute_anew(&mut self, engine: &Engine, caller: Caller) -> Result<Infallible, String> {
        let not_written = |why: &dyn Display| format!("Failed to execute sd-activate anew: what it knows: {why}.");
        let itself = self.asked.as_ref().map(|asked| &asked.itself).ok_or_else(|| not_written(&"nobody can ask"))?;
        let state = self.save(engine, Some(caller)).ok_or_else(|| not_written(&"no units are managed"))?;
        let sockets = self.ports.values().map(Descriptor::of).collect();
        let envelope = Envelope { version: VERSION, process: std::process::id(), sockets, state };
        let written = serde_json::to_value(envelope).map_err(|error| not_written(&error))?;
        let file = sealed(&written).map_err(|error| not_written(&error))?;
        itself.check(&file)?;

        self.supervisor.reloads();
        let mut kept = Descriptor::all_in(&written);
        kept.push(file.as_raw_fd());
        let Err(error) = keep_open(&kept, true).and_then(|()| itself.execute(&file));
        // Each is tried: they were before.
        let _ = keep_open(&kept, false);
        Err(format!("Failed to execute {}: {}.", itself.name(), reason(error)))
    }
}

impl Itself {
    fn name(&self) -> Cow<'_, str> {
        self.path.to_string_lossy()
    }

    /// Asks the program that is there now whether it goes on from what is written there.
    fn check(&self, state: &File) -> Result<(), String> {
        let name = self.name();
        let failed = |error: io::Error| format!("Failed to execute {name}: {error}.");
        let mut command = Command::new(OsStr::from_bytes(self.path.to_bytes()));
        // By the name that this one was called by, as a program that is several programs goes by that.
        if let Some(name) = self.arguments.first() {
            command.arg0(OsStr::from_bytes(name.to_bytes()));
        }
        command.arg(VERIFY).stdin(state.try_clone().map_err(failed)?).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait().map_err(failed)? {
                Some(status) => break status,
                None if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
                None => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("{name} was not executed: it does not say whether it reads what is known."));
                }
            }
        };
        let answer = read(child.stdout);
        if status.success() && answer.starts_with(ANSWER) {
            return Ok(());
        }
        match read(child.stderr).trim_end() {
            "" => Err(format!("{name} was not executed: it is no sd-activate.")),
            said => Err(format!("{name} was not executed: it does not read what is known: {said}")),
        }
    }

    /// Only returns with an error.
    fn execute(&self, state: &File) -> Result<Infallible, Errno> {
        let inherited = env::vars_os().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        let own = format!("{VARIABLE}={}", state.as_raw_fd()).into_bytes();
        let environment: Vec<CString> = inherited.chain([own]).filter_map(|text| CString::new(text).ok()).collect();
        execve(&self.path, &self.arguments, &environment)
    }
}

fn read(from: Option<impl Read>) -> String {
    let mut text = Vec::new();
    from.into_iter().for_each(|from| drop(from.take(SAID_MAX).read_to_end(&mut text)));
    String::from_utf8_lossy(&text).into_owned()
}

/// A file in memory that nobody can change.
fn sealed(written: &Value) -> io::Result<File> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create(c"sd-activate-state", flags)?);
    serde_json::to_writer(BufWriter::new(&mut file), written)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS))?;
    Ok(file)
}

/// Whether these stay open when a program is executed. All are tried; an error is the first.
fn keep_open(descriptors: &[RawFd], stay: bool) -> Result<(), Errno> {
    let flags = if stay { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    let set = |descriptor: &RawFd| {
        // SAFETY: each is open: what is written down has just been read from what is open.
        let open = unsafe { BorrowedFd::borrow_raw(*descriptor) };
        fcntl(open, FcntlArg::F_SETFD(flags)).err()
    };
    descriptors.iter().filter_map(set).reduce(|first, _| first).map_or(Ok(()), Err)
}
