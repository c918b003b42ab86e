//! Time spans: two beside each other add up, in microseconds they are the same, and blanks around them do not count.
//!
//! The input: two time spans, a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::unit::time::{SECOND, span};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    assert_eq!(span(&format!(" {one}\t"), SECOND).ok(), span(one, SECOND).ok());
    let Ok(first) = span(one, SECOND) else { return };
    let Some(first) = first else {
        assert_eq!(one.trim_matches([' ', '\t', '\n', '\r']), "infinity");
        return;
    };
    let microseconds = u64::try_from(first.as_micros()).expect("64 bits");
    assert_ne!(microseconds, u64::MAX, "that is infinity");
    if i64::try_from(microseconds).is_ok() {
        assert_eq!(span(&format!("{microseconds}us"), SECOND), Ok(Some(first)));
    }
    // A number without a unit would take the next one's.
    let unitless = one.trim_end().ends_with(|last: char| last.is_ascii_digit());
    if let (Ok(Some(second)), false) = (span(other, SECOND), unitless) {
        let sum = first.checked_add(second).filter(|sum| sum.as_micros() < u128::from(u64::MAX));
        assert_eq!(span(&format!("{one} {other}"), SECOND).ok().flatten(), sum, "{one:?} and {other:?}");
    }
});
