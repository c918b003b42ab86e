//! Numbers in variables: the parser and a second statement of the rule agree, on the value and on the error.
#![no_main]

mod input;
mod stated;

use libfuzzer_sys::fuzz_target;
use sdlite_core::{Errno, number};

fuzz_target!(|data: &[u8]| {
    let text = input::c_string(data);
    let bytes = text.to_bytes();
    assert_eq!(number::u64(&text).map_err(Errno::number), stated::unsigned(bytes, 0), "u64 {text:?}");
    assert_eq!(number::int(&text).map_err(Errno::number), stated::int(bytes), "int {text:?}");
    assert_eq!(number::pid(&text).map_err(Errno::number), stated::pid(bytes), "pid {text:?}");
    for end in [0, b':'] {
        assert_eq!(number::u32(&text, end).map_err(Errno::number), stated::unsigned32(bytes, end), "u32 {text:?}");
    }
});
