//! The properties of a unit, as `systemctl show` names them and as they are told.

use std::time::{Duration, Instant};

use nix::sys::socket::SockType;
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::engine::view::microseconds;
use crate::engine::{CommandStatus, End, Refusal, View};
use crate::spec::{
    Command, Endpoint, Kind, NotifyAccess, Relation, Restart, ServiceSpec, ServiceType, SocketSpec, Timeout, UnitName,
    UnitSpec,
};

/// What a moment was by the clocks that are told of, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// A moment.
    pub now: Instant,
    /// The same since 1970.
    pub realtime: u64,
    /// The same since the system was booted.
    pub monotonic: u64,
}

impl Clock {
    fn ago(&self, moment: Instant) -> u64 {
        microseconds(self.now.saturating_duration_since(moment))
    }

    fn realtime(&self, moment: Instant) -> u64 {
        self.realtime.saturating_sub(self.ago(moment))
    }

    fn monotonic(&self, moment: Instant) -> u64 {
        self.monotonic.saturating_sub(self.ago(moment))
    }
}

/// What is told of a unit.
pub fn properties(view: &View, clock: &Clock) -> Value {
    let mut unit = Properties { told: Map::new(), clock };
    let names: Vec<&str> = std::iter::once(&view.name).chain(view.aliases()).map(UnitName::as_str).collect();
    unit.set("Id", view.name.as_str());
    unit.set("Names", names);
    unit.set("Description", view.spec.as_ref().map_or(view.name.as_str(), |spec| spec.title()));
    unit.set("LoadState", view.load.word());
    unit.set_if("LoadError", Refusal::of_load(view.load, &view.name).map(|refusal| refusal.why));
    unit.set("ActiveState", view.active.word());
    unit.set("SubState", view.sub);
    unit.names("Triggers", &view.triggers);
    unit.names("TriggeredBy", &view.triggered_by);
    unit.set_if("Job", view.job.map(|job| job.id));
    unit.set_if("JobType", view.job.map(|job| job.kind));

    let changes = &view.changes;
    unit.moment("StateChange", changes.state);
    unit.moment("InactiveExit", changes.inactive_exit);
    unit.moment("ActiveEnter", changes.active_enter);
    unit.moment("ActiveExit", changes.active_exit);
    unit.moment("InactiveEnter", changes.inactive_enter);
    unit.set_if("ConditionResult", changes.condition.map(|(_, met)| met));
    unit.moment("Condition", changes.condition.map(|(moment, _)| moment));

    let Some(spec) = &view.spec else { return unit.told.into() };
    unit.settings(spec);
    match &spec.kind {
        Kind::Service(service) => unit.service(view, service),
        Kind::Socket(socket) => unit.socket(view, socket),
        Kind::Target => unit.set("CanReload", false),
    }
    unit.told.into()
}

/// What is told, as far as it has come.
struct Properties<'a> {
    told: Map<String, Value>,
    clock: &'a Clock,
}

