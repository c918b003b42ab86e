//! Random units: a few that know each other, with random settings.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::spec::{Scope, UnitName, UnitSpec};
use crate::unit::load::Loader;

/// The units that there may be: their names, and what each begins with.
const UNITS: [(&str, &str); 10] = [
    ("a.socket", "[Socket]\nListenStream=/a\n"),
    ("a.service", "[Service]\nExecStart=/x\n"),
    ("b.socket", "[Socket]\nListenStream=/b\nAccept=yes\n"),
    ("b@.service", "[Service]\nExecStart=/x\n"),
    ("c.socket", "[Socket]\nListenStream=/c\nService=d.service\n"),
    ("d.service", "[Service]\nExecStart=/x\n"),
    ("e.service", "[Service]\nExecStart=/x\n"),
    ("f.socket", "[Socket]\nListenStream=/f\nAccept=yes\n"),
    ("f@.service", "[Service]\nExecStart=/x\n"),
    ("all.target", ""),
];

const RELATIONS: [&str; 15] = [
    "Requires",
    "Wants",
    "BindsTo",
    "PartOf",
    "Conflicts",
    "After",
    "Before",
    "After",
    "Requisite",
    "Upholds",
    "PropagatesStopTo",
    "StopPropagatedFrom",
    "OnFailure",
    "OnSuccess",
    "PropagatesReloadTo",
];

const RELATED: [&str; 9] = [
    "a.socket",
    "a.service",
    "b.socket",
    "c.socket",
    "d.service",
    "e.service",
    "f.socket",
    "all.target",
    "missing.service",
];

const UNIT: &[&str] = &[
    "StopWhenUnneeded=yes",
    "RefuseManualStart=yes",
    "ConditionPathExists=/x",
    "AssertPathExists=/x",
    "StartLimitBurst=2",
    "StartLimitIntervalSec=0",
    "StartLimitIntervalSec=1h",
    "CollectMode=inactive-or-failed",
];

const SOCKET: &[&str] = &[
    "ListenStream=/other",
    "ExecStartPre=/x",
    "ExecStartPre=-/x",
    "ExecStartPost=/x",
    "ExecStopPre=/x",
    "ExecStopPost=/x",
    "TimeoutSec=5",
    "TriggerLimitBurst=3",
    "TriggerLimitIntervalSec=0",
    "PollLimitBurst=2",
    "PollLimitIntervalSec=0",
    "MaxConnections=2",
    "MaxConnectionsPerSource=1",
    "FlushPending=yes",
    "KillSignal=SIGINT",
    "SendSIGKILL=no",
    "SendSIGHUP=yes",
];

const SERVICE: &[&str] = &[
    "Type=exec",
    "Type=oneshot",
    "Type=notify",
    "Type=notify-reload",
    "Type=forking",
    "Type=idle",
    "PIDFile=/x",
    "GuessMainPID=no",
    "RemainAfterExit=yes",
    "ExecCondition=/x",
    "ExecStartPre=/x",
    "ExecStartPre=-/x",
    "ExecStartPost=/x",
    "ExecReload=/x",
    "ExecStop=/x",
    "ExecStop=-/x",
    "ExecStopPost=/x",
    "Restart=always",
    "Restart=on-failure",
    "Restart=on-abort",
    "RestartSec=0",
    "RestartSec=5",
    "TimeoutStartSec=5",
    "TimeoutStopSec=5",
    "TimeoutStartFailureMode=abort",
    "WatchdogSec=5",
    "RuntimeMaxSec=20",
    "TimeoutStopFailureMode=kill",
    "KillMode=mixed",
    "KillMode=process",
    "KillMode=none",
    "SendSIGKILL=no",
    "NotifyAccess=all",
    "FileDescriptorStoreMax=1",
    "FileDescriptorStoreMax=3",
    "FileDescriptorStorePreserve=yes",
    "Sockets=a.socket",
    "SuccessExitStatus=1",
    "RestartPreventExitStatus=1",
];

/// A unit, and what its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Display for Text {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:\n{}", self.name, self.text)
    }
}

impl Text {
    /// Whether services for connections are made of it.
    pub(super) fn is_template(&self) -> bool {
        self.name.contains('@')
    }

    /// The unit of this name; none where its settings do not go together.
    pub(super) fn load(&self, name: &str) -> Option<UnitSpec> {
        let loader = Loader::new(Scope::system(), Vec::new(), []);
        loader.load_text(&UnitName::new(name)?, Path::new(self.name), self.text.as_bytes()).spec
    }
}

/// Some of the units.
pub(super) fn texts() -> impl Strategy<Value = Vec<Text>> {
    let some = subsequence((0..UNITS.len()).collect::<Vec<_>>(), 1..=UNITS.len());
    some.prop_flat_map(|some| some.into_iter().map(text_of).collect::<Vec<_>>())
}

/// One of them.
pub(super) fn text() -> impl Strategy<Value = Text> {
    (0..UNITS.len()).prop_flat_map(text_of)
}

fn text_of(unit: usize) -> impl Strategy<Value = Text> {
    let (name, begin) = UNITS[unit];
    let settings = match name.rsplit_once('.').unwrap().1 {
        "socket" => SOCKET,
        "service" => SERVICE,
        _ => &[],
    };
    let relation =
        (select(&RELATIONS[..]), select(&RELATED[..])).prop_map(|(relation, unit)| format!("{relation}={unit}"));
    let line = |line: &&str| (*line).to_owned();
    let general = prop_oneof![3 => relation, 1 => select(UNIT).prop_map(move |text| line(&text))];
    let most = settings.len().min(5);
    let own = subsequence(settings, 0..=most).prop_map(move |lines| lines.iter().map(line).collect::<Vec<_>>());
    (prop::collection::vec(general, 0..4), own).prop_map(move |(general, own)| Text {
        name,
        text: format!("[Unit]\n{}\n{begin}{}\n", general.join("\n"), own.join("\n")),
    })
}
