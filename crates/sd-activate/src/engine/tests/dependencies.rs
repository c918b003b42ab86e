//! Requisite=, Upholds=, what is propagated, and how jobs go along with others. Each was seen with systemd 252.

use super::managed::Managed;
use super::*;

const DONE: Option<Answer> = Some(Answer::Ended(JobResult::Done));
const DEPENDENCY: Option<Answer> = Some(Answer::Ended(JobResult::Dependency));
const NOTIFY: &str = "[Service]\nType=notify\nExecStart=/bin/a\n";

#[test]
fn a_requisite_has_to_be_active_and_is_not_started() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nRequisite=b.service\nAfter=b.service\n"),
        ("b.service", ""),
        ("both.target", "[Unit]\nWants=a.service b.service\n"),
        ("missing.service", "[Unit]\nRequisite=gone.service\n"),
        ("slow.service", NOTIFY),
        ("waits.service", "[Unit]\nRequisite=slow.service\nAfter=slow.service\n"),
    ]);
    assert_eq!(units.start("a.service"), DEPENDENCY);
    assert_eq!(
        units.log(),
        [
            "b.service is inactive.",
            "Dependency failed for a.service.",
            "a.service: Job a.service/start failed with result 'dependency'.",
        ]
    );
    assert_eq!(units.start("both.target"), DONE);
    assert_eq!(units.state("a.service"), "active running", "it is started with it");
    assert_eq!(units.ask(Verb::Restart, "b.service"), DONE);
    assert_eq!(units.state("a.service"), "active running", "and restarted");
    units.end("b.service", End::Exited(1));
    assert_eq!(units.state("a.service"), "active running", "as with Requires=");
    units.start("b.service");
    assert_eq!(units.ask(Verb::Stop, "b.service"), DONE);
    assert_eq!(units.state("a.service"), "inactive dead");
    let Some(Answer::Refused(refusal)) = units.start("missing.service") else { panic!("{:?}", units.answers) };
    assert_eq!(refusal.why, "Unit gone.service not found.");

    assert_eq!(units.start("slow.service"), None);
    assert_eq!(units.start("waits.service"), None, "until it is known");
    units.end("slow.service", CLEAN);
    assert_eq!(units.answers.last(), DEPENDENCY.as_ref());
}

#[test]
fn without_an_order_a_requisite_is_looked_at_too_late() {
    // Whichever is loaded first.
    for names in [["a.service", "b.service"], ["b.service", "a.service"]] {
        let text = |name| if name == "a.service" { "[Unit]\nRequisite=b.service\n" } else { "" };
        let mut units = Managed::new(&names.map(|name| (name, text(name))));
        assert_eq!(units.start("a.service"), DONE);
    }
}

#[test]
fn what_is_bound_to_a_unit_that_was_skipped_or_has_ended_at_once_does_not_run_alone() {
    const ONCE: &str = "[Service]\nType=oneshot\nExecStart=/bin/a\n";
    for other in ["[Unit]\nConditionPathExists=/foo\n", "[Unit]\nAssertPathExists=/foo\n", ONCE] {
        for order in ["", "After=b.service\n"] {
            let bound = format!("[Unit]\nBindsTo=b.service\n{order}");
            let slow = format!("{bound}{NOTIFY}");
            let texts = [("a.service", &*bound), ("b.service", other), ("slow.service", &slow), ("a.socket", &bound)];
            let mut units = Managed::new(&texts);
            units.met = false;
            for unit in ["a.service", "a.socket"] {
                let answer = units.start(unit);
                if other == ONCE {
                    units.end("b.service", CLEAN);
                }
                assert_eq!(units.state(unit), "inactive dead", "{unit}: {other}{order}");
                let log = units.log();
                let alone = format!("{unit}: Bound to unit b.service, but unit isn't active.");
                let skipped = !order.is_empty() && !other.contains("Assert");
                assert_eq!(log.contains(&alone), skipped, "{log:?}");
                assert!(skipped || answer == DONE || units.answers == [DEPENDENCY.unwrap()], "{:?}", units.answers);
            }
            units.start("slow.service");
            if other == ONCE {
                units.end("b.service", CLEAN);
            }
            let has_ended = other == ONCE;
            let state = if order.is_empty() && !has_ended { "activating start" } else { "inactive dead" };
            assert_eq!(units.state("slow.service"), state, "as long as it is not active");
        }
    }
}

