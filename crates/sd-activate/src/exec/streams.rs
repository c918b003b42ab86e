//! Standard input, output and error of a unit's commands: "Logging and Standard Input/Output" in systemd.exec(5).

use std::ffi::{CString, OsString, c_int};
use std::fs::{File, Metadata};
use std::io::{Seek, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::UnixAddr;

use super::plan::Stream;
use super::step::Step;
use super::terminal::{CONSOLE, Control};
use super::unit::{Circumstances, UnitPlan};
use crate::error::Error;
use crate::spec::{ExecSpec, FileMode, Input, Output, Phase};

/// The standard streams of a command, and what its environment tells of them.
pub(super) struct Streams {
    /// Input, output and error.
    pub list: [Stream; 3],
    /// `$TERM`.
    pub term: Option<OsString>,
    /// Whether opening them may take long.
    pub patient: bool,
    /// Whether one of them is the socket that the command is for: it is passed no others then.
    pub is_socket: bool,
}

impl UnitPlan {
    /// Whether a command finds its descriptors by `$LISTEN_FDS`.
    pub(super) fn lists_descriptors(&self, phase: Phase, streams: &Streams) -> bool {
        phase == Phase::Start && !self.names.is_empty() && !streams.is_socket
    }

    /// The streams of a command.
    pub(super) fn streams(&self, exec: &ExecSpec, circumstances: &Circumstances) -> Result<Streams, Error> {
        let input = self.input(exec, circumstances)?;
        let output = self.output(exec, &exec.standard_output, 1, circumstances)?;
        let error = match &exec.standard_error {
            // The same file is opened once.
            same if *same == exec.standard_output => Stream::Like(1),
            other => self.output(exec, other, 2, circumstances)?,
        };
        let outputs = [&exec.standard_output, &exec.standard_error];
        let on_terminal =
            |output: &&Output| matches!(output, Output::Tty | Output::JournalConsole | Output::KmsgConsole);
        let controls = matches!(exec.standard_input, Input::Tty | Input::TtyForce | Input::TtyFail);
        let list = [input, output, error];
        Ok(Streams {
            term: (controls || outputs.iter().any(on_terminal)).then(|| term(exec)),
            patient: list.iter().any(|stream| match stream {
                Stream::Terminal(..) => true,
                Stream::File(path, _) => kind(path).is_some_and(|kind| kind.file_type().is_fifo()),
                _ => false,
            }),
            is_socket: exec.standard_input == Input::Socket || outputs.contains(&&Output::Socket),
            list,
        })
    }

    fn input(&self, exec: &ExecSpec, circumstances: &Circumstances) -> Result<Stream, Error> {
        let terminal = |control| Ok(Stream::Terminal(terminal(exec)?, libc::O_RDWR, Some(control)));
        match &exec.standard_input {
            Input::Null => Ok(Stream::Open(self.manager.null[0].clone())),
            Input::Tty => terminal(Control::Wait),
            Input::TtyForce => terminal(Control::Force),
            Input::TtyFail => terminal(Control::Fail),
            Input::Data => {
                let failed = |error: std::io::Error| self.step(Step::Stdin, "StandardInput", "data", error);
                data(&exec.input_data).map(|data| Stream::Open(Arc::new(data))).map_err(failed)
            }
            Input::File(path) => {
                // Where output goes there too, it is one.
                let both = exec.standard_output == Output::File(path.clone(), FileMode::Overwrite);
                file(path, if both { libc::O_RDWR | libc::O_CREAT } else { libc::O_RDONLY })
            }
            Input::Socket => self.socket("StandardInput"),
            Input::Named(name) => self.named("StandardInput", name, circumstances),
        }
    }

    fn output(
        &self,
        exec: &ExecSpec,
        output: &Output,
        descriptor: RawFd,
        circumstances: &Circumstances,
    ) -> Result<Stream, Error> {
        let setting = if descriptor == 1 { "StandardOutput" } else { "StandardError" };
        match output {
            Output::Inherit => Ok(Stream::Like(descriptor - 1)),
            Output::Null => Ok(Stream::Open(self.manager.null[1].clone())),
            Output::Tty if matches!(exec.standard_input, Input::Tty | Input::TtyForce | Input::TtyFail) => {
                Ok(Stream::Like(0))
            }
            Output::Tty => Ok(Stream::Terminal(terminal(exec)?, libc::O_WRONLY, None)),
            Output::Journal | Output::Kmsg | Output::JournalConsole | Output::KmsgConsole => {
                Ok(circumstances.journal.clone().map_or(Stream::Kept, Stream::Open))
            }
            Output::File(path, FileMode::Overwrite) if exec.standard_input == Input::File(path.clone()) => {
                Ok(Stream::Like(0))
            }
            Output::File(path, mode) => {
                let flags = match mode {
                    FileMode::Overwrite => 0,
                    FileMode::Append => libc::O_APPEND,
                    FileMode::Truncate => libc::O_TRUNC,
                };
                file(path, libc::O_WRONLY | libc::O_CREAT | flags)
            }
            Output::Socket => self.socket(setting),
            Output::Named(name) => self.named(setting, name, circumstances),
        }
    }

    /// The one socket that a command is for.
    fn socket(&self, setting: &'static str) -> Result<Stream, Error> {
        let reason = match self.names.len() {
            1 => return Ok(Stream::Passed(0)),
            0 => "there is no socket: start it by its socket unit",
            _ => "it has more than one socket: leave it one, or use fd:NAME",
        };
        Err(self.setting(setting, "socket", reason))
    }

    /// The first descriptor of a name, which only ExecStart= is passed.
    fn named(&self, setting: &'static str, name: &str, circumstances: &Circumstances) -> Result<Stream, Error> {
        let place = self.names.iter().position(|known| known == name.as_bytes());
        match place.filter(|_| circumstances.phase == Phase::Start) {
            Some(place) => Ok(Stream::Passed(place)),
            None => Err(self.setting(
                setting,
                &format!("fd:{name}"),
                "it is passed no descriptor of this name: see FileDescriptorName= and Sockets=; only ExecStart= has them",
            )),
        }
    }
}

fn kind(path: &CString) -> Option<Metadata> {
    std::fs::metadata(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()))).ok()
}

/// A file; where a socket stands at its path, a connection to that.
fn file(path: &Path, flags: c_int) -> Result<Stream, Error> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        return UnixAddr::new(path).map(Stream::Connection).map_err(|_| Error::ZeroByte);
    }
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::ZeroByte)?;
    Ok(Stream::File(path, flags))
}

/// A file in memory, which a command reads from its start.
fn data(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("data-fd", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// TTYPath=.
pub(super) fn terminal(exec: &ExecSpec) -> Result<CString, Error> {
    let path = exec.terminal.path.as_deref().unwrap_or(Path::new(CONSOLE));
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::ZeroByte)
}

/// What kind of terminal it is taken for.
fn term(exec: &ExecSpec) -> OsString {
    let path = exec.terminal.path.as_deref().unwrap_or(Path::new(CONSOLE));
    let name = path.to_string_lossy();
    let own = std::env::var_os("TERM").filter(|_| name == CONSOLE);
    let number = name.strip_prefix("/dev/tty").unwrap_or_default();
    let is_virtual = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    own.unwrap_or_else(|| if is_virtual { "linux" } else { "vt220" }.into())
}
