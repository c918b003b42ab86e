//! The system calls of a service between clone(2) and execve(2) are made to fail in turn: it ends with the exit status of the step,
//! and the manager says which that was; or it is executed, and finds all as it is meant to be.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use common::units::Units;
use common::{Activator, wrong_of};
use sdlite_test_support::{has, left_out};

/// What it tells of itself.
const FOUND: &str = "grep -E \"^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|SigBlk|SigIgn)\" /proc/self/status; umask; pwd; nice; \
    ulimit -n; cat /proc/self/oom_score_adj /proc/self/personality /proc/self/timerslack_ns; ls /var /home; \
    touch /usr/x && echo written; chrt -p $$$$ | sed s/[0-9]*.s//; ls -l /proc/self/fd | wc -l";

fn units() -> Units {
    Units::new(&[(
        "a.service",
        &format!(
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c '({FOUND}) >DIRECTORY/found 2>&1'\nUser=nobody\nGroup=nogroup\n\
             SupplementaryGroups=daemon\nWorkingDirectory=/usr\nUMask=0027\nNice=3\nLimitNOFILE=99\nOOMScoreAdjust=500\n\
             NoNewPrivileges=yes\nTemporaryFileSystem=/var\nProtectSystem=strict\nReadWritePaths=DIRECTORY\nProtectHome=yes\n\
             CapabilityBoundingSet=CAP_CHOWN\nSecureBits=noroot\nSystemCallFilter=~@reboot\nTimerSlackNSec=100000\n\
             CPUSchedulingPolicy=batch\nIOSchedulingClass=idle\nCPUAffinity=0\nStandardOutput=file:DIRECTORY/output\n"
        ),
    )])
}

/// What came of it.
struct Outcome {
    units: Units,
    status: Option<i32>,
    said: String,
    /// Empty where it was not executed.
    found: String,
}

fn go(injection: Option<&str>) -> Outcome {
    let units = units();
    // The service is another user, who writes what it has found.
    let (path, mode) = (units.directory.path(""), std::os::unix::fs::PermissionsExt::from_mode(0o777));
    fs::set_permissions(path, mode).unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-D", "-o", &units.directory.text("trace")]);
    strace.args(injection.map(|injection| format!("--inject={injection}")));
    let mut activator = Activator::run(&units.directory, units.command_behind(strace, &["a.service"]));
    let status = activator.wait().code();
    let found = fs::read_to_string(units.directory.path("found")).unwrap_or_default();
    Outcome { said: activator.output(), status, found, units }
}

/// The calls of the service before it is executed: the name of each, and how manieth of its name it is. Those are left out that
/// the manager makes as often: strace(1) would have its own fail as well. So are umask(2), which cannot fail, and close(2), which
/// strace(1) has fail by leaving the descriptor open.
fn calls(trace: &str) -> Vec<(String, usize)> {
    let lines = trace.lines().filter_map(|line| {
        let (pid, call) = line.split_once(' ')?;
        let (name, rest) = call.trim_start().split_once('(')?;
        name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_').then_some((pid, name, rest))
    });
    let lines: Vec<_> = lines.collect();
    let manager = lines.iter().find(|(_, _, rest)| rest.contains("a.service")).map_or("", |line| line.0);
    let service =
        lines.iter().find(|(pid, name, rest)| *pid != manager && *name == "execve" && rest.contains("/bin/sh"));
    let Some((service, ..)) = service else { return Vec::new() };
    let of = |pid: &str| {
        let before = lines.iter().filter(move |line| line.0 == pid).map(|line| line.1.to_owned());
        before.collect::<Vec<_>>()
    };
    let (own, mut counts, mut found) = (of(manager), BTreeMap::new(), Vec::new());
    for name in of(service).into_iter().take_while(|name| name != "execve") {
        let count = counts.entry(name.clone()).or_insert(0);
        *count += 1;
        if own.iter().filter(|of_manager| **of_manager == name).count() < *count
            && !["close", "umask"].contains(&name.as_str())
        {
            found.push((name, *count));
        }
    }
    found
}

/// Whether an exit status between 200 and 243 is told, and of which setting the step is.
fn tells_the_step(said: &str) -> bool {
    let status = said.split_once("code=exited, status=").and_then(|(_, rest)| rest.split_once('/'));
    let is_step =
        status.and_then(|(number, _)| number.parse().ok()).is_some_and(|number| (200..=243).contains(&number));
    let mut messages = said.lines().filter_map(|line| line.split_once("]: a.service: "));
    is_step && messages.any(|(_, message)| !message.starts_with("Failed") && !message.contains("code=exited"))
}

#[test]
fn a_service_is_executed_as_it_is_meant_to_be_or_ends_and_the_step_is_told() {
    if !nix::unistd::geteuid().is_root() {
        return left_out("other users and mount namespaces: to be run by root");
    }
    if !has("strace", "strace") {
        return;
    }
    let usual = go(None);
    assert!(usual.status == Some(0) && usual.found.contains("Uid:\t65534"), "{}\n{}", usual.said, usual.found);
    let calls = calls(&fs::read_to_string(usual.units.directory.path("trace")).unwrap());
    assert!(calls.len() > 30, "{calls:?}");
    let trials = calls.iter().flat_map(|call| ["EPERM", "ENOMEM"].map(|error| (call, error)));
    let wrong = wrong_of(trials.clone(), |((call, count), error)| {
        let injection = format!("{call}:error={error}:when={count}");
        let Outcome { status, said, found, .. } = go(Some(&injection));
        let told = tells_the_step(&said) && status != Some(0);
        let right = if found.is_empty() { told } else { found == usual.found };
        (!right).then(|| format!("{injection}: {status:?}\n{said}{found}"))
    });
    println!("{} trials with {} system calls, {} went wrong", trials.count(), calls.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
