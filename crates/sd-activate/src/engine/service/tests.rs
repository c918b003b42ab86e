//! Services, without a process: what systemd 252 was seen to do with the same units stands in traces.txt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;

use super::*;
use crate::engine::event::Claimed;
use crate::engine::turn::Timer;
use crate::engine::{Action, Form};
use crate::saved::Saved;
use crate::spec::Scope;
use crate::spec::{Kind, UnitName};
use crate::unit::load::Loader;
use crate::world::parse_notification;

const ID: UnitId = UnitId(0);

/// A service and its processes, none of which there is.
struct Trial {
    service: Service,
    now: Instant,
    processes: BTreeMap<i32, Simulated>,
    states: Vec<&'static str>,
    lines: Vec<String>,
    /// The commands that were executed, with what they were told.
    executed: Vec<String>,
    /// Whether it was to be started again, each time that what was made for it was removed.
    cleaned_up: Vec<bool>,
    /// What its PIDFile= says.
    pid_file: Result<Claim, PidFileError>,
    timers: Vec<(Instant, Timer)>,
}

/// A process. What it does stands in its unit in place of a path:
///
/// `/exit N`, `/die SIGNAL`, `/dump SIGNAL` are over at once; `/run` ends when a signal comes, `/stubborn` only when that is
/// SIGKILL, and `/on SIGNAL N` exits then. `… with BEHAVIOUR` has a child, which stays behind; `/missing` is not there.
#[derive(Clone, Debug)]
struct Simulated {
    behaviour: Vec<String>,
    /// It has not ended yet, or nobody has been told.
    end: Option<End>,
    parent: Option<i32>,
}

impl Simulated {
    fn new(behaviour: &[String], parent: Option<i32>) -> Self {
        let number = || behaviour[1].parse().unwrap();
        let signal = || Signal::parse(&behaviour[1]).unwrap();
        let end = match behaviour[0].as_str() {
            "/true" => Some(End::Exited(0)),
            "/false" => Some(End::Exited(1)),
            "/exit" => Some(End::Exited(number())),
            "/die" => Some(End::Killed(signal())),
            "/dump" => Some(End::Dumped(signal())),
            "/run" | "/stubborn" | "/on" => None,
            other => panic!("no behaviour: {other}"),
        };
        Self { behaviour: behaviour.to_vec(), end, parent }
    }

    fn get(&mut self, signal: Signal) {
        let end = match self.behaviour[0].as_str() {
            _ if self.end.is_some() || signal == Signal::CONT => return,
            "/stubborn" if signal != Signal::KILL => return,
            "/on" if Signal::parse(&self.behaviour[1]) == Some(signal) => {
                End::Exited(self.behaviour[2].parse().unwrap())
            }
            _ => End::Killed(signal),
        };
        self.end = Some(end);
    }
}

fn duration(text: &str) -> Duration {
    let split = text.find(|letter: char| letter.is_alphabetic()).unwrap();
    let (number, unit) = text.split_at(split);
    Duration::from_millis(number.parse::<u64>().unwrap() * if unit == "ms" { 1 } else { 1000 })
}

/// The service as another process reads it that goes on.
fn anew(service: &Service) -> Service {
    let written = serde_json::to_value(service).expect("JSON");
    let read: Service = serde_json::from_value(written.clone()).expect("a service");
    assert_eq!(serde_json::to_value(&read).expect("JSON"), written);
    Service { spec: service.spec.clone(), ..read }
}

impl Trial {
    fn new(settings: &str) -> Self {
        let loader = Loader::new(Scope::system(), Vec::new(), []);
        let name = UnitName::new("a.service").unwrap();
        let text = format!("[Service]\n{settings}\n");
        let loaded = loader.load_text(&name, Path::new("/a.service"), text.as_bytes());
        let unit = loaded.spec.unwrap_or_else(|| panic!("{settings}: {:?}", loaded.diagnostics));
        let Kind::Service(spec) = unit.kind else { unreachable!() };
        let subject = Subject { name: "a.service".into(), title: "a.service".into(), hint: None };
        Self {
            service: Service::new(ID, spec, unit.start_limit, subject),
            now: Instant::now(),
            processes: BTreeMap::new(),
            states: vec!["dead"],
            lines: Vec::new(),
            executed: Vec::new(),
            cleaned_up: Vec::new(),
            pid_file: Err(PidFileError::Open(Errno::ENOENT)),
            timers: Vec::new(),
        }
    }

