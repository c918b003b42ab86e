//! The settings of systemd.service(5).

use std::path::PathBuf;

use super::Unless::{Empty, Off, OneOf};
use super::{Setting, honoured, no_effect, refused, set};
use crate::spec::{
    ExitStatuses, FailureMode, NotifyAccess, Preserve, Restart, RestartMode, ServiceType, Signal, UnitName, UnitType,
    status,
};
use crate::unit::diagnostic::Level;
use crate::unit::draft::Draft;
use crate::unit::given::{Given, unreadable};
use crate::unit::quoting;
use crate::unit::value::{self, Invalid};

const TYPES: &[(&str, Option<ServiceType>)] = &[
    ("simple", Some(ServiceType::Simple)),
    ("exec", Some(ServiceType::Exec)),
    ("oneshot", Some(ServiceType::Oneshot)),
    ("notify", Some(ServiceType::Notify)),
    ("notify-reload", Some(ServiceType::NotifyReload)),
    ("forking", Some(ServiceType::Forking)),
    ("dbus", None),
    ("idle", Some(ServiceType::Idle)),
];

const RESTARTS: &[(&str, Restart)] = &[
    ("no", Restart::No),
    ("on-success", Restart::OnSuccess),
    ("on-failure", Restart::OnFailure),
    ("on-abnormal", Restart::OnAbnormal),
    ("on-watchdog", Restart::OnWatchdog),
    ("on-abort", Restart::OnAbort),
    ("always", Restart::Always),
];

const RESTART_MODES: &[(&str, RestartMode)] =
    &[("normal", RestartMode::Normal), ("direct", RestartMode::Direct), ("debug", RestartMode::Debug)];

const FAILURE_MODES: &[(&str, FailureMode)] =
    &[("terminate", FailureMode::Terminate), ("abort", FailureMode::Abort), ("kill", FailureMode::Kill)];

const PRESERVE: &[(&str, Preserve)] = &[("no", Preserve::No), ("yes", Preserve::Yes), ("restart", Preserve::Restart)];

const USB: &str = "it belongs to ListenUSBFunction=";

pub(super) const SERVICE: &[Setting] = &[
    honoured("Type", service_type),
    refused("ExitType", OneOf(&["main"])),
    honoured("RemainAfterExit", |draft, given| set(&mut draft.service.remain_after_exit, given.boolean())),
    honoured("GuessMainPID", |draft, given| set(&mut draft.service.guess_main_pid, given.boolean())),
    honoured("PIDFile", |draft, given| set(&mut draft.service.pid_file, pid_file(given))),
    no_effect("BusName", "it belongs to Type=dbus"),
    honoured("ExecCondition", |draft, given| given.commands(&mut draft.service.condition)),
    honoured("ExecStartPre", |draft, given| given.commands(&mut draft.service.start_pre)),
    honoured("ExecStart", |draft, given| given.commands(&mut draft.service.start)),
    honoured("ExecStartPost", |draft, given| given.commands(&mut draft.service.start_post)),
    honoured("ExecReload", |draft, given| given.commands(&mut draft.service.reload)),
    honoured("ExecStop", |draft, given| given.commands(&mut draft.service.stop)),
    honoured("ExecStopPost", |draft, given| given.commands(&mut draft.service.stop_post)),
    honoured("RestartSec", |draft, given| set(&mut draft.service.restart_delay, given.seconds())),
    honoured("RestartSteps", |draft, given| set(&mut draft.service.restart_steps, given.unsigned())).since(254),
    honoured("RestartMaxDelaySec", |draft, given| set(&mut draft.service.restart_max_delay, given.seconds()))
        .since(254),
    honoured("RestartMode", |draft, given| set(&mut draft.service.restart_mode, given.one_of(RESTART_MODES)))
        .since(254),
    refused("RestartRandomizedDelaySec", OneOf(&["0"])).since(262),
    honoured("TimeoutStartSec", |draft, given| set(&mut draft.timeout_start, given.timeout().map(Some))),
    honoured("TimeoutStopSec", |draft, given| set(&mut draft.service.timeout_stop, given.timeout())),
    honoured("TimeoutSec", |draft, given| {
        let timeout = given.timeout()?;
        (draft.timeout_start, draft.service.timeout_stop) = (Some(timeout), timeout);
        Ok(())
    }),
    honoured("TimeoutAbortSec", |draft, given| {
        let timeout = if given.is_empty() { Ok(None) } else { given.timeout().map(Some) };
        set(&mut draft.service.timeout_abort, timeout)
    }),
    honoured("TimeoutStartFailureMode", |draft, given| {
        set(&mut draft.service.start_failure, given.one_of(FAILURE_MODES))
    }),
    honoured("TimeoutStopFailureMode", |draft, given| {
        set(&mut draft.service.stop_failure, given.one_of(FAILURE_MODES))
    }),
    honoured("RuntimeMaxSec", |draft, given| set(&mut draft.service.runtime_max, given.timeout())),
    honoured("RuntimeRandomizedExtraSec", |draft, given| set(&mut draft.service.runtime_extra, given.seconds())),
    // One without an end counts as one: NotifyAccess= follows from it.
    honoured("WatchdogSec", |draft, given| {
        set(&mut draft.service.watchdog, given.seconds().map(|time| Some(time).filter(|time| !time.is_zero())))
    }),
    honoured("Restart", |draft, given| set(&mut draft.service.restart, given.one_of(RESTARTS))),
    honoured("SuccessExitStatus", |draft, given| statuses(&mut draft.service.success_exit_status, given)),
    honoured("RestartPreventExitStatus", |draft, given| {
        statuses(&mut draft.service.restart_prevent_exit_status, given)
    }),
    honoured("RestartForceExitStatus", |draft, given| statuses(&mut draft.service.restart_force_exit_status, given)),
    honoured("RootDirectoryStartOnly", |draft, given| {
        set(&mut draft.service.root_directory_start_only, given.boolean())
    }),
    honoured("PermissionsStartOnly", |draft, given| set(&mut draft.permissions_start_only, given.boolean())),
    honoured("NonBlocking", |draft, given| set(&mut draft.service.non_blocking, given.boolean())),
    honoured("NotifyAccess", |draft, given| set(&mut draft.notify_access, given.one_of(NotifyAccess::WORDS).map(Some))),
    honoured("Sockets", sockets),
    honoured("FileDescriptorStoreMax", |draft, given| set(&mut draft.service.descriptor_store_max, given.unsigned())),
    honoured("FileDescriptorStorePreserve", |draft, given| {
        set(&mut draft.service.descriptor_store_preserve, given.one_of(PRESERVE))
    })
    .since(254),
    refused("OpenFile", Empty).since(253),
    honoured("ReloadSignal", |draft, given| set(&mut draft.service.reload_signal, given.signal())).since(253),
    refused("RefreshOnReload", Off).since(259),
    no_effect("USBFunctionDescriptors", USB),
    no_effect("USBFunctionStrings", USB),
    no_effect("OOMPolicy", "the kernel alone sees to what lacks memory"),
    // Settings of systemd.unit(5) that once stood here.
    honoured("StartLimitInterval", |draft, given| given.interval(&mut draft.unit.start_limit.interval)),
    honoured("StartLimitBurst", |draft, given| set(&mut draft.unit.start_limit.burst, given.unsigned())),
    honoured("StartLimitAction", |draft, given| set(&mut draft.unit.end_actions.start_limit, given.end_action())),
    honoured("FailureAction", |draft, given| set(&mut draft.unit.end_actions.failure, given.end_action())),
    no_effect("RebootArgument", "nothing is rebooted here"),
];

