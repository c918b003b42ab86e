//! Random time spans, beside `systemd-analyze timespan`.

use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sd_activate::unit::time;

use crate::oracle;

const SCRAPS: &[&str] = &[
    "1",
    "0",
    "5",
    "12",
    ".5",
    "1.5",
    "0.000001",
    "999999999",
    "18446744073709551615",
    "us",
    "usec",
    "µs",
    "μs",
    "ms",
    "msec",
    "s",
    "sec",
    "second",
    "seconds",
    "m",
    "min",
    "minutes",
    "h",
    "hr",
    "hours",
    "d",
    "days",
    "w",
    "weeks",
    "M",
    "months",
    "y",
    "years",
    " ",
    "  ",
    "\t",
    "+",
    "-",
    ".",
    "infinity",
    "x",
];

#[test]
fn time_spans_are_read_as_systemd_reads_them() {
    if !oracle::is_here() {
        return;
    }
    let text = prop::collection::vec(select(SCRAPS), 1..6).prop_map(|scraps| scraps.concat());
    let mut runner = TestRunner::deterministic();
    let spans: Vec<String> = (0..1000).map(|_| text.new_tree(&mut runner).unwrap().current()).collect();
    let (good, bad): (Vec<_>, Vec<_>) = spans.into_iter().partition(|span| time::span(span, time::SECOND).is_ok());

    // It stops at the first that it does not understand.
    let (status, output) = analyze(&good);
    assert!(status, "{output}");
    let read: Vec<&str> = output.lines().filter_map(|line| line.trim().strip_prefix("μs: ")).collect();
    assert_eq!(read.len(), good.len());
    for (span, read) in good.iter().zip(read) {
        let own = time::span(span, time::SECOND).unwrap();
        let own = own.map_or(u64::MAX, |span| u64::try_from(span.as_micros()).unwrap());
        assert_eq!(own.to_string(), read, "{span:?}");
    }
    for span in bad.iter().take(100) {
        let (status, output) = analyze(std::slice::from_ref(span));
        assert!(!status, "{span:?}: {output}");
    }
}

fn analyze(spans: &[String]) -> (bool, String) {
    let mut command = Command::new("systemd-analyze");
    let output = command.args(["timespan", "--"]).args(spans).output().expect("systemd-analyze (Debian: systemd)");
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}