    fn tell(&mut self, happening: Happening) {
        let mut happenings = vec![happening];
        while !happenings.is_empty() {
            let mut turn = Turn::new(self.now, Form::Units);
            self.service.step(happenings.remove(0), &mut turn);
            happenings.extend(turn.actions.into_iter().filter_map(|action| self.carry_out(action)));
            if self.service.awaited.is_none() && self.states.last() != Some(&self.service.sub_state()) {
                self.states.push(self.service.sub_state());
            }
            self.timers.extend(turn.timers);
            if !turn.restarts.is_empty() {
                // What the job does.
                happenings.extend([Happening::Stop { restart: true }, Happening::Start]);
            }
            happenings.extend(turn.later.into_iter().map(|(_, happening)| happening));
        }
        self.service = anew(&self.service);
    }

    /// The answer, where there is one.
    fn carry_out(&mut self, action: Action) -> Option<Happening> {
        match action {
            Action::Execute { command, variables, .. } => return Some(self.execute(command, variables)),
            Action::ReadPidFile(_) => return Some(Happening::PidFileRead(self.pid_file)),
            Action::Inspect(..) => return Some(Happening::Found(self.found())),
            Action::Kill(pid, signal) => {
                self.processes.get_mut(&pid.as_raw()).into_iter().for_each(|process| process.get(signal));
            }
            // Here, none makes another.
            Action::KillAll(..) => (),
            Action::Log { level, message, .. } => self.lines.push(format!("{} {message}", level as i32)),
            Action::CleanUp { restarts, .. } => self.cleaned_up.push(restarts),
            other => panic!("{other:?}"),
        }
        None
    }

