//! Datagrams to `$NOTIFY_SOCKET`: what is understood of them is what a second reading finds, as a text where it is one, and within
//! its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::engine::{Told, Watchdog};
use sd_activate::world::parse_notification;

fuzz_target!(|data: &[u8]| {
    let notification = parse_notification(data);
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let has = |line: &str| lines.contains(&line.as_bytes());
    let first = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name.as_bytes()));
    let text = |value: Option<&'_ [u8]>| value.and_then(|value| String::from_utf8(value.to_vec()).ok());

    let last = lines.iter().rev().find_map(|line| match *line {
        b"READY=1" => Some(Told::Ready),
        b"RELOADING=1" => Some(Told::Reloading),
        b"STOPPING=1" => Some(Told::Stopping),
        _ => None,
    });
    assert_eq!(notification.told, last);
    let status = text(first("STATUS=")).filter(|status| !status.is_empty());
    assert_eq!(notification.status, first("STATUS=").map(|_| status));
    let number = |name| text(first(name)).and_then(|value| value.trim().parse::<u64>().ok());
    assert_eq!(notification.since, number("MONOTONIC_USEC="));
    assert_eq!(notification.extension.map(|time| time.as_micros()), number("EXTEND_TIMEOUT_USEC=").map(u128::from));
    assert_eq!(notification.watchdog_interval.is_some(), number("WATCHDOG_USEC=").is_some());
    assert_eq!(notification.watchdog == Some(Watchdog::Trigger), has("WATCHDOG=trigger"));
    assert_eq!(
        notification.errno.is_some(),
        text(first("ERRNO="))
            .is_some_and(|value| { value.parse::<i64>().is_ok_and(|number| (0..=4095).contains(&number)) })
    );
    assert!(notification.main.is_none_or(|pid| pid.as_raw() > 0));
    assert_eq!((notification.store, notification.remove), (has("FDSTORE=1"), has("FDSTOREREMOVE=1")));
    assert_eq!((notification.barrier, notification.unpolled), (has("BARRIER=1"), has("FDPOLL=0")));
    if let Some(name) = &notification.name {
        assert!(name.len() <= 255 && name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b':'));
    }
    assert!(notification.complaints.len() <= 6 && notification.complaints.iter().all(|it| !it.contains('\n')));
});