impl Properties<'_> {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.told.insert(name.to_owned(), value.into());
    }

    fn set_if(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn names(&mut self, name: &str, names: &[UnitName]) {
        self.set(name, names.iter().map(UnitName::as_str).collect::<Vec<_>>());
    }

    /// A moment by both clocks.
    fn moment(&mut self, name: &str, moment: Option<Instant>) {
        let clock = self.clock;
        self.set_if(&format!("{name}Timestamp"), moment.map(|moment| clock.realtime(moment)));
        self.set_if(&format!("{name}TimestampMonotonic"), moment.map(|moment| clock.monotonic(moment)));
    }

    fn timeout(&mut self, name: &str, timeout: Timeout) {
        let finite = timeout.filter(|timeout| *timeout != Duration::MAX);
        self.set(name, finite.map_or(Value::Null, |timeout| microseconds(timeout).into()));
    }

    fn settings(&mut self, spec: &UnitSpec) {
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        self.set_if("FragmentPath", spec.fragment.as_ref().map(path));
        self.set("DropInPaths", spec.drop_ins.iter().map(path).collect::<Vec<_>>());
        for (name, relation) in [
            ("Requires", Relation::Requires),
            ("Wants", Relation::Wants),
            ("Requisite", Relation::Requisite),
            ("Upholds", Relation::Upholds),
            ("BindsTo", Relation::BindsTo),
            ("PartOf", Relation::PartOf),
            ("PropagatesReloadTo", Relation::PropagatesReloadTo),
            ("ReloadPropagatedFrom", Relation::ReloadPropagatedFrom),
            ("PropagatesStopTo", Relation::PropagatesStopTo),
            ("StopPropagatedFrom", Relation::StopPropagatedFrom),
            ("Conflicts", Relation::Conflicts),
            ("OnFailure", Relation::OnFailure),
            ("OnSuccess", Relation::OnSuccess),
            ("Before", Relation::Before),
            ("After", Relation::After),
        ] {
            self.set(name, spec.related(relation).map(UnitName::as_str).collect::<Vec<_>>());
        }
        self.set("CanStart", !spec.refuse_manual_start);
        self.set("CanStop", !spec.refuse_manual_stop);
        self.set("StopWhenUnneeded", spec.stop_when_unneeded);
        self.set("RefuseManualStart", spec.refuse_manual_start);
        self.set("RefuseManualStop", spec.refuse_manual_stop);
        self.timeout("StartLimitIntervalUSec", Some(spec.start_limit.interval));
        self.set("StartLimitBurst", spec.start_limit.burst);
    }

    fn service(&mut self, view: &View, service: &ServiceSpec) {
        self.set("CanReload", service.reloads());
        self.set("Type", type_word(service.service_type));
        self.set("Restart", restart_word(service.restart));
        self.set("RemainAfterExit", service.remain_after_exit);
        self.timeout("RestartUSec", Some(service.restart_delay));
        self.timeout("RestartUSecNext", Some(service.restart_delay(view.restarts)));
        self.timeout("TimeoutStartUSec", service.timeout_start);
        self.timeout("TimeoutStopUSec", service.timeout_stop);
        self.set("MainPID", view.main.map_or(0, |pid| pid.as_raw()));
        self.set("ControlPID", view.control.map_or(0, |pid| pid.as_raw()));
        self.told_by_service(view, service);
        self.set("Result", view.result);
        self.set("ReloadResult", view.reload_result);
        self.set("NRestarts", view.restarts);
        self.set("GuessMainPID", service.guess_main_pid);
        self.set_if("PIDFile", service.pid_file.as_ref().map(|path| path.to_string_lossy().into_owned()));
        let main = view.main_status.as_ref();
        self.moment("ExecMainStart", main.map(|main| main.since));
        self.moment("ExecMainExit", main.and_then(|main| main.end).map(|(moment, _)| moment));
        self.set("ExecMainPID", main.map_or(0, |main| main.pid.as_raw()));
        let (code, status) = main.and_then(|main| main.end).map_or((0, 0), |(_, end)| code_and_status(end));
        self.set("ExecMainCode", code);
        self.set("ExecMainStatus", status);
        self.commands(
            view,
            &[
                ("ExecCondition", &service.condition),
                ("ExecStartPre", &service.start_pre),
                ("ExecStart", &service.start),
                ("ExecStartPost", &service.start_post),
                ("ExecReload", &service.reload),
                ("ExecStop", &service.stop),
                ("ExecStopPost", &service.stop_post),
            ],
        );
    }

    /// What a service tells by sd_notify(3), and what that is limited by.
    fn told_by_service(&mut self, view: &View, service: &ServiceSpec) {
        let report = &view.report;
        self.set_if("StatusText", report.status.as_deref());
        self.set("StatusErrno", report.errno);
        self.set_if("StatusBusError", report.bus_error.as_deref());
        self.set("NotifyAccess", access_word(report.access.unwrap_or(service.notify_access)));
        let watchdog = match (report.watchdog, service.watchdog) {
            (Some(told), _) => told,
            (None, configured) => Some(configured.unwrap_or(Duration::ZERO)),
        };
        self.timeout("WatchdogUSec", watchdog);
        self.moment("Watchdog", report.alive);
        self.timeout("RuntimeMaxUSec", service.runtime_max);
        self.timeout("RuntimeRandomizedExtraUSec", Some(service.runtime_extra));
        self.set("FileDescriptorStoreMax", service.descriptor_store_max);
        self.set("NFileDescriptorStore", view.stored);
    }

    fn socket(&mut self, view: &View, socket: &SocketSpec) {
        let listen = socket.listen.iter().map(|listen| {
            let (address, kind) = listening(&listen.endpoint);
            json!({ "address": address, "type": kind })
        });
        self.set("Listen", listen.collect::<Vec<_>>());
        self.set("CanReload", false);
        self.set("Accept", socket.accept);
        self.timeout("TimeoutUSec", socket.timeout);
        self.set("MaxConnections", socket.max_connections);
        self.set("NConnections", view.connections);
        self.set("NAccepted", view.accepted);
        self.set("ControlPID", view.control.map_or(0, |pid| pid.as_raw()));
        self.set("Result", view.result);
        self.set("FileDescriptorName", socket.descriptor_name.as_str());
        self.commands(
            view,
            &[
                ("ExecStartPre", &socket.start_pre),
                ("ExecStartPost", &socket.start_post),
                ("ExecStopPre", &socket.stop_pre),
                ("ExecStopPost", &socket.stop_post),
            ],
        );
    }

    fn commands(&mut self, view: &View, settings: &[(&str, &Vec<Command>)]) {
        let mut told = Vec::new();
        for (setting, commands) in settings {
            for (index, command) in commands.iter().enumerate() {
                let is_it = |status: &&CommandStatus| status.setting == *setting && status.index == index;
                told.push(self.command(setting, command, view.statuses.iter().rfind(is_it)));
            }
        }
        self.set("Commands", told);
    }

    fn command(&self, setting: &str, command: &Command, status: Option<&CommandStatus>) -> Value {
        let argv: Vec<_> = command.arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let mut told = json!({
            "setting": setting,
            "path": command.path.to_string_lossy(),
            "argv": argv,
            "ignoreErrors": command.ignore_failure,
        });
        if let Some(status) = status {
            told["startTimestamp"] = self.clock.realtime(status.since).into();
            told["pid"] = status.pid.as_raw().into();
            if let Some((moment, end)) = status.end {
                told["stopTimestamp"] = self.clock.realtime(moment).into();
                told["code"] = code_word(code_and_status(end).0).into();
                told["status"] = code_and_status(end).1.into();
            }
        }
        told
    }
}