#[test]
fn a_target_comes_after_what_it_needs() {
    for (relation, order, last) in [
        ("Requires", "", "a.target"),
        ("Wants", "", "a.target"),
        ("BindsTo", "", "a.target"),
        ("Upholds", "", "a.target"),
        ("Wants", "Before=b.service\n", "b.service"),
    ] {
        let target = format!("[Unit]\n{relation}=b.service\n{order}");
        let mut units =
            Managed::new(&[("a.target", &target), ("b.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\n")]);
        let answer = units.start("a.target");
        assert_eq!(answer.is_none(), last == "a.target", "{target}");
        units.end("b.service", CLEAN);
        assert_eq!(units.state("a.target"), "active active", "{target}");
        units.log();
        units.ask(Verb::Stop, "b.service");
        assert_eq!(units.state("b.service"), if relation == "Upholds" { "activating start" } else { "inactive dead" });
    }
    let mut units = Managed::new(&[("a.target", "[Unit]\nRequisite=b.service\n"), ("b.service", "")]);
    assert_eq!(units.start("a.target"), DEPENDENCY);
}

#[test]
fn a_service_that_is_stopped_while_it_waits_to_be_started_again_has_ended_well() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nOnSuccess=b.service\n[Service]\nExecStart=/bin/a\nRestart=always\nRestartSec=3\n"),
        ("b.service", ""),
    ]);
    units.start("a.service");
    units.end("a.service", End::Killed(Signal::KILL));
    assert_eq!(units.state("b.service"), "inactive dead");
    units.ask(Verb::Stop, "a.service");
    assert_eq!(units.state("b.service"), "active running");
}

#[test]
fn of_units_that_conflict_one_runs() {
    for (text, expected) in [
        ("Wants=a.service b.service", ["active running", "active running", "inactive dead"]),
        ("Wants=b.service a.service", ["active running", "active running", "inactive dead"]),
        ("Requires=b.service\nWants=a.service", ["active running", "inactive dead", "active running"]),
        ("Requires=a.service\nWants=b.service", ["active running", "active running", "inactive dead"]),
        ("Upholds=a.service b.service", ["active running", "active running", "active running"]),
        ("Upholds=b.service a.service", ["active running", "active running", "active running"]),
        ("Requires=a.service\nUpholds=b.service", ["active running", "active running", "active running"]),
        ("Requires=b.service\nUpholds=a.service", ["inactive dead", "active running", "inactive dead"]),
    ] {
        let mut units = Managed::new(&[
            ("a.service", "[Unit]\nConflicts=b.service\n"),
            ("b.service", ""),
            ("c.service", &format!("[Unit]\n{text}\n")),
        ]);
        units.start("c.service");
        let states = ["c.service", "a.service", "b.service"].map(|unit| units.state(unit));
        assert_eq!(states, expected, "{text}");
    }
}

#[test]
fn nothing_comes_of_a_job_that_there_is_nothing_to_do_for() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nWants=b.service\n"),
        ("b.service", "[Unit]\nWants=c.service\nPartOf=d.service\n"),
        ("c.service", ""),
        ("d.service", ""),
        ("part.service", "[Unit]\nPartOf=b.service\n"),
        ("rival.service", "[Unit]\nConflicts=b.service\n"),
    ]);
    units.start("b.service");
    units.ask(Verb::Stop, "c.service");
    units.start("a.service");
    assert_eq!(units.state("c.service"), "inactive dead", "b.service is active already");
    units.start("b.service");
    assert_eq!(units.state("c.service"), "active running", "it was asked for");
    units.start("d.service");
    units.ask(Verb::Stop, "b.service");
    units.start("part.service");
    units.ask(Verb::Stop, "d.service");
    assert_eq!(units.state("part.service"), "active running", "b.service is inactive already");
    units.start("rival.service");
    assert_eq!(units.state("part.service"), "active running");
    units.ask(Verb::Stop, "b.service");
    assert_eq!(units.state("part.service"), "inactive dead");
}

