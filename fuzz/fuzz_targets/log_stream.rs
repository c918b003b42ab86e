//! Connections to /run/systemd/journal/stdout: what is read does not depend on the pieces in which it comes; and its lines are those
//! that a second reading finds.
//!
//! The input: a byte that the pieces' lengths depend on, and what is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::log::entry::Fields;
use sd_activate::log::stream::{Malformed, Stream};

fuzz_target!(|data: &[u8]| {
    let [seed, data @ ..] = data else { return };
    let whole = lines([data].into_iter());
    // From one byte to as many as there are.
    let mut length = usize::from(*seed) % 7 + 1;
    let mut rest = data;
    let pieces = std::iter::from_fn(|| {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        (rest, length) = (after, length * 3 % 61 + 1);
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(lines(pieces), whole);
    if let Ok(lines) = whole {
        let messages: Vec<_> = lines.iter().map(|line| line.values("MESSAGE").next().expect("a message")).collect();
        assert_eq!(messages, second_reading(data));
    }
});

fn lines<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Fields>, Malformed> {
    let mut stream = Stream::new();
    let mut lines = Vec::new();
    for piece in pieces {
        stream.push(piece, |fields| lines.push(fields))?;
    }
    stream.end(|fields| lines.push(fields));
    Ok(lines)
}

/// The messages; the input is too short for a line that is cut.
fn second_reading(data: &[u8]) -> Vec<&[u8]> {
    let mut header = data.splitn(8, |byte| *byte == b'\n');
    let level_prefix = header.nth(3).unwrap_or_default().trim_ascii();
    let level_prefix =
        ["1", "yes", "y", "true", "t", "on"].iter().any(|yes| level_prefix.eq_ignore_ascii_case(yes.as_bytes()));
    let mut messages = Vec::new();
    for line in header.nth(3).unwrap_or_default().split(|byte| matches!(byte, b'\n' | 0)) {
        let end = line.iter().rposition(|byte| !b" \t\n\r".contains(byte)).map_or(line.len(), |last| last + 1);
        let text = &line[..end];
        let message = match text {
            [b'<', b'0'..=b'7', b'>', message @ ..] if level_prefix => message,
            _ => text,
        };
        if !message.is_empty() {
            messages.push(message);
        }
    }
    messages
}
