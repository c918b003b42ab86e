//! FailureAction= and its like, which end all, and RestartMode=.

use super::managed::Managed;
use super::*;

/// Starts these units and ends the first, then what is done last and what is said of it.
fn ended(text: &str, end: End) -> (Vec<String>, Option<Action>) {
    let mut units = Managed::new(&[("a.service", text), ("b.service", "")]);
    units.start("b.service");
    units.start("a.service");
    units.log();
    units.end("a.service", end);
    (units.log(), units.done.pop())
}

#[test]
fn a_unit_ends_all_with_the_exit_status_of_its_process_or_another() {
    let killed = End::Killed(Signal::KILL);
    for (settings, end, status) in [
        ("FailureAction=exit", End::Exited(7), Some(7)),
        ("FailureAction=exit", killed, Some(255)),
        ("FailureAction=exit", CLEAN, None),
        ("FailureAction=exit\nFailureActionExitStatus=42", End::Exited(7), Some(42)),
        ("FailureAction=exit\nFailureActionExitStatus=42\nFailureActionExitStatus=", End::Exited(7), Some(7)),
        ("FailureAction=none", End::Exited(7), None),
        ("SuccessAction=exit", CLEAN, Some(0)),
        ("SuccessAction=exit", End::Exited(7), None),
        ("SuccessAction=exit\nSuccessActionExitStatus=9", CLEAN, Some(9)),
        ("SuccessAction=exit\n[Service]\nSuccessExitStatus=3", End::Exited(3), Some(3)),
        ("FailureAction=exit\n[Service]\nRestart=always", End::Exited(7), Some(7)),
    ] {
        let (log, last) = ended(&format!("[Unit]\n{settings}\n[Service]\nExecStart=/bin/a\n"), end);
        assert_eq!(last.filter(|action| matches!(action, Action::Exit(_))), status.map(Action::Exit), "{settings}");
        let stopped = log.iter().any(|line| line == "Stopped b.service.");
        assert_eq!(stopped, status.is_some(), "{settings}: the others are stopped first: {log:?}");
    }
    let (log, last) = ended("[Unit]\nFailureAction=exit-force\n", End::Exited(7));
    assert_eq!(last, Some(Action::Exit(7)));
    assert!(log.ends_with(&["Exiting immediately: unit a.service failed".to_owned()]), "{log:?}");
}

#[test]
fn what_never_had_a_main_process_ends_all_as_later_releases_do() {
    let text = "[Unit]\nFailureAction=exit\n[Service]\nExecStartPre=/bin/p\nExecStart=/bin/a\n";
    let mut units = Managed::new(&[("a.service", text)]);
    units.start("a.service");
    units.end("a.service", End::Exited(5));
    assert_eq!(units.done.last(), Some(&Action::Exit(255)));
}

#[test]
fn a_start_limit_and_a_job_that_takes_too_long_end_all() {
    let limit = "StartLimitBurst=1\nStartLimitAction=exit\n";
    for (name, text) in [
        ("a.service", format!("[Unit]\n{limit}[Service]\nExecStart=/bin/a\nRestart=always\nRestartSec=0\n")),
        (
            "a.service",
            "[Unit]\nJobTimeoutSec=1\nJobTimeoutAction=exit\n[Service]\nType=notify\nExecStart=/bin/a\n".into(),
        ),
    ] {
        let mut units = Managed::new(&[(name, &text), ("b.service", "")]);
        units.start("b.service");
        units.start(name);
        if text.contains("Restart") {
            units.end(name, CLEAN);
        }
        units.pass(Duration::from_secs(1));
        let log = units.log();
        assert!(log.iter().any(|line| line.starts_with("Exiting: ")), "{log:?}");
        assert_eq!(units.done.last(), Some(&Action::Exit(1)), "{log:?}");
    }
}

#[test]
fn while_all_is_stopped_nothing_else_ends_it() {
    let text = "[Unit]\nSuccessAction=exit\nSuccessActionExitStatus=9\n";
    let mut units = Managed::new(&[("a.service", text)]);
    units.start("a.service");
    units.happen(signal(libc::SIGTERM));
    assert_eq!(units.done.last(), Some(&Action::Exit(0)));
    let skipped = "Shutdown is already active. Skipping emergency action request exit.";
    assert!(units.log().iter().any(|line| line == skipped));
}

#[test]
fn a_delay_grows_as_the_manual_says() {
    let spec = ServiceSpec {
        restart_delay: Duration::from_secs(10),
        restart_steps: 4,
        restart_max_delay: Duration::from_secs(160),
        ..ServiceSpec::default()
    };
    let delays: Vec<f64> = (0..7).map(|restarts| spec.restart_delay(restarts).as_secs_f64()).collect();
    for (delay, expected) in delays.iter().zip([10., 20., 40., 80., 160., 160., 160.]) {
        assert!((delay - expected).abs() < 0.001, "{delays:?}");
    }
    for (steps, longest, shortest) in [(0, 160, 10), (4, 5, 10), (4, 160, 0)] {
        let (restart_max_delay, restart_delay) = (Duration::from_secs(longest), Duration::from_secs(shortest));
        let spec = ServiceSpec { restart_steps: steps, restart_max_delay, restart_delay, ..ServiceSpec::default() };
        assert_eq!(spec.restart_delay(2), restart_delay, "{steps} {longest} {shortest}");
    }
    let endless = ServiceSpec { restart_steps: 4, ..ServiceSpec::default() };
    assert_eq!(endless.restart_delay(2), endless.restart_delay);
}

