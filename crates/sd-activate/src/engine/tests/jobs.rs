//! Jobs: what is started and stopped with a unit, in which order, and what comes of failures. Each was seen with systemd 252.

use super::managed::{Managed, unit};
use super::*;
use crate::engine::notification::Told;

const DONE: Option<Answer> = Some(Answer::Ended(JobResult::Done));
const FAILED: Option<Answer> = Some(Answer::Ended(JobResult::Failed));

fn refusal(answer: Option<Answer>) -> String {
    match answer {
        Some(Answer::Refused(refusal)) => refusal.why,
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn a_unit_starts_after_what_it_requires_and_stops_before_it() {
    let mut units = Managed::new(&[
        ("a.service", ""),
        ("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n"),
        ("c.service", "[Unit]\nWants=b.service missing.service\nAfter=b.service\n"),
    ]);
    assert_eq!(units.start("c.service"), DONE);
    assert_eq!(units.jobs(), ["Started a.service.", "Started b.service.", "Started c.service."]);
    assert_eq!(units.ask(Verb::Stop, "a.service"), DONE);
    let stopped = ["Stopping b.service...", "Stopped b.service.", "Stopping a.service...", "Stopped a.service."];
    assert_eq!(units.jobs(), stopped, "what is wanted may go");
    assert_eq!(units.state("c.service"), "active running");
}

#[test]
fn a_unit_waits_for_another_that_is_started_with_it_until_that_has_started() {
    let slow = "[Service]\nType=oneshot\nExecStart=/bin/a\n";
    let mut units = Managed::new(&[("a.service", slow), ("b.service", "[Unit]\nWants=a.service\nAfter=a.service\n")]);
    assert_eq!(units.start("b.service"), None);
    assert_eq!(units.state("b.service"), "inactive dead");
    assert_eq!(units.engine.view(units.id("b.service")).job.map(|job| (job.kind, job.running)), Some(("start", false)));
    units.end("a.service", CLEAN);
    assert_eq!(units.answers, [Answer::Ended(JobResult::Done)]);
    assert_eq!(units.jobs(), ["Starting a.service...", "Finished a.service.", "Started b.service."]);
}

#[test]
fn where_a_requirement_fails_the_unit_does_and_where_it_is_missing_there_is_no_job() {
    let mut units = Managed::new(&[
        ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/a\n"),
        ("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n"),
        ("c.service", "[Unit]\nRequires=missing.service network.target dev-sda.device\n"),
        ("d.service", "[Unit]\nRequires=network.target dev-sda.device\n"),
    ]);
    assert_eq!(units.start("b.service"), None);
    units.end("a.service", End::Exited(1));
    assert_eq!(units.answers, [Answer::Ended(JobResult::Dependency)]);
    let log = units.log();
    assert!(
        log.ends_with(&[
            "a.service: Failed with result 'exit-code'.".into(),
            "Failed to start a.service.".into(),
            "Dependency failed for b.service.".into(),
            "b.service: Job b.service/start failed with result 'dependency'.".into(),
        ]),
        "{log:?}"
    );
    assert_eq!(refusal(units.start("c.service")), "Unit missing.service not found.");
    assert_eq!(units.start("d.service"), DONE, "what stands for the machine is there");
}

#[test]
fn of_units_that_conflict_the_one_that_is_started_stops_the_other() {
    let mut units = Managed::new(&[("a.service", ""), ("b.service", "[Unit]\nConflicts=a.service\n")]);
    units.start("a.service");
    for (started, stopped) in [("b.service", "a.service"), ("a.service", "b.service")] {
        assert_eq!(units.start(started), DONE);
        assert_eq!((units.state(started), units.state(stopped)), ("active running".into(), "inactive dead".into()));
    }
}

#[test]
fn what_is_bound_to_a_unit_stops_when_that_ends_by_itself_and_what_requires_it_does_not() {
    let mut units = Managed::new(&[
        ("a.service", ""),
        ("bound.service", "[Unit]\nBindsTo=a.service\nAfter=a.service\n"),
        ("requires.service", "[Unit]\nRequires=a.service\nAfter=a.service\n"),
    ]);
    units.start("bound.service");
    units.start("requires.service");
    units.log();
    units.end("a.service", End::Exited(3));
    assert_eq!(units.jobs(), ["Stopping bound.service...", "Stopped bound.service."]);
    assert_eq!(units.state("requires.service"), "active running");
}

#[test]
fn a_part_of_a_unit_is_stopped_and_restarted_with_it_but_not_started() {
    let mut units = Managed::new(&[("a.service", ""), ("part.service", "[Unit]\nPartOf=a.service\n")]);
    units.start("a.service");
    assert_eq!(units.state("part.service"), "inactive dead");
    units.ask(Verb::Restart, "a.service");
    assert_eq!(units.state("part.service"), "inactive dead");
    units.start("part.service");
    units.log();
    assert_eq!(units.ask(Verb::Restart, "a.service"), DONE);
    let mut jobs = units.jobs();
    jobs.sort_unstable();
    assert_eq!(
        jobs,
        ["Started", "Stopped", "Stopping"]
            .iter()
            .flat_map(|word| {
                let dots = if *word == "Stopping" { "..." } else { "." };
                ["a", "part"].map(|name| format!("{word} {name}.service{dots}"))
            })
            .collect::<Vec<_>>()
    );
    units.ask(Verb::Stop, "a.service");
    assert_eq!(units.state("part.service"), "inactive dead");
}

#[test]
fn a_restart_stops_what_requires_a_unit_first_and_starts_it_last() {
    let mut units = Managed::new(&[("a.service", ""), ("b.service", "[Unit]\nAfter=a.service\nRequires=a.service\n")]);
    units.start("b.service");
    units.log();
    assert_eq!(units.ask(Verb::Restart, "a.service"), DONE);
    assert_eq!(
        units.jobs(),
        [
            "Stopping b.service...",
            "Stopped b.service.",
            "Stopping a.service...",
            "Stopped a.service.",
            "Started a.service.",
            "Started b.service.",
        ]
    );
}

#[test]
fn what_nobody_needs_is_stopped_if_it_says_so() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nStopWhenUnneeded=yes\n"),
        ("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n"),
    ]);
    units.start("a.service");
    assert_eq!(units.state("a.service"), "inactive dead", "nobody ever did");
    units.start("b.service");
    assert_eq!(units.state("a.service"), "active running");
    units.end("b.service", CLEAN);
    assert_eq!(units.state("a.service"), "inactive dead");
}