    fn execute(&mut self, command: CommandId, variables: Vec<(&'static str, String)>) -> Happening {
        let told = variables.iter().map(|(name, value)| format!(" {name}={value}")).collect::<String>();
        self.executed.push(format!("{}{told}", command.phase.setting()));
        let command = &self.service.spec.commands(command.phase)[command.index];
        let words: Vec<_> = command.arguments.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        let ignore_failure = command.ignore_failure;
        if words[0] == "/missing" {
            let command = "/missing".into();
            return Happening::NotExecuted(match ignore_failure {
                true => Error::Skipped { command },
                false => Error::NotFound { command },
            });
        }
        let mut behaviours = words.split(|word| word == "with");
        let pid = 101 + self.executed.len() as i32 * 10;
        self.processes.insert(pid, Simulated::new(behaviours.next().unwrap(), None));
        for (child, number) in behaviours.zip(1..) {
            self.processes.insert(pid + number, Simulated::new(child, Some(pid)));
        }
        Happening::Executed(Pid::from_raw(pid))
    }

    /// The main process, that of a command, or one of the others.
    fn pid(&mut self, who: &str) -> Pid {
        let known = [self.service.main, self.service.control];
        match who {
            "main" => self.main(),
            "control" => self.service.control.unwrap(),
            // Or one that there is not.
            "another" => {
                let mut found = self.found().into_iter().map(|process| process.pid);
                found.find(|pid| !known.contains(&Some(*pid))).unwrap_or(Pid::from_raw(9))
            }
            _ => panic!("nobody: {who}"),
        }
    }

    fn pid_file_says(&mut self, what: &str) {
        let claim = |pid, claimed, trusted| Ok(Claim { pid: Pid::from_raw(pid), claimed, trusted });
        self.pid_file = match what {
            "nothing" => Err(PidFileError::Open(Errno::ENOENT)),
            "garbage" => Err(PidFileError::Parse(Errno::EINVAL)),
            "gone" => claim(99, Claimed::Gone, true),
            "manager" => claim(1, Claimed::Manager, true),
            "stranger" => claim(99, Claimed::Running, false),
            "stranger by root" => claim(99, Claimed::Running, true),
            who => claim(self.pid(who).as_raw(), Claimed::Running, true),
        };
    }

    /// The processes that there are, as /proc shows them: those of a parent that is gone are this process's.
    fn found(&mut self) -> Vec<Process> {
        let alive: BTreeSet<_> =
            self.processes.iter().filter(|(_, one)| one.end.is_none()).map(|(pid, _)| *pid).collect();
        let process = |pid: &i32| {
            let process = &self.processes[pid];
            let name = process.behaviour[0].trim_start_matches('/').to_owned();
            let is_child = process.parent.is_none_or(|parent| !alive.contains(&parent));
            Process { pid: Pid::from_raw(*pid), name, is_child, is_zombie: false }
        };
        alive.iter().map(process).collect()
    }

    /// Tells of the processes that have ended, until none has.
    fn settle(&mut self) {
        while let Some((pid, end)) = self.processes.iter().find_map(|(pid, process)| Some((*pid, process.end?))) {
            let parent = self.processes.remove(&pid).and_then(|process| process.parent);
            if parent.is_none_or(|parent| !self.processes.contains_key(&parent)) {
                self.tell(Happening::Ended(Pid::from_raw(pid), end));
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.timers.sort_unstable();
        while let Some((due, timer)) = self.timers.first().copied().filter(|(due, _)| *due <= until) {
            self.timers.remove(0);
            self.now = due;
            self.tell(match timer {
                Timer::PidFile(_) => Happening::PidFileDue,
                Timer::Watchdog(_) => Happening::WatchdogDue,
                _ => Happening::TimeUp,
            });
            self.settle();
            self.timers.sort_unstable();
        }
        self.now = until;
    }

    fn main(&self) -> Pid {
        self.service.main.unwrap()
    }

    /// Does what a line of a script says.
    fn act(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["start"] => self.tell(Happening::Start),
            ["stop"] => self.tell(Happening::Stop { restart: false }),
            ["stop", "to", "restart"] => self.tell(Happening::Stop { restart: true }),
            ["reload"] => self.tell(Happening::Reload),
            ["reset-failed"] => self.tell(Happening::ResetFailed),
            ["pass", time] => self.pass(duration(time)),
            [who, "exits", status] => {
                let pid = self.pid(who);
                self.exits(pid, status);
            }
            ["pid", "file", "says", ..] => self.pid_file_says(&line["pid file says ".len()..]),
            ["kill", "main", signal, "quietly"] => {
                let signal = Signal::parse(signal).unwrap();
                self.processes.get_mut(&self.main().as_raw()).into_iter().for_each(|main| main.get(signal));
            }
            ["ready"] => self.tells("main", "READY=1"),
            [who, "says", text] => self.tells(who, &format!("STATUS={text}")),
            [who, "tells", ..] => self.tells(who, line.split_once(" tells ").unwrap().1),
            ["kill", whom, signal] => {
                let whom = match whom {
                    "main" => Whom::Main,
                    "control" => Whom::Control,
                    _ => Whom::All,
                };
                self.tell(Happening::Kill(Signal::parse(signal).unwrap(), whom));
            }
            ["show"] => {
                let Service { result, reload_result, restarts, report, .. } = &self.service;
                let text = report.status.as_deref().unwrap_or_default();
                let (result, reload) = (result.word(), reload_result.word());
                let (active, sub) = (self.service.active().word(), self.service.sub_state());
                self.lines.push(format!("{active} {sub} {result} reload={reload} restarts={restarts} status={text}"));
            }
            _ => panic!("{line}"),
        }
        self.settle();
    }

    /// Has a process send a notification, its lines with blanks between them. `another` and its siblings stand for their numbers.
    fn tells(&mut self, who: &str, text: &str) {
        let sender = self.pid(who);
        let lines = text.split(' ').map(|line| match line.split_once('=') {
            Some(("MAINPID", who)) if who.parse::<u32>().is_err() => format!("MAINPID={}", self.pid(who)),
            Some(("MONOTONIC_USEC", "now")) => format!("MONOTONIC_USEC={}", self.now.save() / 1000),
            _ => line.to_owned(),
        });
        let notification = parse_notification(lines.collect::<Vec<_>>().join("\n").as_bytes());
        let processes = self.found();
        let claim = notification.main.map(|pid| {
            let claimed = match pid.as_raw() {
                1 => Claimed::Manager,
                _ if processes.iter().any(|process| process.pid == pid) => Claimed::Running,
                _ => Claimed::Gone,
            };
            Claim { pid, claimed, trusted: true }
        });
        self.tell(Happening::Notified(sender, Box::new(notification), claim));
    }

    fn exits(&mut self, pid: Pid, status: &str) {
        self.processes.get_mut(&pid.as_raw()).unwrap().end = Some(End::Exited(status.parse().unwrap()));
    }
}

/// A trace: a sentence; the settings of a unit; what is done, after `>`; the states, after `=`; what is said, with its level.
fn check(trace: &str) -> Result<(), String> {
    let with = |mark: &str| trace.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>();
    let said = trace
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()) || line.contains(" reload="));
    let settings: Vec<_> =
        trace.lines().filter(|line| line.starts_with(char::is_uppercase) && line.contains('=')).collect();
    let mut trial = Trial::new(&settings.join("\n"));
    with("> ").into_iter().for_each(|line| trial.act(line));
    let (states, lines) = (trial.states.join(" "), trial.lines.join("\n"));
    let (expected_states, expected_lines) = (with("= ").join(" "), said.collect::<Vec<_>>().join("\n"));
    if states == expected_states && lines == expected_lines {
        return Ok(());
    }
    Err(format!(
        "{}\n= {states}\n{lines}\n",
        trace.lines().take_while(|line| !line.starts_with('=')).collect::<Vec<_>>().join("\n")
    ))
}

