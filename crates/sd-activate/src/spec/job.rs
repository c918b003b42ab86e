//! What a unit says of jobs, and of the end of all units: systemd.unit(5).

use super::Timeout;

/// OnFailureJobMode= and its sibling: how a job goes along with those that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobMode {
    /// It takes the place of what contradicts it.
    #[default]
    Replace,
    /// There is no job where one that is under way contradicts it.
    Fail,
    /// It takes the place of others, and none takes its place.
    ReplaceIrreversibly,
    /// All units are stopped that it does not start.
    Isolate,
    /// All other jobs are canceled.
    Flush,
    /// Nothing is started or stopped with it, and it waits for none.
    IgnoreDependencies,
    /// Nothing is started or stopped with it.
    IgnoreRequirements,
}

impl JobMode {
    /// The words for them.
    pub const WORDS: &[(&str, Self)] = &[
        ("replace", Self::Replace),
        ("fail", Self::Fail),
        ("replace-irreversibly", Self::ReplaceIrreversibly),
        ("isolate", Self::Isolate),
        ("flush", Self::Flush),
        ("ignore-dependencies", Self::IgnoreDependencies),
        ("ignore-requirements", Self::IgnoreRequirements),
    ];
}

/// FailureAction= and its siblings: that something ends all units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndAction {
    /// `exit`: they are stopped first.
    Exit,
    /// `exit-force`: at once.
    ExitForce,
}

impl EndAction {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::ExitForce => "exit-force",
        }
    }
}

/// What ends all units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndActions {
    /// SuccessAction=.
    pub success: Option<EndAction>,
    /// SuccessActionExitStatus=.
    pub success_status: Option<u8>,
    /// FailureAction=.
    pub failure: Option<EndAction>,
    /// FailureActionExitStatus=.
    pub failure_status: Option<u8>,
    /// StartLimitAction=.
    pub start_limit: Option<EndAction>,
    /// JobTimeoutAction=.
    pub job_timeout: Option<EndAction>,
}

/// What a unit says of its jobs, and of those that it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// JobTimeoutSec=, from when a job is made.
    pub timeout: Timeout,
    /// JobRunningTimeoutSec=, from when it runs.
    pub running_timeout: Timeout,
    /// OnSuccessJobMode=.
    pub on_success: JobMode,
    /// OnFailureJobMode=.
    pub on_failure: JobMode,
    /// AllowIsolate=.
    pub may_be_isolated: bool,
    /// IgnoreOnIsolate=: it goes on where another is isolated.
    pub outlives_isolation: bool,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            timeout: None,
            running_timeout: None,
            on_success: JobMode::Fail,
            on_failure: JobMode::Replace,
            may_be_isolated: false,
            outlives_isolation: false,
        }
    }
}