fn service_type(draft: &mut Draft, given: &Given<'_>) -> Result<(), Invalid> {
    let Some(service_type) = given.one_of(TYPES)? else {
        return Err(Invalid {
            level: Level::Refused,
            message: "it needs a message bus, which sd-activate does not speak; give it another type in a drop-in: \
                      notify if the service can tell by sd_notify(3) that it is ready, otherwise simple"
                .to_owned(),
        });
    };
    draft.service_type = Some(service_type);
    Ok(())
}

/// A path, below the runtime directory where it is a relative one.
fn pid_file(given: &Given<'_>) -> Result<Option<PathBuf>, Invalid> {
    let Some(text) = given.assigned()? else { return Ok(None) };
    let runtime = given.specifiers.scope.runtime.join(text);
    let path = value::absolute_path(&runtime.to_string_lossy()).map_err(Invalid::fatal)?;
    // The old name of the same directory.
    let moved = path.strip_prefix("/var/run").map(|rest| PathBuf::from("/run").join(rest));
    Ok(Some(moved.unwrap_or(path)))
}

fn statuses(list: &mut ExitStatuses, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        *list = ExitStatuses::default();
    }
    for part in quoting::parts(given.value) {
        let part = part.map_err(|error| unreadable(error, given.value))?;
        if let Some(status) = status::parse(&part) {
            list.statuses.insert(status);
        } else if let Some(signal) = Signal::parse(&part) {
            list.signals.insert(signal);
        } else {
            given.say(Invalid::new(format_args!(
                "\"{part}\" is no exit status: give a number up to 255, a name such as TEMPFAIL, or a signal"
            )));
        }
    }
    Ok(())
}

fn sockets(draft: &mut Draft, given: &Given<'_>) -> Result<(), Invalid> {
    for part in quoting::parts(given.value) {
        let part = part.map_err(|error| unreadable(error, given.value))?;
        let text = given.specifiers.expand_name(&part)?;
        match UnitName::new(&text).filter(|name| name.unit_type() == UnitType::Socket) {
            Some(name) => draft.service.sockets.push(name),
            None => {
                given.say(Invalid::new(format_args!("\"{text}\" is no name of a socket: it has to end in .socket")))
            }
        }
    }
    Ok(())
}
