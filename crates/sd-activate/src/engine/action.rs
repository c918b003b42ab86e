//! What the engine has done.

use nix::unistd::Pid;

use super::event::{Port, UnitId};
use super::turn::Level;
use super::view::{Answer, RequestId};
use crate::error::Error;
use crate::spec::{CommandId, Signal};

/// Something to do. What it comes to is told by the [event](super::Event) that is named.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Listen, as a socket unit says: [`Opened`](super::Event::Opened), [`NotOpened`](super::Event::NotOpened).
    Open(UnitId),
    /// Throw away what waits at this port.
    Flush(Port),
    /// Tell when somebody comes to this port: [`Incoming`](super::Event::Incoming), [`HungUp`](super::Event::HungUp).
    Watch(Port),
    /// Do not tell, for now.
    Ignore(Port),
    /// Listen there anew: [`Reopened`](super::Event::Reopened), [`NotReopened`](super::Event::NotReopened).
    Reopen(Port),
    /// Listen there no longer.
    Close(Port),

    /// Check a unit's conditions: [`Checked`](super::Event::Checked).
    Check(UnitId),
    /// Execute a command of a unit: [`Executed`](super::Event::Executed), [`NotExecuted`](super::Event::NotExecuted).
    Execute {
        /// The unit. ExecStart= of a service is passed its ports.
        unit: UnitId,
        /// Which of its commands.
        command: CommandId,
        /// How many times the unit was started: `$INVOCATION_ID` is another each time.
        invocation: u64,
        /// What the command is told of the unit: `$MAINPID`, `$SERVICE_RESULT` and their like.
        variables: Vec<(&'static str, String)>,
    },
    /// Accept a connection, unless one is held that has been accepted; with the command line's form, start a service for it.
    /// [`Connected`](super::Event::Connected) or [`Accepted`](super::Event::Accepted),
    /// [`NotConnected`](super::Event::NotConnected), or nothing where the connection is gone again. Where the port is closed
    /// by now, so is the connection that was held.
    Accept(Port),
    /// The connection that is held is this unit's.
    Give(UnitId),
    /// The connection of this unit is held again.
    Hold(UnitId),
    /// Close the connection that is held.
    HangUp,
    /// Accept a connection and close it: there are too many.
    Refuse(Port),
    /// Close the connection of this unit, which is over.
    Disconnect(UnitId),
    /// Close the connection of this unit, and forget all that there is for it: [`Forgotten`](super::Event::Forgotten).
    Forget(UnitId),
    /// Send a signal.
    Kill(Pid, Signal),
    /// Send SIGKILL to all processes of a service, found as with [`Inspect`](Self::Inspect), and to those that they make meanwhile.
    KillAll(UnitId, Vec<Pid>),
    /// Look for the processes of a service: those that were executed for it, what descends from them, and what they have
    /// left. [`Inspected`](super::Event::Inspected).
    Inspect(UnitId, Vec<Pid>),
    /// Read PIDFile= of a service: [`PidFileRead`](super::Event::PidFileRead).
    ReadPidFile(UnitId),
    /// Store the descriptors that came with the notification: [`Stored`](super::Event::Stored).
    Store {
        /// The service that they are for.
        unit: UnitId,
        /// What it calls them.
        name: String,
        /// Whether they are removed when nobody is on the other side any more.
        polled: bool,
        /// How many there may be.
        max: u32,
    },
    /// Close the stored descriptors of this name: [`Stored`](super::Event::Stored).
    Unstore {
        /// The service that they are for.
        unit: UnitId,
        /// What it calls them.
        name: String,
    },
    /// Close all that are stored for a service: [`Stored`](super::Event::Stored).
    DiscardStore(UnitId),
    /// Remove what a unit that has stopped does not leave: its PIDFile=, its RuntimeDirectory=.
    CleanUp {
        /// The unit.
        unit: UnitId,
        /// It is about to be started again: RuntimeDirectoryPreserve=.
        restarts: bool,
    },

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
        unit: UnitId,
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