#[test]
fn what_may_not_be_asked_is_refused() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nRefuseManualStart=yes\nRefuseManualStop=yes\n"),
        ("b.service", "[Unit]\nRequires=a.service\n"),
    ]);
    assert!(refusal(units.start("a.service")).starts_with("Operation refused, unit a."));
    assert_eq!(units.start("b.service"), DONE);
    assert_eq!(units.state("a.service"), "active running", "by dependency it may");
    assert!(refusal(units.ask(Verb::Stop, "a.service")).starts_with("Operation refused, unit a."));
    let reload = units.ask(Verb::Reload, "b.service");
    assert_eq!(refusal(reload), "Job type reload is not applicable for unit b.service.");
}

#[test]
fn jobs_that_contradict_each_other_cancel_each_other() {
    let mut units = Managed::new(&[("a.service", "[Service]\nType=oneshot\nExecStart=/bin/a\n"), ("b.service", "")]);
    assert_eq!(units.start("a.service"), None);
    units.ask(Verb::Stop, "a.service");
    assert_eq!(units.answers, [Answer::Ended(JobResult::Canceled), Answer::Ended(JobResult::Done)]);
    assert_eq!(units.state("a.service"), "failed failed");

    units.start("b.service");
    units.stubborn.insert(units.id("b.service"));
    assert_eq!(units.ask(Verb::Stop, "b.service"), None);
    assert_eq!(units.start("b.service"), Some(Answer::Ended(JobResult::Canceled)), "the stop is");
    assert_eq!(units.state("b.service"), "deactivating stop-sigterm");
    units.end("b.service", CLEAN);
    assert_eq!(units.state("b.service"), "active running");
    assert_eq!(units.answers.last(), Some(&Answer::Ended(JobResult::Done)));
}

