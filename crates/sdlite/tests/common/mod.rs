//! Tests in a process of their own, for which the environment, or /run, is theirs.

use std::process::Command;

// For what it does before main: without variables of whoever runs the tests.
use sdlite_test_support as _;

/// Adds this program and one test of it to a command, and runs that.
pub fn run_test(mut command: Command, test: &str) {
    let this = std::env::current_exe().expect("this program has a path");
    command.arg(this).args(["--exact", test, "--ignored", "--nocapture"]);
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
