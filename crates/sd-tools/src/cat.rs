//! `sd-cat`: systemd-cat(1).

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdout};
use sdlite_core::{journal, number};

use crate::end::{self, Failure};
use crate::error::errno;
use crate::execute::execute;
use crate::{last, program, string, value};

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    end::end(run(arguments))
}

const AFTER_HELP: &str = "\
Without a command, standard input is written to the journal. With one, its standard output and
its standard error are, and the command is executed in the place of sd-cat. Each line is an
entry.

PRIORITY is emerg, alert, crit, err, warning, notice, info or debug, or a number from 0 to 7. A
line that begins with <3>, or another such number, has that priority instead, unless
--level-prefix=no is given.

$JOURNAL_STREAM tells the command to which stream its standard error is connected.

Exit status: that of the command; 1 where it cannot be executed, or the journal be reached.";

/// The options.
pub fn command() -> Command {
    program("sd-cat")
        .about("Execute process with stdout/stderr connected to the journal.")
        .override_usage("sd-cat [OPTIONS] [COMMAND [ARGUMENT]...]")
        .after_help(AFTER_HELP)
        .arg(value("identifier", "STRING").short('t').help("Set syslog identifier"))
        .arg(value("priority", "PRIORITY").short('p').help("Set priority value: info"))
        .arg(value("stderr-priority", "PRIORITY").help("Set priority value used for stderr: that of --priority="))
        .arg(value("level-prefix", "BOOL").help("Control whether level prefix shall be parsed: yes"))
        .arg(value("namespace", "NAMESPACE").help("Connect to specified journal namespace"))
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .action(ArgAction::Append)
                .num_args(0..)
                .trailing_var_arg(true)
                .value_parser(ValueParser::os_string())
                .help("The command to execute, and its arguments"),
        )
}

/// What the command line asks for.
#[derive(Debug)]
pub struct Options {
    identifier: OsString,
    /// `--priority=`.
    pub priority: i32,
    /// `--stderr-priority=`.
    pub stderr_priority: Option<i32>,
    level_prefix: bool,
    /// None is the journal that everybody has.
    namespace: Option<CString>,
    /// The command and its arguments, if there is one.
    pub command: Vec<OsString>,
}

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
        let text = |name| last(matches, name, |given| Ok(given.to_owned()));
        let level = |name, what| {
            let refused = || Failure::refused(format!("Failed to parse {what} value."));
            last(matches, name, |given| priority(given).ok_or_else(refused))
        };
        let boolean = |given: &OsStr| {
            number::boolean(given.as_bytes()).map_err(|_| {
                let given = given.to_string_lossy();
                Failure::refused(format!("Failed to parse boolean argument to '--level-prefix=': {given}"))
            })
        };
        Ok(Self {
            identifier: text("identifier")?.unwrap_or_default(),
            priority: level("priority", "priority")?.unwrap_or(libc::LOG_INFO),
            stderr_priority: level("stderr-priority", "stderr priority")?,
            level_prefix: last(matches, "level-prefix", boolean)?.unwrap_or(true),
            namespace: text("namespace")?.filter(|name| !name.is_empty()).map(|name| string(&name)),
            command: matches.remove_many("command").unwrap_or_default().collect(),
        })
    }

    fn open(&self, priority: i32) -> Result<OwnedFd, Failure> {
        let stream =
            journal::stream_fd(self.namespace.as_deref(), self.identifier.as_bytes(), priority, self.level_prefix);
        match stream {
            // SAFETY: it was opened for this, and nobody else knows it.
            Ok(descriptor) => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
            Err(error) => Err(Failure::of("Failed to create stream fd", Errno::from_raw(error.number()))),
        }
    }
}

fn run(arguments: Vec<OsString>) -> Result<Option<u8>, Failure> {
    let options = parse(arguments)?;
    let stdout = options.open(options.priority)?;
    let stderr = match options.stderr_priority.filter(|priority| *priority != options.priority) {
        Some(priority) => Some(options.open(priority)?),
        None => None,
    };
    if options.command.is_empty() {
        return copy(stdout);
    }
    let stderr = stderr.as_ref().unwrap_or(&stdout).as_fd();
    // What is said from here on is for whoever called, and no matter of the journal's.
    let own =
        fcntl(io::stderr(), FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(|error| Failure::of("Failed to keep stderr", error));
    let error = match connect(stdout.as_fd(), stderr) {
        Ok(()) => execute(&options.command),
        Err(error) => error,
    };
    // SAFETY: it was opened for this, and nobody else knows it.
    if let Ok(own) = own.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }) {
        let _ = dup2_stderr(own);
    }
    Err(Failure::of("Failed to execute process", error))
}

/// Standard output and error become these streams, and $JOURNAL_STREAM says so.
fn connect(stdout: BorrowedFd<'_>, stderr: BorrowedFd<'_>) -> Result<(), Errno> {
    let stream = stderr.try_clone_to_owned().and_then(|stream| File::from(stream).metadata());
    let stream = stream.map_err(errno)?;
    // SAFETY: there is one thread.
    unsafe { std::env::set_var("JOURNAL_STREAM", format!("{}:{}", stream.dev(), stream.ino())) };
    dup2_stdout(stdout)?;
    dup2_stderr(stderr)
}

/// What the original has cat(1) do. Without an identifier the journal calls lines after the process that writes them, and so this
/// one gets that name.
fn copy(stream: OwnedFd) -> Result<Option<u8>, Failure> {
    let _ = nix::sys::prctl::set_name(c"cat");
    io::copy(&mut io::stdin().lock(), &mut File::from(stream))
        .map_err(|error| Failure::of("Failed to copy standard input", errno(error)))?;
    Ok(None)
}

/// syslog(3)'s number of a priority.
fn priority(text: &OsStr) -> Option<i32> {
    const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    let named = NAMES.iter().position(|name| text == *name).map(|place| place as i32);
    named.or_else(|| number::int(&string(text)).ok()).filter(|number| (0..=libc::LOG_DEBUG).contains(number))
}
