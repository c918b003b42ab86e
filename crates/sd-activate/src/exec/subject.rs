//! What messages call the steps that can fail before a command of a unit is executed: the settings that they carry out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::confine::OF_NAMESPACES;
use super::step::Step;
use crate::spec::{Command, Origin, Phase, UnitSpec};

/// The settings that other steps are about; the first one of each that a unit has.
const OTHERS: [(Step, &[&str]); 10] = [
    (Step::Namespace, OF_NAMESPACES),
    (Step::SetScheduler, &["CPUSchedulingPolicy", "CPUSchedulingPriority", "CPUSchedulingResetOnFork"]),
    (Step::CpuAffinity, &["CPUAffinity"]),
    (Step::IoPriority, &["IOSchedulingClass", "IOSchedulingPriority"]),
    (Step::TimerSlack, &["TimerSlackNSec"]),
    (Step::Personality, &["Personality"]),
    (Step::Capabilities, &["CapabilityBoundingSet", "AmbientCapabilities", "ProtectClock"]),
    (Step::SecureBits, &["SecureBits"]),
    (Step::NoNewPrivileges, &["NoNewPrivileges"]),
    (Step::Seccomp, &["SystemCallFilter"]),
];

/// A command of a unit. Its texts are put together where one is needed: mostly, nothing fails.
#[derive(Debug)]
pub struct Subject {
    unit: Arc<UnitSpec>,
    phase: Phase,
    path: PathBuf,
    origin: Origin,
}

impl Subject {
    /// That of a command.
    pub(super) fn new(unit: &Arc<UnitSpec>, phase: Phase, command: &Command) -> Self {
        Self { unit: unit.clone(), phase, path: command.path.clone(), origin: command.origin.clone() }
    }

    /// What a step is about: where its setting is written, that, and its value. None where it is about the command.
    pub(super) fn of(&self, step: Step) -> Option<String> {
        let exec = self.unit.exec()?;
        let path = |path: Option<&Path>| path.map(|path| path.display().to_string()).unwrap_or_default();
        let named = |setting: &str, value: Option<&str>| what(&self.unit, setting, value.unwrap_or_default());
        Some(match step {
            Step::Exec => what_command(&self.origin, self.phase, &self.path),
            Step::Cgroup => format!("the control group of {}", self.unit.name),
            Step::Fds => format!("the descriptors of {}", self.unit.name),
            Step::Keyring => named("KeyringMode", None),
            Step::Setsid => format!("the session of {}", self.unit.name),
            Step::SignalMask => format!("the signal mask of {}", self.unit.name),
            Step::Stdin => named("StandardInput", None),
            Step::Stdout => named("StandardOutput", None),
            Step::Stderr => named("StandardError", None),
            Step::OomAdjust => named("OOMScoreAdjust", Some(&exec.oom_score_adjust.unwrap_or_default().to_string())),
            Step::Nice => named("Nice", Some(&exec.nice.unwrap_or_default().to_string())),
            Step::Namespace if exec.root_directory.is_some() => {
                named("RootDirectory", Some(&path(exec.root_directory.as_deref())))
            }
            Step::Limits => {
                let limit = exec.limits.first();
                limit.map(|limit| format!("{:?}", limit.resource).replace("RLIMIT_", "Limit")).unwrap_or_default()
            }
            Step::Group => named("Group", exec.group.as_deref()),
            Step::User => named("User", exec.user.as_deref()),
            Step::Chdir => {
                let given = exec.working_directory.as_ref();
                let directory = given.map_or(Some(Path::new("/")), |directory| directory.path.as_deref());
                named("WorkingDirectory", Some(&path(directory)))
            }
            other => {
                let (_, settings) = OTHERS.iter().find(|(step, _)| *step == other)?;
                let given = settings.iter().find(|setting| self.unit.origin(setting).is_some());
                named(given.unwrap_or(&settings[0]), None)
            }
        })
    }
}

/// What messages call a setting of a unit: where it is written, its name and its value.
pub(super) fn what(unit: &UnitSpec, setting: &str, value: &str) -> String {
    match unit.origin(setting) {
        Some(origin) => format!("{origin}: {setting}={value}"),
        None => format!("{setting}={value}"),
    }
}

/// What they call a command.
pub(super) fn what_command(origin: &Origin, phase: Phase, path: &Path) -> String {
    format!("{origin}: {}={}", phase.setting(), path.display())
}
