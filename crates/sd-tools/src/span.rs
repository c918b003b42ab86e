//! Time spans, as "Parsing Time Spans" in systemd.time(7) describes them.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// A second: what a number without a unit mostly means.
pub const SECOND: u64 = 1_000_000;
/// A minute.
pub const MINUTE: u64 = 60 * SECOND;
/// A hour.
pub const HOUR: u64 = 60 * MINUTE;
/// A day.
pub const DAY: u64 = 24 * HOUR;
/// A week.
pub const WEEK: u64 = 7 * DAY;
/// A month: a twelfth of a year.
pub const MONTH: u64 = 2_629_800 * SECOND;
/// A year of 365.25 days.
pub const YEAR: u64 = 31_557_600 * SECOND;

/// The names of units of time, and their microseconds.
const UNITS: [(&str, u64); 30] = [
    ("us", 1),
    ("usec", 1),
    ("µs", 1),
    ("μs", 1),
    ("ms", 1_000),
    ("msec", 1_000),
    ("s", SECOND),
    ("sec", SECOND),
    ("second", SECOND),
    ("seconds", SECOND),
    ("m", MINUTE),
    ("min", MINUTE),
    ("minute", MINUTE),
    ("minutes", MINUTE),
    ("h", HOUR),
    ("hr", HOUR),
    ("hour", HOUR),
    ("hours", HOUR),
    ("d", DAY),
    ("day", DAY),
    ("days", DAY),
    ("w", WEEK),
    ("week", WEEK),
    ("weeks", WEEK),
    ("M", MONTH),
    ("month", MONTH),
    ("months", MONTH),
    ("y", YEAR),
    ("year", YEAR),
    ("years", YEAR),
];

/// What is no time span: why, and what to write instead.
#[derive(Debug, PartialEq)]
pub struct NoSpan(String);

impl Display for NoSpan {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A time span; `None` is "infinity". Where a number has no unit, it counts so many microseconds.
///
/// # Errors
///
/// Where it is none, or longer than systemd takes.
pub fn span(text: &str, default_unit: u64) -> Result<Option<Duration>, NoSpan> {
    let invalid = || NoSpan(format!("\"{text}\" is no time span: give one such as 90, 500ms or \"1min 30s\""));
    let too_long = || NoSpan(format!("\"{text}\" is out of range: give infinity for what has no end"));

    let mut rest = text.trim_matches(is_blank);
    if rest == "infinity" {
        return Ok(None);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, fraction, following) = number(rest).ok_or_else(invalid)?;
        let named = unit(following.trim_start_matches(is_blank));
        // Without a unit, a number stands by itself.
        if named.is_none() && !following.is_empty() && !following.starts_with(is_blank) {
            return Err(invalid());
        }
        let (unit, following) = named.unwrap_or((default_unit, following));
        rest = following.trim_start_matches(is_blank);

        // Signed, and so that the whole is below what stands for infinity: these limits are systemd's.
        let number: i64 = if number.is_empty() { 0 } else { number.parse().map_err(|_| too_long())? };
        let whole = u64::try_from(number).ok().filter(|number| *number < u64::MAX / unit).map(|number| number * unit);
        let mut place = unit;
        let parts: u64 = fraction
            .bytes()
            .map(|digit| {
                place /= 10;
                u64::from(digit - b'0') * place
            })
            .sum();
        let sum = whole.and_then(|whole| whole.checked_add(parts)?.checked_add(total));
        total = sum.filter(|sum| *sum != u64::MAX).ok_or_else(too_long)?;
    }
    Ok(Some(Duration::from_micros(total)))
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// The digits before a point and those behind it, and what follows them; `None` where there are none.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let (signed, text) = text.strip_prefix('+').map_or((false, text), |text| (true, text));
    let (whole, rest) = digits(text);
    match rest.strip_prefix('.').map(digits) {
        Some(("", _)) => None,
        Some(_) if signed && whole.is_empty() => None,
        Some((fraction, rest)) => Some((whole, fraction, rest)),
        None => (!whole.is_empty()).then_some((whole, "", rest)),
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

/// The longest unit that the text starts with, and what follows it.
fn unit(text: &str) -> Option<(u64, &str)> {
    let named = UNITS.iter().filter(|(name, _)| text.starts_with(name)).max_by_key(|(name, _)| name.len());
    named.map(|(name, unit)| (*unit, &text[name.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_read_as_systemd_analyze_reads_them() {
        let cases = [
            ("5", Some(5_000_000)),
            ("5 20", Some(25_000_000)),
            ("+5", Some(5_000_000)),
            ("010", Some(10_000_000)),
            ("5m", Some(300_000_000)),
            ("5M", Some(13_149_000_000_000)),
            ("1.5", Some(1_500_000)),
            (".5", Some(500_000)),
            ("1.9999999s", Some(1_999_999)),
            ("0.0000001s", Some(0)),
            ("5us", Some(5)),
            ("5µs", Some(5)),
            ("5  ms", Some(5_000)),
            ("5min5", Some(305_000_000)),
            ("5m5m", Some(600_000_000)),
            ("5msec5usec", Some(5_005)),
            ("1 d 2", Some(86_402_000_000)),
            ("1w1d1h1hr1hour1min1m1sec", Some(702_121_000_000)),
            ("1y", Some(31_557_600_000_000)),
            ("584541y", Some(18_446_711_061_600_000_000)),
            ("584542y", None),
            ("9223372036854775807us 9223372036854775807us", Some(u64::MAX - 1)),
            ("9223372036854775807us 9223372036854775807us 1us", None),
            ("18446744073709551615us", None),
            ("", None),
            (" ", None),
            ("5.", None),
            ("-1", None),
            ("1ns", None),
            ("1e3", None),
            ("0x10", None),
            ("5S", None),
            ("5mins", None),
            ("5m s", None),
            ("s", None),
            ("1.1.1s", None),
            ("1 .5", Some(1_500_000)),
            ("5s.5s", Some(5_500_000)),
            ("5 +5", Some(10_000_000)),
            ("5+5", None),
            (".5.5", None),
            ("+.5", None),
            ("+ 5", None),
            ("infinity 1", None),
            ("1 infinity", None),
        ];
        for (text, microseconds) in cases {
            let expected = microseconds.map(Duration::from_micros);
            assert_eq!(span(text, SECOND).ok().flatten(), expected, "{text}");
        }
        assert_eq!(span(" infinity ", SECOND), Ok(None));
        assert_eq!(span("3", 1), Ok(Some(Duration::from_micros(3))));
    }
}