/// si_code of waitid(2), and the exit status or the signal's number.
fn code_and_status(end: End) -> (i32, i32) {
    match end {
        End::Exited(status) => (libc::CLD_EXITED, status.into()),
        End::Killed(signal) => (libc::CLD_KILLED, signal.number()),
        End::Dumped(signal) => (libc::CLD_DUMPED, signal.number()),
    }
}

/// The word for it, as `systemctl show` has it.
pub fn code_word(code: i32) -> &'static str {
    match code {
        libc::CLD_EXITED => "exited",
        libc::CLD_DUMPED => "dumped",
        _ => "killed",
    }
}

fn type_word(service_type: ServiceType) -> &'static str {
    match service_type {
        ServiceType::Simple => "simple",
        ServiceType::Exec => "exec",
        ServiceType::Oneshot => "oneshot",
        ServiceType::Notify => "notify",
        ServiceType::NotifyReload => "notify-reload",
        ServiceType::Forking => "forking",
        ServiceType::Idle => "idle",
    }
}

fn access_word(access: NotifyAccess) -> &'static str {
    match access {
        NotifyAccess::None => "none",
        NotifyAccess::Main => "main",
        NotifyAccess::Exec => "exec",
        NotifyAccess::All => "all",
    }
}

fn restart_word(restart: Restart) -> &'static str {
    match restart {
        Restart::No => "no",
        Restart::OnSuccess => "on-success",
        Restart::OnFailure => "on-failure",
        Restart::OnAbnormal => "on-abnormal",
        Restart::OnWatchdog => "on-watchdog",
        Restart::OnAbort => "on-abort",
        Restart::Always => "always",
    }
}

