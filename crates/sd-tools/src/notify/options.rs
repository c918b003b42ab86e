//! The command line of systemd-notify(1).

use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid};
use sdlite::State;
use sdlite_accounts::{user_by_name, user_by_uid};
use sdlite_core::{number, pidfd};

use super::message::Assignments;
use crate::end::{self, Failure};
use crate::{flag, last, program, say, string, value};

/// What the command line asks for.
#[derive(Debug)]
pub struct Options {
    /// What is to be done.
    pub action: Action,
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// `--booted`.
    Booted,
    /// `--fork`.
    Fork {
        /// The command that notifies.
        command: Vec<OsString>,
        /// `--quiet`.
        quiet: bool,
    },
    /// A message goes to the service manager.
    Send(Message),
}

/// A message.
#[derive(Debug)]
pub struct Message {
    assignments: Assignments,
    /// `--fd=`.
    pub(super) descriptors: Vec<RawFd>,
    /// `--pid=`.
    pub(super) process: Option<Process>,
    /// `--uid=`.
    pub(super) sender: Option<Sender>,
    pub(super) no_block: bool,
    /// `--exec`.
    pub command: Option<Vec<OsString>>,
}

impl Message {
    /// Its text.
    pub fn text(&self) -> Vec<u8> {
        self.assignments.text()
    }
}

/// A process, as `--pid=` names it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Process {
    Automatic,
    Own,
    Parent,
    Pid(libc::pid_t),
}

/// From whom the message comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub(super) uid: Uid,
    /// None for a user that has a number and nothing else.
    pub(super) gid: Option<Gid>,
}

const AFTER_HELP: &str = "\
The message comes from the process that called sd-notify, or the one that --pid= names, where
sd-notify may say so: that takes privileges. Otherwise it comes from sd-notify itself. With
--uid= it comes from another user.

sd-notify waits until the service manager has read the message, for at most 5s. It fails where
$NOTIFY_SOCKET is not set.

--fork turns it round: the command is started in the background, with /dev/null as standard
input and output, and sd-notify waits until the command sends READY=1, or ends. Signals are
passed on to it meanwhile.

Exit status: 0 when the message was sent, 1 otherwise. With --booted, 0 under systemd. With
--fork, 0 when the command is ready, its exit status when it ended before that, and 203 when it
cannot be executed.";

const USAGE: &str = "\
sd-notify [OPTIONS] [VARIABLE=VALUE]...
       sd-notify [OPTIONS] --exec [VARIABLE=VALUE]... ';' -- COMMAND [ARGUMENT]...
       sd-notify [OPTIONS] --fork -- COMMAND [ARGUMENT]...";

/// The options.
pub fn command() -> Command {
    program("sd-notify")
        .about("Notify the service manager about service status updates.")
        .override_usage(USAGE)
        .after_help(AFTER_HELP)
        .arg(flag("ready").help("Say that the service has started, or has reloaded its configuration"))
        .arg(flag("reloading").help("Say that the service begins to reload its configuration"))
        .arg(flag("stopping").help("Say that the service begins to stop"))
        .arg(
            value("pid", "PID")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("auto")
                .help("Say what the main process is: auto, self, parent or a process id"),
        )
        .arg(value("uid", "USER").help("Send as another user"))
        .arg(value("status", "TEXT").help("Say in words what the service does"))
        .arg(flag("booted").help("Send nothing, and check if the system was booted with systemd"))
        .arg(flag("no-block").help("Do not wait until the message has been read"))
        .arg(flag("exec").help("Execute the command that follows ';' after the message was sent"))
        .arg(value("fd", "FD").help("Pass a file descriptor with the message"))
        .arg(value("fdname", "NAME").help("The name of the file descriptors that are passed"))
        .arg(flag("fork").help("Start a command, and wait until it says that it is ready"))
        .arg(flag("quiet").short('q').help("With --fork, do not print the command's process id"))
        .arg(
            Arg::new("assignments")
                .value_name("VARIABLE=VALUE")
                .action(ArgAction::Append)
                .num_args(0..)
                .value_parser(ValueParser::os_string())
                .help("What else to say; see sd_notify(3)"),
        )
}

/// What says something, and so is for messages alone.
const OF_MESSAGES: [&str; 4] = ["ready", "reloading", "stopping", "status"];

