//! What the engine has done.

use std::path::PathBuf;

use nix::unistd::Pid;

use super::event::{Port, ServiceId};
use super::turn::Level;
use super::view::{Answer, RequestId};
use crate::error::Error;
use crate::spec::{CommandId, Signal};

/// Something to do. What it comes to is told by the [event](super::Event) that is named.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell when somebody comes to this port: [`Incoming`](super::Event::Incoming), [`HungUp`](super::Event::HungUp).
    Watch(Port),
    /// Do not tell, for now.
    Ignore(Port),
    /// Listen there anew: [`Reopened`](super::Event::Reopened), [`NotReopened`](super::Event::NotReopened).
    Reopen(Port),
    /// Listen there no longer.
    Close(Port),

    /// Execute a command of a unit: [`Executed`](super::Event::Executed), [`NotExecuted`](super::Event::NotExecuted).
    Execute {
        /// The unit. ExecStart= of a service is passed its ports.
        unit: ServiceId,
        /// Which of its commands.
        command: CommandId,
        /// How many times the unit was started: `$INVOCATION_ID` is another each time.
        invocation: u64,
        /// What the command is told of the unit: `$MAINPID`, `$SERVICE_RESULT` and their like.
        variables: Vec<(&'static str, String)>,
    },
    /// Accept a connection, unless one waits that has been accepted, and start a service for it:
    /// [`Connected`](super::Event::Connected), [`NotConnected`](super::Event::NotConnected), or nothing where the
    /// connection is gone again.
    Accept(Port),
    /// Accept a connection and close it: there are too many.
    Refuse(Port),
    /// Send a signal.
    Kill(Pid, Signal),
    /// Look for the processes of a service: those that were executed for it, what descends from them, and what they have
    /// left. [`Inspected`](super::Event::Inspected).
    Inspect(ServiceId, Vec<Pid>),
    /// Remove a file, if it is there.
    Remove(PathBuf),

    /// Put the service with this main process into the terminal's foreground, instead of this process, and let it go on.
    GiveTerminal(Pid),
    /// Put this process there again.
    TakeTerminal,

    /// Answer what was asked.
    Answer(RequestId, Answer),
    /// Say something.
    Say(String),
    /// Say something about a unit.
    Log {
        /// The unit.
        unit: ServiceId,
        /// How important it is.
        level: Level,
        /// What.
        message: String,
    },
    /// Stop this process, as SIGTSTP does.
    Suspend,
    /// End with this exit status.
    Exit(u8),
    /// End with this error.
    Fail(Error),
}