/// The address of something to listen on, and what `systemctl show` calls its type.
fn listening(endpoint: &Endpoint) -> (String, &'static str) {
    match endpoint {
        Endpoint::Socket { address, socket_type } => {
            let address = match address {
                Address::Port(port) => format!("[::]:{port}"),
                address => address.to_string(),
            };
            let kind = match socket_type {
                SockType::Datagram => "Datagram",
                SockType::SeqPacket => "SequentialPacket",
                _ => "Stream",
            };
            (address, kind)
        }
        Endpoint::Fifo(path) => (path.display().to_string(), "FIFO"),
        Endpoint::Special(path) => (path.display().to_string(), "Special"),
        Endpoint::Netlink { family, groups } => (format!("{family} {groups}"), "Netlink"),
        Endpoint::MessageQueue(name) => (name.clone(), "MessageQueue"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::{ActiveState, Report, UnitId};
    use crate::spec::Scope;
    use crate::spec::Signal;
    use crate::unit::load::Loader;

    /// What is told of a unit with this text, that has done everything.
    fn told(name: &str, text: &str) -> Value {
        let name = UnitName::new(name).unwrap();
        let loaded = Loader::new(Scope::system(), Vec::new(), None).load_text(&name, Path::new("/a"), text.as_bytes());
        let clock = Clock { now: Instant::now(), realtime: 9_000_000, monotonic: 8_000_000 };
        let moment = clock.now.checked_sub(Duration::from_secs(1));
        let changes = crate::engine::view::Changes {
            state: moment,
            inactive_exit: moment,
            active_enter: moment,
            active_exit: moment,
            inactive_enter: moment,
            condition: moment.map(|moment| (moment, true)),
        };
        let status = |setting, end| CommandStatus {
            setting,
            index: 0,
            pid: nix::unistd::Pid::from_raw(7),
            since: clock.now,
            end: Some((clock.now, end)),
        };
        let view = View {
            id: UnitId(0),
            name: name.clone(),
            spec: loaded.spec.map(Into::into),
            load: crate::spec::LoadState::Loaded,
            active: ActiveState::Active,
            sub: "running",
            changes,
            job: Some(crate::engine::view::JobView { id: 3, kind: "start", running: true }),
            main: None,
            control: None,
            result: "success",
            main_status: Some(status("ExecStart", End::Killed(Signal::KILL))),
            statuses: vec![status("ExecStartPre", End::Exited(3)), status("ExecStart", End::Killed(Signal::KILL))],
            restarts: 2,
            accepted: 0,
            connections: 0,
            triggers: Vec::new(),
            triggered_by: vec![name],
            report: Report { status: Some("text".to_owned()), ..Report::default() },
            reload_result: "success",
            stored: 0,
        };
        properties(&view, &clock)
    }

    const SERVICE: &str =
        "[Service]\nExecStartPre=-/bin/true a\nExecStart=/bin/true\nTimeoutStopSec=infinity\nRestart=always\n";
    const SOCKET: &str = "[Socket]\nListenStream=80\nListenDatagram=/a\nListenFIFO=/b\nExecStartPre=/bin/true\n";

    #[test]
    fn what_is_told_of_units_is_what_the_interface_describes() {
        let types = crate::control::DESCRIPTION.split("type Unit (").nth(1).and_then(|rest| rest.split("\n)").next());
        let described: Vec<&str> =
            types.unwrap().lines().filter_map(|line| line.trim().split_once(':')).map(|it| it.0).collect();
        for unit in [told("a.service", SERVICE), told("a.socket", SOCKET), told("a.target", "[Unit]\n")] {
            for name in unit.as_object().unwrap().keys() {
                assert!(described.contains(&name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn moments_are_told_by_both_clocks_and_commands_with_what_became_of_them() {
        let unit = told("a.service", SERVICE);
        assert_eq!(unit["ActiveEnterTimestamp"], 8_000_000);
        assert_eq!(unit["ActiveEnterTimestampMonotonic"], 7_000_000);
        assert_eq!((&unit["TimeoutStopUSec"], &unit["RestartUSec"]), (&Value::Null, &json!(100_000)));
        let [before, start] = &unit["Commands"].as_array().unwrap()[..] else { panic!("{unit}") };
        assert_eq!(
            (&before["code"], &before["status"], &before["ignoreErrors"]),
            (&json!("exited"), &json!(3), &json!(true))
        );
        assert_eq!(
            (&start["code"], &start["status"], &start["argv"]),
            (&json!("killed"), &json!(9), &json!(["/bin/true"]))
        );
        assert_eq!((&unit["ExecMainCode"], &unit["ExecMainStatus"]), (&json!(libc::CLD_KILLED), &json!(9)));
        let listen = told("a.socket", SOCKET)["Listen"].clone();
        let addresses: Vec<_> = listen.as_array().unwrap().iter().map(|it| (&it["address"], &it["type"])).collect();
        let expected = [("[::]:80", "Stream"), ("/a", "Datagram"), ("/b", "FIFO")].map(|it| (json!(it.0), json!(it.1)));
        assert_eq!(addresses, expected.each_ref().map(|it| (&it.0, &it.1)));
    }
}