#[test]
fn units_that_go_on_stopping_and_starting_each_other_rest_for_a_while() {
    let unneeded = |other| format!("[Unit]\nStopWhenUnneeded=yes\nOnSuccess={other}\n");
    let mut units = Managed::new(&[("a.target", &unneeded("b.target")), ("b.target", &unneeded("a.target"))]);
    units.start("a.target");
    let log = units.log();
    let rests = "a.target: Unit not needed anymore, but not stopping since we tried this too often recently. \
                 Will retry later.";
    assert_eq!(log.iter().filter(|line| *line == rests).count(), 1, "{log:?}");
    assert_eq!(log.iter().filter(|line| *line == "Stopped target a.target.").count(), 16);
    assert_eq!(units.state("a.target"), "active active");
}

#[test]
fn what_is_upheld_is_started_whenever_it_is_inactive() {
    let mut units = Managed::new(&[("a.service", "[Unit]\nUpholds=b.service\n"), ("b.service", "")]);
    units.start("a.service");
    assert_eq!(units.state("b.service"), "active running");
    assert_eq!(units.ask(Verb::Stop, "b.service"), DONE);
    assert_eq!(units.state("b.service"), "active running");
    units.end("b.service", End::Killed(Signal::KILL));
    assert_eq!(units.state("b.service"), "active running");
    units.ask(Verb::Stop, "a.service");
    assert_eq!(units.state("b.service"), "active running");
    units.ask(Verb::Stop, "b.service");
    assert_eq!(units.state("b.service"), "inactive dead", "nobody upholds it");
}

#[test]
fn a_unit_that_is_not_to_stop_any_more_upholds_others_again() {
    let upholder = "[Unit]\nBefore=c.service\nUpholds=b.service\n";
    let mut units = Managed::new(&[("a.service", upholder), ("b.service", ""), ("c.service", "")]);
    units.stubborn.insert(units.id("c.service"));
    units.start("a.service");
    units.start("c.service");
    units.ask(Verb::Stop, "c.service");
    assert_eq!(units.ask(Verb::Stop, "a.service"), None, "it waits for c.service");
    units.ask(Verb::Stop, "b.service");
    assert_eq!(units.state("b.service"), "inactive dead");
    units.start("a.service");
    units.end("c.service", CLEAN);
    assert_eq!(units.state("b.service"), "active running");
}

#[test]
fn what_is_upheld_in_vain_is_left_alone_for_a_while() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nUpholds=b.service\n"),
        ("b.service", "[Unit]\nConditionPathExists=/foo\n"),
    ]);
    units.met = false;
    units.start("a.service");
    let skipped = |log: &[String]| log.iter().filter(|line| line.starts_with("b.service was skipped")).count();
    let log = units.log();
    assert_eq!(skipped(&log), 17, "at first, and 16 times");
    let retry = "b.service: Unit needs to be started because active unit a.service upholds it, but not starting since we tried \
                 this too often recently. Will retry later.";
    assert_eq!(log.iter().filter(|line| *line == retry).count(), 1, "{log:?}");
    units.pass(Duration::from_secs(9));
    assert_eq!(units.log(), Vec::<String>::new());
    units.met = true;
    units.pass(Duration::from_secs(1));
    assert_eq!(units.state("b.service"), "active running");
}

#[test]
fn a_reload_is_propagated_to_what_is_active_and_can_be_reloaded() {
    let reloads = |unit: &str| format!("[Unit]\n{unit}[Service]\nExecStart=/bin/a\nExecReload=/bin/r\n");
    let mut units = Managed::new(&[
        ("a.service", &reloads("PropagatesReloadTo=b.service d.service\n")),
        ("b.service", &reloads("")),
        ("c.service", &reloads("ReloadPropagatedFrom=a.service\n")),
        ("d.service", ""),
    ]);
    for unit in ["a.service", "c.service", "d.service"] {
        units.start(unit);
    }
    units.executed();
    units.log();
    units.ask(Verb::Reload, "a.service");
    assert_eq!(units.executed(), ["a.service ExecReload", "c.service ExecReload"]);
    let warning =
        "d.service: Cannot add dependency reload job, ignoring: Job type reload is not applicable for unit d.service.";
    assert_eq!(units.log()[0], warning);
}

