//! The settings of systemd.kill(5).

use super::{Setting, honoured, set};
use crate::spec::KillMode;
use crate::unit::value::Invalid;

const MODES: &[(&str, KillMode)] = &[
    ("control-group", KillMode::ControlGroup),
    ("mixed", KillMode::Mixed),
    ("process", KillMode::Process),
    ("none", KillMode::None),
];

pub(super) const KILL: &[Setting] = &[
    honoured("KillMode", |draft, given| {
        if given.value == "none" {
            given.say(Invalid::new("what is left running then is nobody's: mixed or control-group leave nothing"));
        }
        set(&mut draft.kill.mode, if given.is_empty() { Ok(KillMode::ControlGroup) } else { given.one_of(MODES) })
    }),
    honoured("KillSignal", |draft, given| set(&mut draft.kill.signal, given.signal())),
    honoured("RestartKillSignal", |draft, given| set(&mut draft.kill.restart_signal, given.signal().map(Some))),
    honoured("FinalKillSignal", |draft, given| set(&mut draft.kill.final_signal, given.signal())),
    honoured("WatchdogSignal", |draft, given| set(&mut draft.kill.watchdog_signal, given.signal())),
    honoured("SendSIGHUP", |draft, given| set(&mut draft.kill.send_sighup, given.boolean())),
    honoured("SendSIGKILL", |draft, given| set(&mut draft.kill.send_sigkill, given.boolean())),
];
