//! Times are written and read as systemd writes and reads them.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use sd_activate::sdctl::time;
use sdlite_test_support as support;

fn analyze(verb: &str, text: &str, field: &str) -> Option<String> {
    let output = Command::new("systemd-analyze").args([verb, "--", text]).output().expect("systemd-analyze");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().find_map(|line| line.trim().strip_prefix(field).map(|value| value.trim().to_owned()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

#[test]
fn moments_are_read_as_systemd_reads_them() {
    if !support::has("systemd-analyze", "systemd") {
        return;
    }
    for text in [
        "2026-11-28 12:01:02",
        "2026-11-28 12:01",
        "2026-11-28",
        "2026-11-28T12:01:02",
        "26-11-28 1:2",
        "26-11-28 01:02",
        "70-1-2",
        "2026-1-2",
        "2026-02-29",
        "2026-02-30",
        "2024-02-29",
        "2026-13-01",
        "2026-11-28 12:01:02 UTC",
        "2026-11-28 12:01:02.5",
        "2026-11-28 12:01:02.123456",
        "2026-11-28 12:01:02.",
        "2026-11-28 24:00",
        "2026-11-28 12:60",
        "Sat 2026-11-28",
        "Sun 2026-11-28",
        "saturday 2026-11-28 10:00",
        "Sat, 2026-11-28",
        "today",
        "yesterday",
        "tomorrow",
        "today 10:00",
        "yesterday 10:00:01",
        "10:00",
        "10:00:59",
        "10",
        "@1700000000",
        "@1.5",
        "foo",
        "",
        "2026-11",
        "2026-11-28-1",
        "2026/11/28",
        "now now",
        "10:00 2026-11-28",
        "2026-11-28 10:00 10:00",
    ] {
        let theirs = analyze("timestamp", text, "Normalized form:");
        let ours = time::moment(text, now());
        assert_eq!(ours.map(time::date), theirs, "{text}");
    }
    for (text, sign) in [("-1h", -1), ("+1h", 1), ("1h ago", -1), ("2min left", 1), ("-1w 2d", -1)] {
        let span = analyze(
            "timespan",
            text.trim_matches(['-', '+']).trim_end_matches(" ago").trim_end_matches(" left"),
            "μs:",
        );
        let span: i64 = span.unwrap().parse().unwrap();
        assert_eq!(time::moment(text, 1 << 50), Some((1_i64 << 50).saturating_add(sign * span) as u64), "{text}");
    }
}

#[test]
fn spans_are_written_as_systemd_writes_them() {
    if !support::has("systemd-analyze", "systemd") {
        return;
    }
    let numbers =
        [1, 59, 60, 61, 999, 1000, 1500, 999_999, 59_999_999, 86_400_000_000, 2_629_800_000_000, 31_557_600_000_000];
    let sums = numbers.iter().flat_map(|one| numbers.iter().map(move |other| one + other));
    for microseconds in numbers.iter().copied().chain(sums).chain([0]) {
        let theirs = analyze("timespan", &format!("{microseconds}us"), "Human:");
        assert_eq!(Some(sd_activate::spec::span::duration(microseconds, 1)), theirs, "{microseconds}");
    }
}

#[test]
fn it_is_said_how_long_ago_something_was_as_systemd_says_it() {
    if !support::has("systemd-analyze", "systemd") {
        return;
    }
    // Half a unit more, for what passes meanwhile to make no difference.
    for seconds in [
        3,
        59,
        61,
        119,
        299,
        301,
        3599,
        3601,
        5 * 3600,
        6 * 3600,
        24 * 3600,
        25 * 3600,
        47 * 3600,
        48 * 3600,
        6 * 86400,
        7 * 86400,
        8 * 86400,
        15 * 86400,
        29 * 86400,
        2_629_800,
        45 * 86400,
        31_557_600,
        500 * 86400,
    ] {
        let microseconds = seconds * 1_000_000 + 300_000;
        let theirs = analyze("timestamp", &format!("-{microseconds}us"), "From now:");
        assert_eq!(Some(time::ago(0, microseconds)), theirs, "{seconds}");
    }
}