#[test]
fn a_stop_is_propagated_and_a_restart_is_not() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nPropagatesStopTo=b.service\n"),
        ("b.service", ""),
        ("c.service", "[Unit]\nStopPropagatedFrom=a.service\n"),
    ]);
    let all = ["a.service", "b.service", "c.service"];
    let states = |units: &Managed| all.map(|unit| units.state(unit));
    let running = [(); 3].map(|()| "active running");
    all.iter().for_each(|unit| drop(units.start(unit)));
    units.ask(Verb::Restart, "a.service");
    assert_eq!(states(&units), running);
    units.ask(Verb::Stop, "a.service");
    assert_eq!(states(&units), [(); 3].map(|()| "inactive dead"));
    all.iter().for_each(|unit| drop(units.start(unit)));
    units.end("a.service", End::Killed(Signal::KILL));
    assert_eq!(states(&units), ["failed failed", "inactive dead", "inactive dead"], "nor is it asked for");
}

/// A unit that fails, and whose OnFailure= starts a.service in this mode.
fn failing(mode: &str) -> String {
    format!("[Unit]\nOnFailure=a.service\nOnFailureJobMode={mode}\n")
}

#[test]
fn a_job_gives_way_or_not_as_its_mode_says() {
    let mut units = Managed::new(&[
        ("a.service", "[Unit]\nConflicts=c.service\n"),
        ("b.service", &failing("fail")),
        ("c.service", NOTIFY),
        ("d.service", &failing("replace")),
    ]);
    let fail = |units: &mut Managed, unit: &str| {
        units.start(unit);
        units.end(unit, End::Exited(1));
    };
    assert_eq!(units.start("c.service"), None);
    fail(&mut units, "b.service");
    let destructive = "b.service: Failed to enqueue OnFailure= job, ignoring: Transaction for a.service/start is destructive \
                       (c.service has 'start' job queued, but 'stop' is included in transaction).";
    assert_eq!(units.log().last().map(String::as_str), Some(destructive));
    assert_eq!(units.state("c.service"), "activating start");
    fail(&mut units, "d.service");
    assert_eq!(units.state("a.service"), "active running");
}

#[test]
fn no_job_takes_the_place_of_an_irreversible_one() {
    let mut units = Managed::new(&[("a.service", NOTIFY), ("b.service", &failing("replace-irreversibly"))]);
    units.start("b.service");
    units.end("b.service", End::Exited(1));
    let Some(Answer::Refused(refusal)) = units.ask(Verb::Stop, "a.service") else { panic!("{:?}", units.answers) };
    assert!(refusal.why.starts_with("Transaction for a.service/stop is destructive"), "{}", refusal.why);
    assert_eq!(units.state("a.service"), "activating start");
}

#[test]
fn a_job_may_cancel_all_others_or_stop_all_other_units() {
    for (mode, other, state) in
        [("flush", "activating start", "active running"), ("isolate", "inactive dead", "inactive dead")]
    {
        let mut units = Managed::new(&[
            ("a.service", "[Unit]\nAllowIsolate=yes\n"),
            ("b.service", &failing(mode)),
            ("c.service", NOTIFY),
            ("d.service", ""),
            ("e.service", "[Unit]\nIgnoreOnIsolate=yes\n"),
        ]);
        units.start("d.service");
        units.start("e.service");
        units.start("c.service");
        units.start("b.service");
        units.end("b.service", End::Exited(1));
        assert!(units.engine.view(units.id("c.service")).job.is_none(), "{mode}");
        assert_eq!(units.state("a.service"), "active running", "{mode}");
        assert_eq!(units.state("c.service"), other, "{mode}");
        assert_eq!(units.state("d.service"), state, "{mode}");
        assert_eq!(units.state("e.service"), "active running", "{mode}");
    }
}