#[test]
fn services_go_through_the_states_and_say_what_systemd_was_seen_to() {
    let traces = include_str!("traces.txt").split("\n\n").filter(|trace| !trace.trim().is_empty());
    let failures: Vec<_> = traces.filter_map(|trace| check(trace).err()).collect();
    assert!(failures.is_empty(), "{} differ, and are so now:\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn commands_are_told_of_the_main_process_and_of_how_it_has_ended() {
    let commands = "ExecStartPre=/true\nExecStartPost=/true\nExecReload=/true\nExecStop=/true\nExecStopPost=/true\n";
    let mut trial = Trial::new(&format!("{commands}ExecStart=/run"));
    ["start", "reload", "stop"].into_iter().for_each(|line| trial.act(line));
    let expected = [
        "ExecStartPre",
        "ExecStart",
        "ExecStartPost MAINPID=121",
        "ExecReload MAINPID=121",
        "ExecStop MAINPID=121 SERVICE_RESULT=success",
        "ExecStopPost SERVICE_RESULT=success EXIT_CODE=killed EXIT_STATUS=TERM",
    ];
    assert_eq!(trial.executed, expected);

    for (settings, told) in [
        ("ExecStart=/exit 7", "SERVICE_RESULT=exit-code EXIT_CODE=exited EXIT_STATUS=7"),
        ("ExecStart=/die USR1", "SERVICE_RESULT=signal EXIT_CODE=killed EXIT_STATUS=USR1"),
        ("ExecStart=/dump ABRT", "SERVICE_RESULT=core-dump EXIT_CODE=dumped EXIT_STATUS=ABRT"),
        ("ExecCondition=/false\nExecStart=/true", "SERVICE_RESULT=exec-condition"),
        ("ExecStartPre=/false\nExecStart=/true", "SERVICE_RESULT=exit-code"),
        ("Type=notify\nExecStart=/true", "SERVICE_RESULT=protocol EXIT_CODE=exited EXIT_STATUS=0"),
    ] {
        let mut trial = Trial::new(&format!("{settings}\nExecStopPost=/true"));
        trial.act("start");
        assert_eq!(trial.executed.last(), Some(&format!("ExecStopPost {told}")), "{settings}");
    }
}

#[test]
fn those_are_heard_whom_notify_access_names() {
    for (access, heard) in [("none", ""), ("main", "main"), ("exec", "control main"), ("all", "another control main")] {
        let said: Vec<_> = ["another", "control", "main"]
            .into_iter()
            .filter(|who| {
                let mut trial = Trial::new(&format!(
                    "NotifyAccess={access}\nExecStart=/run\nExecStartPost=/run\nTimeoutStartSec=0"
                ));
                trial.act("start");
                trial.act(&format!("{who} says hello"));
                let heard = trial.service.report.status.as_deref() == Some("hello");
                let line = trial.lines.last().unwrap();
                assert_ne!(heard, line.contains("Got notification message from PID"), "{line}");
                heard
            })
            .collect();
        assert_eq!(said.join(" "), heard, "{access}");
    }
    for (settings, only) in [
        ("none\nExecStart=/run", "but reception is disabled."),
        ("main\nExecStart=/run", "but reception only permitted for main PID 111"),
        (
            "main\nExecStartPre=/run\nExecStart=/run",
            "but reception only permitted for main PID which is currently not known",
        ),
        ("exec\nExecStartPre=/run\nExecStart=/run", "but reception only permitted for control PID 111"),
        (
            "exec\nExecStart=/run\nExecStartPost=/run",
            "but reception only permitted for main PID 111 and control PID 121",
        ),
    ] {
        let mut trial = Trial::new(&format!("NotifyAccess={settings}"));
        ["start", "another says hello"].into_iter().for_each(|line| trial.act(line));
        let line = format!("4 a.service: Got notification message from PID 9, {only}");
        assert_eq!(trial.lines.last(), Some(&line));
    }
    let mut trial = Trial::new("NotifyAccess=all\nExecStart=/run");
    ["start", "main says hello", "stop", "show"].into_iter().for_each(|line| trial.act(line));
    assert_eq!(trial.lines.last().unwrap(), "inactive dead success reload=success restarts=0 status=hello");
    trial.act("start");
    assert_eq!(trial.service.report.status, None);
}

#[test]
fn how_each_command_has_ended_is_on_record_until_the_next_start() {
    let mut trial = Trial::new("ExecStartPre=-/exit 3\nExecStart=/run\nExecReload=/true\nExecStopPost=/die HUP");
    ["start", "pass 2s", "reload", "reload", "main exits 1"].into_iter().for_each(|line| trial.act(line));
    let started = trial.now - Duration::from_secs(2);
    let record = |setting, pid, since, end| CommandStatus {
        setting,
        index: 0,
        pid: Pid::from_raw(pid),
        since,
        end: Some((if setting == "ExecStartPre" { since } else { trial.now }, end)),
    };
    let expected = [
        record("ExecStartPre", 111, started, End::Exited(3)),
        record("ExecStart", 121, started, End::Exited(1)),
        record("ExecReload", 141, trial.now, End::Exited(0)),
        record("ExecStopPost", 151, trial.now, End::Killed(Signal::HUP)),
    ];
    assert_eq!(trial.service.records, expected);
    trial.act("start");
    assert_eq!(trial.service.records.len(), 2);
}

#[test]
fn what_was_made_for_it_is_removed_when_it_is_over_whether_it_is_started_again_or_not() {
    for (end, restarts) in [("stop", false), ("main exits 0", false), ("main exits 1", true), ("stop to restart", true)]
    {
        let mut trial = Trial::new("ExecStart=/run\nRestart=on-failure");
        trial.act("start");
        assert!(trial.cleaned_up.is_empty());
        trial.act(end);
        assert_eq!(trial.cleaned_up, [restarts], "{end}");
    }
}

#[test]
fn what_happens_while_an_answer_is_awaited_waits_for_it() {
    let mut trial = Trial::new("ExecStart=/run");
    let mut step = |happening| {
        let mut turn = Turn::new(trial.now, Form::Units);
        trial.service.step(happening, &mut turn);
        turn.actions.into_iter().filter(|action| !matches!(action, Action::Log { .. })).collect::<Vec<_>>()
    };
    assert!(matches!(step(Happening::Start)[..], [Action::Execute { .. }]));
    assert_eq!(step(Happening::Stop { restart: false }), []);
    let main = Pid::from_raw(101);
    assert_eq!(step(Happening::Executed(main)), [Action::Inspect(ID, vec![main])], "it is stopped now");
    let found = Process { pid: main, name: "run".into(), is_child: true, is_zombie: false };
    let kills = [Action::Kill(main, Signal::TERM), Action::Kill(main, Signal::CONT)];
    assert_eq!(step(Happening::Found(vec![found])), kills, "and goes on, if it was suspended");
}

#[test]
fn what_is_started_again_is_told_so_with_restart_mode_debug() {
    let mut trial =
        Trial::new("ExecStart=/exit 1\nExecStopPost=/true\nRestart=always\nRestartSec=1s\nRestartMode=debug");
    trial.act("start");
    trial.act("pass 1s");
    let stopped = "SERVICE_RESULT=exit-code EXIT_CODE=exited EXIT_STATUS=1";
    assert_eq!(
        trial.executed,
        [
            "ExecStart".to_owned(),
            format!("ExecStopPost {stopped}"),
            "ExecStart DEBUG_INVOCATION=1".to_owned(),
            format!("ExecStopPost DEBUG_INVOCATION=1 {stopped}"),
        ]
    );
}