/// Reads the command line.
///
/// # Errors
///
/// What is wrong with it, or a text that it asks for.
pub fn parse(arguments: Vec<OsString>) -> Result<Options, Failure> {
    Options::of(&mut end::parse(command(), arguments)?)
}

impl Options {
    fn of(matches: &mut ArgMatches) -> Result<Self, Failure> {
        let process = last(matches, "pid", process)?;
        // A user without a group stays in that of the user before, if there was one.
        let mut gid = None;
        let sender = last(matches, "uid", |user| {
            let sender = sender(user)?;
            gid = sender.gid.or(gid);
            Ok(Sender { gid, ..sender })
        })?;
        let name = last(matches, "fdname", |name| descriptor_name(name).map(|()| name.to_owned()))?;
        let status = last(matches, "status", |text| Ok(text.to_owned()))?;
        let numbers: Vec<_> = matches.get_many::<OsString>("fd").unwrap_or_default().collect();
        let numbers: Vec<_> = numbers.into_iter().map(|number| descriptor(number)).collect::<Result<_, _>>()?;
        let arguments: Vec<_> = matches.remove_many::<OsString>("assignments").unwrap_or_default().collect();

        let flag = |name: &str| matches.get_flag(name);
        let says = process.is_some()
            || !numbers.is_empty()
            || status.is_some()
            || OF_MESSAGES[..3].iter().any(|name| flag(name));
        let place = |name| flag(name).then(|| matches.index_of(name)).flatten();
        // Of these two, the last one counts.
        let (booted, fork) = (place("booted") > place("fork"), place("fork") > place("booted"));
        if booted && !arguments.is_empty() {
            return Err(Failure::refused("--booted takes no parameters, refusing."));
        }
        if fork && arguments.is_empty() {
            return Err(Failure::refused("--fork requires a command to be specified, refusing."));
        }
        if (booted || fork) && says {
            return Err(Failure::refused(
                "--ready, --reloading, --stopping, --pid=, --status=, --fd= may not be combined with --fork or --booted, \
                 refusing.",
            ));
        }
        if booted {
            return Ok(Self { action: Action::Booted });
        }
        if fork {
            return Ok(Self { action: Action::Fork { command: arguments, quiet: flag("quiet") } });
        }

        if name.is_some() && numbers.is_empty() {
            return Err(Failure::refused("No file descriptors passed, but --fdname= used, refusing."));
        }
        let (words, command) = if flag("exec") { split(arguments)? } else { (arguments, None) };
        check_passed(&numbers)?;

        let mut assignments = Assignments::default();
        for (name, state) in [("reloading", State::Reloading), ("ready", State::Ready), ("stopping", State::Stopping)] {
            if flag(name) {
                state.to_string().split('\n').for_each(|assignment| assignments.set(assignment));
            }
        }
        if let Some(status) = status {
            assignments.set_value("STATUS", &status);
        }
        if let Some(process) = process {
            main_process(super::pid(process), &mut assignments);
        }
        if !numbers.is_empty() {
            assignments.set("FDSTORE=1");
        }
        if let Some(name) = name {
            assignments.set_value("FDNAME", &name);
        }
        words.iter().for_each(|word| assignments.set(word.as_bytes()));
        if assignments.is_empty() {
            return Err(Failure::refused(match command {
                Some(_) => "No notify message specified with --exec, refusing.",
                None => "Nothing to notify about was specified.",
            }));
        }
        let no_block = flag("no-block");
        Ok(Self {
            action: Action::Send(Message { assignments, descriptors: numbers, process, sender, no_block, command }),
        })
    }
}

/// What `--exec` says: assignments, `;`, and a command.
fn split(mut arguments: Vec<OsString>) -> Result<(Vec<OsString>, Option<Vec<OsString>>), Failure> {
    let Some(place) = arguments.iter().position(|argument| argument == ";") else {
        return Err(Failure::refused("If --exec is used, argument list must contain ';' separator, refusing."));
    };
    let command = arguments.split_off(place).split_off(1);
    if command.is_empty() {
        return Err(Failure::refused("Empty command line specified after ';' separator, refusing."));
    }
    Ok((arguments, Some(command)))
}

