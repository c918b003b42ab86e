//! The control socket: what a client sends is cut into the same calls in whatever pieces it comes; what was understood is read as
//! it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::control::call::{Call, Reply};
use sd_activate::control::frame::{Frames, TooLong};
use sd_activate::control::log::Reading;
use sd_activate::control::log::{from_json, to_json};
use sd_activate::control::request::{Parameters, Request};
use serde_json::Value;

/// Short, for the fuzzer to get there.
const LENGTH_MAX: usize = 200;

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    let whole = messages(bytes, bytes.len().max(1));
    assert_eq!(messages(bytes, usize::from(*piece).max(1)), whole);
    for message in &whole.0 {
        assert!(message.len() <= LENGTH_MAX && !message.contains(&0));
        as_call(message);
        as_reply(message);
    }
});

/// The messages that come in pieces of this length, and whether one was too long.
fn messages(bytes: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<TooLong>) {
    let mut frames = Frames::new(LENGTH_MAX);
    let mut messages = Vec::new();
    for bytes in bytes.chunks(piece) {
        frames.push(bytes);
        loop {
            match frames.take() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fn as_call(message: &[u8]) {
    let Some(call) = Call::parse(message) else { return };
    if call.parameters.values().all(is_exact) {
        assert_eq!(Call::parse(without_end(&call.message())).as_ref(), Some(&call));
    }
    match Request::of(&call) {
        Ok(Request::Log(reading)) => {
            let parameters = reading.parameters();
            assert_eq!(Reading::parse(&Parameters::new(&parameters)), Ok(reading));
        }
        Ok(_) => (),
        Err(failure) => assert!(failure.error.starts_with("org.varlink.service.")),
    }
}

fn as_reply(message: &[u8]) {
    let Some(reply) = Reply::parse(message) else { return };
    if let Reply::Returns(told) | Reply::Continues(told) = &reply {
        if let Some(entry) = from_json(&told["entry"]) {
            assert_eq!(from_json(&to_json(&entry)), Some(entry));
        }
        if is_exact(told) {
            assert_eq!(Reply::parse(without_end(&reply.message())).as_ref(), Some(&reply));
        }
    }
}

fn without_end(message: &[u8]) -> &[u8] {
    message.strip_suffix(b"\0").expect("a message ends in a zero byte")
}

/// Whether it holds no number with a fraction: its last digit may be lost.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(values) => values.values().all(is_exact),
        _ => true,
    }
}
