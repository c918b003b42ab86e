//! Commands, as "Command Lines" in systemd.service(5) describes them.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Origin;

/// A command that a unit has executed: one of ExecStart= and its siblings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The file: an absolute path, or a name to look for in ExecSearchPath=, or else where systemd looks.
    pub path: PathBuf,
    /// The arguments, the zeroth included: the path again, or what follows it where `@` stands before it.
    pub arguments: Vec<OsString>,
    /// Whether `$VAR` and `${VAR}` in the arguments are replaced; not where `:` stands before the path.
    pub expand: bool,
    /// `-` before the path: a failure counts as success.
    pub ignore_failure: bool,
    /// With what of the unit's confinement it runs.
    pub privileges: Privileges,
    /// Where it is written.
    pub origin: Origin,
}

/// What is applied to a command of what its unit says about users and confinement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    /// All of it.
    Restricted,
    /// `!` before the path: all but User=, Group= and SupplementaryGroups=.
    OwnCredentials,
    /// `+` before the path, or PermissionsStartOnly=: nothing of it.
    Full,
}

/// What a command is executed for: the setting that it stands in, without Exec before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the setting of this name in systemd.service(5) or systemd.socket(5)")]
pub enum Phase {
    Condition,
    StartPre,
    Start,
    StartPost,
    Reload,
    /// ExecStop=, of a service.
    Stop,
    /// ExecStopPre=, of a socket.
    StopPre,
    StopPost,
}

impl Phase {
    /// The setting.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Condition => "ExecCondition",
            Self::StartPre => "ExecStartPre",
            Self::Start => "ExecStart",
            Self::StartPost => "ExecStartPost",
            Self::Reload => "ExecReload",
            Self::Stop => "ExecStop",
            Self::StopPre => "ExecStopPre",
            Self::StopPost => "ExecStopPost",
        }
    }
}

/// One of a unit's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId {
    /// The setting that it stands in.
    pub phase: Phase,
    /// The how-manieth it is there, from zero on.
    pub index: usize,
}