fn process(text: &OsStr) -> Result<Process, Failure> {
    let failed = |error| Failure::of(format_args!("Failed to refer to --pid='{}'", text.to_string_lossy()), error);
    match text.as_bytes() {
        b"" | b"auto" => Ok(Process::Automatic),
        b"self" => Ok(Process::Own),
        b"parent" => Ok(Process::Parent),
        _ => {
            let pid = number::pid(&string(text)).map_err(|error| failed(Errno::from_raw(error.number())))?;
            match exists(pid) {
                Err(Errno::ESRCH) => Err(failed(Errno::ESRCH)),
                _ => Ok(Process::Pid(pid)),
            }
        }
    }
}

fn exists(pid: libc::pid_t) -> Result<(), Errno> {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None)
}

/// The main process: its number, and its id that is never used again, where the kernel has those.
fn main_process(pid: libc::pid_t, assignments: &mut Assignments) {
    assignments.set(format!("MAINPID={pid}"));
    let id = || {
        let descriptor = pidfd::open(pid).ok()?;
        let id = sdlite_core::pidfd::get_inode_id(descriptor);
        // SAFETY: it is this function's own, and is not used any more.
        unsafe { libc::close(descriptor) };
        id.ok()
    };
    if let Some(id) = id() {
        assignments.set(format!("MAINPIDFDID={id}"));
    }
}

fn sender(name: &OsStr) -> Result<Sender, Failure> {
    let failed = |error| Failure::of(format_args!("Can't resolve user {}", name.to_string_lossy()), error);
    let invalid = || failed(Errno::EINVAL);
    let found = match number::uid(&string(name)) {
        Ok(number) => match user_by_uid(Uid::from_raw(number)) {
            Ok(Some(user)) => Some((user.uid, Some(user.gid))),
            _ => Some((Uid::from_raw(number), None)),
        },
        Err(error) if error.number() == libc::ENXIO => return Err(failed(Errno::ENXIO)),
        Err(_) => {
            let name = name.to_str().ok_or_else(invalid)?;
            user_by_name(name).map_err(failed)?.map(|user| (user.uid, Some(user.gid)))
        }
    };
    let (uid, gid) = found.ok_or_else(invalid)?;
    Ok(Sender { uid, gid })
}

fn descriptor(text: &OsStr) -> Result<RawFd, Failure> {
    let error = match number::int(&string(text)) {
        Ok(number) if number >= 0 => return Ok(number),
        Ok(_) => Errno::EBADF,
        Err(error) => Errno::from_raw(error.number()),
    };
    Err(Failure::Said(format!("Failed to parse file descriptor: {}", text.to_string_lossy()), error))
}

/// As the service manager takes it: sd_pid_notify_with_fds(3).
fn descriptor_name(name: &OsStr) -> Result<(), Failure> {
    let bytes = name.as_bytes();
    let is_name = bytes.len() <= 255 && bytes.iter().all(|byte| (b' '..=b'~').contains(byte) && *byte != b':');
    let invalid = || Failure::refused(format!("File descriptor name invalid: {}", name.to_string_lossy()));
    is_name.then_some(()).ok_or_else(invalid)
}

/// Each descriptor has to be open, and each but the standard ones is passed once. Says what else is open, which the caller may
/// have meant to pass.
fn check_passed(numbers: &[RawFd]) -> Result<(), Failure> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut passed = passed();
    for number in numbers {
        let place = passed.iter().position(|open| open == number);
        match place {
            Some(place) => drop(passed.swap_remove(place)),
            None if *number <= 2 && is_open(*number) => (),
            None => {
                return Err(Failure::of(
                    format_args!("Specified file descriptor '{number}' not passed or specified more than once"),
                    Errno::ENOENT,
                ));
            }
        }
    }
    if !passed.is_empty() {
        say(format_args!("Warning: {} more file descriptors passed than referenced with --fd=.", passed.len()));
    }
    Ok(())
}

/// The open descriptors beside the standard ones.
pub(super) fn passed() -> Vec<RawFd> {
    let listed = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<RawFd> = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The directory's own is closed by now.
    numbers.into_iter().filter(|number| *number > 2 && is_open(*number)).collect()
}

fn is_open(descriptor: RawFd) -> bool {
    // SAFETY: takes a number.
    unsafe { libc::fcntl(descriptor, libc::F_GETFD) >= 0 }
}

/// A command in words.
pub(super) fn joined(command: &[OsString]) -> String {
    command.join(OsStr::new(" ")).to_string_lossy().into_owned()
}