#[test]
fn a_reload_is_a_job_that_needs_an_active_unit() {
    let text = "[Service]\nExecStart=/bin/a\nExecReload=/bin/r\n";
    let mut units = Managed::new(&[("a.service", text), ("b.service", "")]);
    assert_eq!(units.ask(Verb::Reload, "a.service"), Some(Answer::Ended(JobResult::Invalid)));
    assert_eq!(units.ask(Verb::TryRestart, "a.service"), DONE);
    assert_eq!(units.state("a.service"), "inactive dead", "there was nothing to do");
    units.start("a.service");
    assert_eq!(units.ask(Verb::ReloadOrRestart, "a.service"), None);
    assert_eq!(units.state("a.service"), "reloading reload");
    units.start("b.service");
    units.executed();
    assert_eq!(units.ask(Verb::ReloadOrRestart, "b.service"), DONE);
    assert_eq!(units.executed(), ["b.service ExecStart"], "which has no ExecReload=");
}

#[test]
fn a_unit_whose_conditions_are_not_met_is_skipped_and_one_whose_assertions_are_not_fails() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nConditionPathExists=!/foo\n"),
        ("b.service", "[Unit]\nAssertPathExists=/foo\n"),
        ("c.service", "[Unit]\nConditionPathExists=|/foo\n"),
        ("d.service", "[Unit]\nRequires=a.service\nAfter=a.service\n"),
    ]);
    units.met = false;
    assert_eq!(units.start("a.service"), Some(Answer::Ended(JobResult::Skipped)));
    assert_eq!(units.start("b.service"), Some(Answer::Ended(JobResult::Assert)));
    assert_eq!(units.start("c.service"), Some(Answer::Ended(JobResult::Skipped)));
    assert_eq!(
        units.log(),
        [
            "a.service was skipped because of an unmet condition check (ConditionPathExists=!/foo).",
            "b.service: Starting requested but asserts failed.",
            "Assertion failed for b.service.",
            "c.service was skipped because no trigger condition checks were met.",
        ]
    );
    assert_eq!(units.start("d.service"), DONE, "what was skipped has not failed");
    units.met = true;
    assert_eq!(units.start("a.service"), DONE);
    assert!(units.engine.view(units.id("a.service")).changes.condition.is_some_and(|(_, met)| met));
}

#[test]
fn a_signal_stops_all_units_in_their_order_and_ends_all() {
    let mut units = Managed::new(&[
        ("a.service", ""),
        ("b.service", "[Unit]\nAfter=a.service\n"),
        ("c.target", "[Unit]\nWants=a.service b.service\n"),
    ]);
    units.start("c.target");
    units.log();
    units.happen(signal(libc::SIGTERM));
    let stopped: Vec<_> = units.jobs().into_iter().filter(|line| line.ends_with("ice.")).collect();
    assert_eq!(stopped, ["Stopped b.service.", "Stopped a.service."]);
    assert_eq!(units.done.last(), Some(&Action::Exit(0)));
}

#[test]
fn units_that_would_wait_for_each_other_for_ever_are_started_all_the_same() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nWants=b.service\nAfter=b.service\n"),
        ("b.service", "[Unit]\nAfter=a.service\n"),
    ]);
    assert_eq!(units.start("a.service"), DONE);
    assert_eq!(units.state("b.service"), "active running");
    assert!(units.log().iter().any(|line| line.contains("ordering cycle")));
}

#[test]
fn a_unit_that_was_loaded_anew_goes_on_as_it_is_and_is_started_as_it_says_then() {
    let mut units = Managed::new(&[("a.service", ""), ("b.service", "")]);
    units.start("a.service");
    units.executed();
    let text = "[Unit]\nRequires=b.service\n[Service]\nExecStartPre=/bin/p\nExecStart=/bin/a\n";
    units.engine.replace(units.id("a.service"), LoadState::Loaded, Some(unit("a.service", text)));
    assert_eq!(units.state("a.service"), "active running");
    assert_eq!(units.ask(Verb::Restart, "a.service"), None);
    let mut executed = units.executed();
    executed.sort_unstable();
    assert_eq!(executed, ["a.service ExecStartPre", "b.service ExecStart"]);
    units.engine.replace(units.id("b.service"), LoadState::NotFound, None);
    assert_eq!(units.ask(Verb::Stop, "b.service"), DONE, "it runs, although its file is gone");
    assert_eq!(refusal(units.start("b.service")), "Unit b.service not found.");
}