#[test]
fn the_delay_is_the_first_again_when_somebody_starts_it() {
    let text = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/a\nRestart=always\nRestartSec=1\n\
                RestartSteps=2\nRestartMaxDelaySec=4\n";
    let mut units = Managed::new(&[("a.service", text)]);
    for _ in 0..2 {
        units.start("a.service");
        for delay in [1, 2, 4, 4] {
            units.end("a.service", CLEAN);
            units.pass(Duration::from_millis(delay * 1000 - 1));
            assert_eq!(units.state("a.service"), "activating auto-restart", "{delay}");
            units.pass(Duration::from_millis(2));
            assert_eq!(units.state("a.service"), "active running", "{delay}");
        }
        units.ask(Verb::Stop, "a.service");
    }
}

const DIRECT: &str = "[Unit]\nOnFailure=f.service\nFailureAction=exit\nStartLimitBurst=3\n[Service]\nType=notify\n\
                      ExecStart=/bin/a\nRestart=always\nRestartMode=direct\nRestartSec=1\n";

#[test]
fn others_do_not_see_the_end_of_what_is_started_again_directly() {
    let mut units = Managed::new(&[
        ("a.service", DIRECT),
        ("b.service", "[Unit]\nBindsTo=a.service\nAfter=a.service\n"),
        ("f.service", ""),
    ]);
    assert_eq!(units.start("b.service"), None);
    units.end("a.service", End::Exited(1));
    assert_eq!(units.state("a.service"), "activating auto-restart");
    assert_eq!(units.answers, [], "its job goes on");
    units.pass(Duration::from_secs(1));
    assert_eq!(units.state("a.service"), "activating start");
    let (unit, pid) = (units.id("a.service"), units.main_pid("a.service"));
    let notification = Box::new(Notification { told: Some(Told::Ready), ..Notification::default() });
    units.happen(Event::Notified { sender: pid, unit, notification, claim: None });
    assert_eq!(units.answers, [Answer::Ended(JobResult::Done)]);
    assert_eq!(units.state("b.service"), "active running");

    units.end("a.service", End::Exited(1));
    assert_eq!(units.state("b.service"), "active running");
    units.pass(Duration::from_secs(1));
    assert_eq!(
        (units.state("a.service"), units.state("b.service")),
        ("activating start".into(), "active running".into())
    );
    assert_eq!(units.state("f.service"), "inactive dead");
    units.end("a.service", End::Exited(1));
    units.pass(Duration::from_secs(1));
    let log = units.log();
    assert!(log.iter().any(|line| line == "a.service: Start request repeated too quickly."), "{log:?}");
    assert_eq!(units.done.last(), Some(&Action::Exit(1)), "then it has failed");
}

#[test]
fn what_is_to_be_started_directly_can_be_stopped_and_skipped() {
    let text = DIRECT.replace("[Unit]\n", "[Unit]\nConditionPathExists=/foo\n");
    let mut units = Managed::new(&[("a.service", &text), ("f.service", "")]);
    units.start("a.service");
    units.end("a.service", End::Exited(1));
    assert_eq!(units.ask(Verb::Stop, "a.service"), Some(Answer::Ended(JobResult::Done)));
    assert_eq!(units.state("a.service"), "inactive dead");
    units.start("a.service");
    units.end("a.service", End::Exited(1));
    units.met = false;
    units.pass(Duration::from_secs(1));
    assert_eq!(units.state("a.service"), "inactive dead", "{:?}", units.log());
    assert_eq!(units.engine.deadline(), None);
}

#[test]
fn a_signal_has_the_state_of_each_unit_said() {
    let mut units = Managed::new(&[("a.service", "[Service]\nType=notify\nExecStart=/bin/a\n"), ("b.socket", "")]);
    units.start("a.service");
    units.log();
    units.happen(signal(libc::SIGUSR2));
    assert_eq!(units.log(), ["a.service: activating (start), job start", "b.socket: inactive (dead)"]);
    units.happen(signal(libc::SIGUSR1));
    assert_eq!(units.log(), ["SIGUSR1 is ignored: SIGTERM stops the units."]);
}

#[test]
fn a_service_of_no_command_may_end_all() {
    let mut units = Managed::new(&[("a.service", "[Unit]\nSuccessAction=exit-force\n[Service]\nExecStart=\n")]);
    units.start("a.service");
    assert_eq!(units.done.last(), Some(&Action::Exit(0)));
    let log = units.log();
    assert!(log.ends_with(&["Exiting immediately: unit a.service succeeded".to_owned()]), "{log:?}");
}
