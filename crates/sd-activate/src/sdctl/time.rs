//! Times as systemd.time(7) writes and reads them. All are in microseconds, moments since 1970.

use std::mem::MaybeUninit;

use crate::log::entry::Timestamp;
use crate::log::output::local_time;
use crate::spec::span::{DAY, HOUR, MINUTE, MONTH, WEEK, YEAR};
use crate::unit::time::{SECOND, span};

/// The date and time, as `systemctl status` writes it: `Sat 2026-11-28 11:58:25 UTC`.
pub fn date(moment: u64) -> String {
    local_time(Timestamp { realtime: moment, monotonic: 0 }, "%a %Y-%m-%d %H:%M:%S %Z")
}

/// How long ago it was: `2min 3s ago`.
pub fn ago(moment: u64, now: u64) -> String {
    let (time, word) = if moment > now { (moment - now, "left") } else { (now - moment, "ago") };
    let two = |large: u64, large_name: &str, small: u64, small_name: &str| {
        let (larges, smalls) = (time / large, time % large / small);
        let s = |number| if number == 1 { "" } else { "s" };
        format!("{larges} {large_name}{} {smalls} {small_name}{} {word}", s(larges), s(smalls))
    };
    match time {
        YEAR.. => two(YEAR, "year", MONTH, "month"),
        MONTH.. => two(MONTH, "month", DAY, "day"),
        WEEK.. => two(WEEK, "week", DAY, "day"),
        _ if time >= 2 * DAY => format!("{} days {word}", time / DAY),
        _ if time >= 25 * HOUR => format!("1 day {}h {word}", (time - DAY) / HOUR),
        _ if time >= 6 * HOUR => format!("{}h {word}", time / HOUR),
        HOUR.. => format!("{}h {}min {word}", time / HOUR, time % HOUR / MINUTE),
        _ if time >= 5 * MINUTE => format!("{}min {word}", time / MINUTE),
        MINUTE.. => format!("{}min {}s {word}", time / MINUTE, time % MINUTE / SECOND),
        SECOND.. => format!("{}s {word}", time / SECOND),
        1000.. => format!("{}ms {word}", time / 1000),
        1.. => format!("{time}us {word}"),
        0 => "now".to_owned(),
    }
}

/// Reads a moment, as "Parsing Timestamps" in systemd.time(7) has it. None where it is none.
pub fn moment(text: &str, now: u64) -> Option<u64> {
    let text = text.trim();
    let is = |prefix| text.strip_prefix(prefix);
    let length = |text: &str| Some(u64::try_from(span(text, SECOND).ok()??.as_micros()).unwrap_or(u64::MAX));
    if text == "now" {
        return Some(now);
    }
    if let Some(seconds) = is("@") {
        return length(seconds);
    }
    if let Some(later) = is("+") {
        return Some(now.saturating_add(length(later)?));
    }
    if let Some(earlier) = is("-").or_else(|| text.strip_suffix(" ago")) {
        return Some(now.saturating_sub(length(earlier)?));
    }
    if let Some(left) = text.strip_suffix(" left") {
        return Some(now.saturating_add(length(left)?));
    }
    let (text, utc) = text.strip_suffix(" UTC").map_or((text, false), |text| (text, true));
    let mut day = broken_down(now, utc)?;
    (day.tm_hour, day.tm_min, day.tm_sec, day.tm_isdst) = (0, 0, 0, -1);
    if let Some(days) = ["yesterday", "today", "tomorrow"].iter().position(|name| *name == text) {
        day.tm_mday += i32::try_from(days).ok()? - 1;
        return Some(seconds(&mut day, utc)? * SECOND);
    }
    let (weekday, text) = weekday(text);
    let mut fraction = 0;
    let mut has_time = false;
    for (number, part) in text.split(' ').filter(|part| !part.is_empty()).enumerate() {
        if part.contains(':') && !has_time {
            fraction = time_of_day(part, &mut day)?;
            has_time = true;
        } else if number == 0 {
            calendar_day(part, &mut day)?;
        } else {
            return None;
        }
    }
    let seconds = seconds(&mut day, utc)?;
    if text.is_empty() || weekday.is_some_and(|it| it != day.tm_wday) {
        return None;
    }
    Some(seconds * SECOND + fraction)
}

/// The number of the day of the week that the text begins with, and what follows it.
fn weekday(text: &str) -> (Option<i32>, &str) {
    const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let Some((first, rest)) = text.split_once(' ') else { return (None, text) };
    let is_it = |day: &&str| first.eq_ignore_ascii_case(day) || first.eq_ignore_ascii_case(&day[..3]);
    match DAYS.iter().position(is_it) {
        Some(number) => (i32::try_from(number).ok(), rest.trim_start()),
        None => (None, text),
    }
}

/// `HH:MM`, `HH:MM:SS` or with a fraction of a second, which is returned in microseconds.
fn time_of_day(text: &str, day: &mut libc::tm) -> Option<u64> {
    let (text, fraction) = match text.split_once('.') {
        Some((text, digits)) if !digits.is_empty() && digits.len() <= 6 => {
            (text, format!("{digits:0<6}").parse().ok()?)
        }
        Some(_) => return None,
        None => (text, 0),
    };
    let mut parts = text.split(':').map(|part| small_number(part, 2));
    day.tm_hour = parts.next()?.filter(|hour| *hour < 24)?;
    day.tm_min = parts.next()?.filter(|minute| *minute < 60)?;
    day.tm_sec = parts.next().unwrap_or(Some(0)).filter(|second| *second < 60)?;
    parts.next().is_none().then_some(fraction)
}

/// `YYYY-MM-DD` or `YY-MM-DD`.
fn calendar_day(text: &str, day: &mut libc::tm) -> Option<()> {
    let mut parts = text.split('-');
    let (year, month, mday) = (parts.next()?, parts.next()?, parts.next()?);
    let number = small_number(year, 4)?;
    day.tm_year = match year.len() {
        4 => number - 1900,
        // strptime(3).
        2 => {
            if number < 69 {
                number + 100
            } else {
                number
            }
        }
        _ => return None,
    };
    day.tm_mon = small_number(month, 2)? - 1;
    day.tm_mday = small_number(mday, 2)?;
    ((0..12).contains(&day.tm_mon) && parts.next().is_none()).then_some(())
}

fn small_number(text: &str, length: usize) -> Option<i32> {
    let valid = (1..=length).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

/// The parts of a moment.
fn broken_down(moment: u64, utc: bool) -> Option<libc::tm> {
    let seconds = libc::time_t::try_from(moment / SECOND).ok()?;
    let mut fields = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: the pointers are to a number and to room for the fields, which are all numbers or a pointer that may be NULL.
    unsafe {
        if utc {
            libc::gmtime_r(&raw const seconds, fields.as_mut_ptr())
        } else {
            libc::localtime_r(&raw const seconds, fields.as_mut_ptr())
        };
        Some(fields.assume_init())
    }
}

/// The moment of parts, in seconds; they are made those of a day that exists.
fn seconds(fields: &mut libc::tm, utc: bool) -> Option<u64> {
    // SAFETY: reads and writes the fields.
    let seconds = unsafe { if utc { libc::timegm(fields) } else { libc::mktime(fields) } };
    u64::try_from(seconds).ok()
}
