//! Datagrams to `$NOTIFY_SOCKET`: what is understood of them is what a second reading finds, as a text where it is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::world::parse_notification;

fuzz_target!(|data: &[u8]| {
    let notification = parse_notification(data);
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    assert_eq!(notification.ready, lines.contains(&b"READY=1".as_slice()));
    // The last one counts, and where that is no text, none does.
    let status = lines.iter().rev().find_map(|line| line.strip_prefix(b"STATUS="));
    assert_eq!(
        notification.status.as_deref().map(str::as_bytes),
        status.filter(|status| std::str::from_utf8(status).is_ok())
    );
});