#[test]
fn a_job_may_ignore_what_its_unit_depends_on() {
    for mode in ["ignore-dependencies", "ignore-requirements"] {
        let mut units = Managed::new(&[
            ("a.service", "[Unit]\nRequires=c.service\nAfter=c.service d.service\n"),
            ("b.service", &failing(mode)),
            ("c.service", ""),
            ("d.service", NOTIFY),
        ]);
        units.start("d.service");
        units.start("b.service");
        units.end("b.service", End::Exited(1));
        assert_eq!(units.state("c.service"), "inactive dead", "{mode}");
        let started = if mode == "ignore-dependencies" { "active running" } else { "inactive dead" };
        assert_eq!(units.state("a.service"), started, "{mode}");
    }
}

#[test]
fn a_job_that_takes_too_long_ends_and_its_unit_goes_on() {
    let mut units = Managed::new(&[
        ("a.service", &format!("[Unit]\nJobTimeoutSec=2\nJobRunningTimeoutSec=1\n{NOTIFY}")),
        ("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\nJobRunningTimeoutSec=500ms\n"),
    ]);
    assert_eq!(units.start("b.service"), None);
    units.log();
    units.pass(Duration::from_millis(999));
    assert_eq!(units.answers, [], "the other does not run yet");
    units.pass(Duration::from_millis(1));
    assert_eq!(units.answers, [Answer::Ended(JobResult::Dependency)]);
    assert_eq!(
        units.log(),
        [
            "a.service: Job a.service/start timed out.",
            "Timed out starting a.service.",
            "Dependency failed for b.service.",
            "b.service: Job b.service/start failed with result 'dependency'.",
            "a.service: Job a.service/start failed with result 'timeout'.",
        ]
    );
    assert_eq!(units.state("a.service"), "activating start");
    assert!(units.engine.due.keys().all(|timer| !matches!(timer, Timer::Job(_))));
    assert_eq!(units.ask(Verb::Stop, "a.service"), DONE);
}

#[test]
fn without_a_limit_or_with_zero_a_job_takes_its_time() {
    for limit in ["", "JobTimeoutSec=0\nJobRunningTimeoutSec=0\n", "JobTimeoutSec=infinity\n"] {
        let mut units = Managed::new(&[("a.service", &format!("[Unit]\n{limit}{NOTIFY}"))]);
        assert_eq!(units.start("a.service"), None);
        assert!(units.engine.due.keys().all(|timer| !matches!(timer, Timer::Job(_))), "{limit}");
        units.pass(Duration::from_secs(1));
        assert_eq!(units.answers, [], "{limit}");
    }
}

#[test]
fn where_a_start_cancels_a_stop_nothing_was_stopped() {
    let mut units = Managed::new(&[("a.service", "")]);
    units.stubborn.insert(units.id("a.service"));
    for (verb, expected) in [
        (Verb::Start, &["Stopping a.service...", "Started a.service."][..]),
        (Verb::Restart, &["Stopping a.service...", "Stopped a.service.", "Started a.service."]),
    ] {
        units.start("a.service");
        units.log();
        units.ask(Verb::Stop, "a.service");
        units.ask(verb, "a.service");
        units.end("a.service", CLEAN);
        assert_eq!(units.jobs(), expected, "{verb:?}");
    }
}

#[test]
fn a_service_that_was_to_stop_when_it_was_to_be_started_again_is_started_where_it_is_not_to_stop_any_more() {
    let restarts = "[Unit]\nBefore=b.service\n[Service]\nExecStart=/bin/a\nRestart=always\n";
    for stops_first in [true, false] {
        let mut units = Managed::new(&[("a.service", restarts), ("b.service", "")]);
        units.stubborn.insert(units.id("b.service"));
        units.start("b.service");
        units.start("a.service");
        units.end("a.service", CLEAN);
        units.ask(Verb::Stop, "b.service");
        if !stops_first {
            units.pass(Duration::from_millis(100));
        }
        assert_eq!(units.ask(Verb::Stop, "a.service"), None, "it waits for b.service");
        units.pass(Duration::from_millis(100));
        assert_eq!(units.state("a.service"), "activating auto-restart");
        assert_eq!(units.start("a.service"), Some(Answer::Ended(JobResult::Canceled)), "of the stop");
        units.end("b.service", CLEAN);
        units.pass(Duration::ZERO);
        assert_eq!(units.state("a.service"), "active running");
        assert_eq!(units.answers.last(), DONE.as_ref());
    }
}
