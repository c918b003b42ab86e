//! The text of a notification: sd_notify(3). It is anybody's.

use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::engine::{Notification, Told, Watchdog};
use crate::error::reason;
use crate::spec::{NotifyAccess, Timeout};
use crate::unit::value::descriptor_name;

/// The largest error number that there is: MAX_ERRNO of the kernel.
const ERRNO_MAX: i32 = 4095;
/// A longer BUSERROR= is none.
const NAME_MAX: usize = 255;

/// What a notification says, of what is understood. Of a variable that is there twice, the first one counts.
pub fn parse(state: &[u8]) -> Notification {
    let mut notification = Notification::default();
    let lines = || state.split(|byte| *byte == b'\n');
    let first = |name: &str| lines().find_map(|line| line.strip_prefix(name.as_bytes()));
    let is = |line: &str| lines().any(|it| it == line.as_bytes());
    notification.barrier = is("BARRIER=1");
    notification.told = lines().filter_map(told).next_back();
    notification.since = first("MONOTONIC_USEC=").and_then(number);
    notification.errno = first("ERRNO=").and_then(|value| read_errno(value, &mut notification.complaints));
    notification.main = first("MAINPID=").and_then(|value| read_pid(value, &mut notification.complaints));
    notification.main_pidfd_id = first("MAINPIDFDID=").and_then(number);
    notification.status = first("STATUS=").map(|value| read_status(value, &mut notification.complaints));
    notification.bus_error = first("BUSERROR=").and_then(read_bus_error);
    notification.watchdog = match () {
        () if is("WATCHDOG=trigger") => Some(Watchdog::Trigger),
        () if is("WATCHDOG=1") => Some(Watchdog::Alive),
        () => None,
    };
    let mut time = |name: &str| {
        let value = first(name)?;
        let time = number(value);
        if time.is_none() {
            notification.complaints.push(format!("Failed to parse {name}{}", String::from_utf8_lossy(value)));
        }
        time
    };
    notification.extension = time("EXTEND_TIMEOUT_USEC=").map(Duration::from_micros);
    notification.watchdog_interval = time("WATCHDOG_USEC=").map(interval);
    notification.access = first("NOTIFYACCESS=").and_then(access);
    (notification.store, notification.remove) = (is("FDSTORE=1"), is("FDSTOREREMOVE=1"));
    notification.unpolled = is("FDPOLL=0");
    if notification.store || notification.remove {
        notification.name = first("FDNAME=").and_then(|value| read_name(value, &mut notification.complaints));
    }
    notification
}

fn told(line: &[u8]) -> Option<Told> {
    match line {
        b"READY=1" => Some(Told::Ready),
        b"RELOADING=1" => Some(Told::Reloading),
        b"STOPPING=1" => Some(Told::Stopping),
        _ => None,
    }
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn interval(microseconds: u64) -> Timeout {
    Some(Duration::from_micros(microseconds)).filter(|_| ![0, u64::MAX].contains(&microseconds))
}

fn read_errno(value: &[u8], complaints: &mut Vec<String>) -> Option<i32> {
    let text = String::from_utf8_lossy(value);
    let error = match text.parse::<i64>() {
        Ok(number) => match i32::try_from(number).ok().filter(|number| (0..=ERRNO_MAX).contains(number)) {
            Some(number) => return Some(number),
            None => Errno::ERANGE,
        },
        Err(_) => Errno::EINVAL,
    };
    let reason = reason(error);
    complaints.push(format!("Failed to parse ERRNO= field value '{text}' in notification message: {reason}"));
    None
}

fn read_pid(value: &[u8], complaints: &mut Vec<String>) -> Option<Pid> {
    let text = String::from_utf8_lossy(value);
    let pid = text.parse().ok().filter(|pid| *pid > 0).map(Pid::from_raw);
    if pid.is_none() {
        complaints.push(format!("Failed to parse MAINPID= field in notification message, ignoring: {text}"));
    }
    pid
}

fn read_status(value: &[u8], complaints: &mut Vec<String>) -> Option<String> {
    let Ok(text) = std::str::from_utf8(value) else {
        complaints.push("Status message in notification message is not UTF-8 clean, ignoring.".to_owned());
        return None;
    };
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The name of an error, as D-Bus has them: words with dots between them. An empty one takes the last one back.
fn read_bus_error(value: &[u8]) -> Option<Option<String>> {
    let text = std::str::from_utf8(value).ok()?;
    let is_word = |word: &str| {
        !word.starts_with(|first: char| first.is_ascii_digit())
            && !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_name = text.contains('.') && text.len() <= NAME_MAX && text.split('.').all(is_word);
    (text.is_empty() || is_name).then(|| Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn access(value: &[u8]) -> Option<NotifyAccess> {
    NotifyAccess::WORDS.iter().find(|(word, _)| word.as_bytes() == value).map(|(_, access)| *access)
}

fn read_name(value: &[u8], complaints: &mut Vec<String>) -> Option<String> {
    let name = std::str::from_utf8(value).ok().and_then(|text| descriptor_name(text).ok());
    if name.is_none() {
        complaints.push("Passed FDNAME= name is invalid, ignoring.".to_owned());
    }
    name
}