#[test]
fn a_reload_goes_on_however_long_it_takes_until_a_service_that_has_said_so_is_ready() {
    let text = "[Service]\nExecStart=/bin/a\nExecReload=/bin/r\nNotifyAccess=all\nTimeoutStartSec=5\n";
    let mut units = Managed::new(&[("a.service", text)]);
    units.start("a.service");
    let (id, main) = (units.id("a.service"), units.main_pid("a.service"));
    assert_eq!(units.ask(Verb::Reload, "a.service"), None);
    let tell = |units: &mut Managed, told| {
        let notification = Box::new(Notification { told: Some(told), ..Notification::default() });
        units.happen(Event::Notified { sender: main, unit: id, notification, claim: None });
    };
    tell(&mut units, Told::Reloading);
    units.log();
    // The command is killed, and it is waited on.
    for _ in 0..3 {
        units.pass(Duration::from_secs(5));
        assert_eq!(units.log(), ["a.service: Reload operation timed out. Killing reload process."]);
        assert_eq!((units.state("a.service").as_str(), units.answers.last()), ("reloading reload", None));
    }
    tell(&mut units, Told::Ready);
    assert_eq!(units.state("a.service"), "active running");
    assert_eq!(units.log(), ["Reload failed for a.service."]);
    assert_eq!(units.answers, [Answer::Ended(JobResult::Failed)]);
}

#[test]
fn what_has_failed_fails_its_job_and_can_be_forgotten() {
    let mut units = Managed::new(&[("a.service", "[Unit]\nStartLimitBurst=1\n")]);
    units.start("a.service");
    units.end("a.service", End::Exited(1));
    assert_eq!(units.state("a.service"), "failed failed");
    assert_eq!(units.start("a.service"), FAILED, "too often");
    assert_eq!(units.ask(Verb::ResetFailed, "a.service"), DONE);
    assert_eq!(units.state("a.service"), "inactive dead");
    assert_eq!(units.start("a.service"), DONE);
}

#[test]
fn limits_that_are_loaded_anew_hold_at_once_and_what_was_started_before_counts() {
    let socket = "[Socket]\nListenStream=1\nTriggerLimitIntervalSec=10s\nTriggerLimitBurst=2\n";
    let mut units = Managed::new(&[("a.socket", socket), ("a.service", "")]);
    units.start("a.socket");
    let a = units.id("a.socket");
    let port = units.engine.ports.iter().find(|(_, of)| **of == a).map(|(port, _)| *port).expect("a port");
    let trigger = |units: &mut Managed| {
        units.happen(Event::Incoming(port));
        let runs = units.state("a.socket") == "active running";
        if runs {
            units.end("a.service", End::Exited(0));
        }
        runs
    };
    assert!(trigger(&mut units) && trigger(&mut units));
    units.engine.replace(a, LoadState::Loaded, Some(unit("a.socket", &socket.replace("Burst=2", "Burst=3"))));
    assert!(trigger(&mut units), "the third");
    assert!(!trigger(&mut units), "the fourth");
    assert_eq!(units.state("a.socket"), "failed failed");
}

#[test]
fn restart_does_not_start_what_has_a_job_to_stop_that_waits_for_others() {
    let begin = || {
        let mut units = Managed::new(&[
            ("a.service", "[Service]\nExecStart=/bin/a\nRestart=always\nRestartSec=1\n"),
            ("later.service", "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/a\nExecStop=/bin/b\n"),
        ]);
        units.start("a.service");
        units.start("later.service");
        units
    };
    let stop = |units: &mut Managed| {
        assert_eq!(units.ask(Verb::Stop, "later.service"), None);
        assert_eq!(units.ask(Verb::Stop, "a.service"), None, "it stops after that");
        units.log();
    };
    let mut units = begin();
    stop(&mut units);
    units.end("a.service", End::Exited(1));
    assert_eq!(units.answers.last(), Some(&Answer::Ended(JobResult::Done)));
    assert_eq!(units.state("a.service"), "failed failed");
    assert_eq!(units.log().last().map(String::as_str), Some("Stopped a.service."));

    let mut units = begin();
    units.end("a.service", End::Exited(1));
    stop(&mut units);
    units.pass(Duration::from_secs(1));
    assert_eq!(units.log(), ["a.service: Stop job pending for unit, skipping automatic restart."]);
    assert_eq!(units.state("a.service"), "activating auto-restart");
}
