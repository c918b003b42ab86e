//! Where it is.

use std::io::{IsTerminal, Write};

/// Says that it begins with a part, where somebody is looking.
pub fn progress(what: &str, part: usize, parts: usize) {
    let mut stderr = std::io::stderr();
    let end = if part + 1 == parts { "\n" } else { "" };
    let result = if stderr.is_terminal() {
        write!(stderr, "\r{what}: {} of {parts}{end}", part + 1)
    } else if part == 0 {
        writeln!(stderr, "{what}: {parts} rounds")
    } else {
        return;
    };
    result.expect("stderr");
}
