//! Datagrams to /dev/log: the fields, put together again, are the datagram, unless it is there as a whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::log::syslog::parse;

fuzz_target!(|data: &[u8]| {
    let Some(fields) = parse(data) else {
        assert!(data.is_empty());
        return;
    };
    let value = |name: &str| {
        let mut values = fields.values(name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice");
        value
    };
    let level = value("PRIORITY").expect("a priority");
    assert!(matches!(level, [b'0'..=b'7']));
    let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse::<u16>().ok());
    let facility = value("SYSLOG_FACILITY").map_or(0, |facility| number(facility).expect("a number"));
    let message = value("MESSAGE").expect("a message");
    assert!(!message.contains(&0));
    if let Some(raw) = value("SYSLOG_RAW") {
        assert_eq!(raw, data);
        // What was not left out of the message's end stands before it.
        let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
        assert!(text.windows(message.len().max(1)).any(|part| part == message) || message.is_empty());
        return;
    }

    // A message without a priority has that of syslog(3).
    let usual = (facility, level) == (1, b"6");
    let rest = match split_priority(data) {
        Some((priority, rest)) => {
            assert_eq!(priority, facility << 3 | u16::from(level[0] - b'0'));
            rest
        }
        None => {
            assert!(usual, "{facility} {level:?}");
            data
        }
    };
    let rest = rest.strip_prefix(value("SYSLOG_TIMESTAMP").expect("a date")).expect("it comes first");
    let Some(identifier) = value("SYSLOG_IDENTIFIER") else {
        assert_eq!(rest, message);
        return;
    };
    let pid = value("SYSLOG_PID").map_or(Vec::new(), |pid| [b"[", pid, b"]"].concat());
    let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
    let written = [identifier, &pid, b":"].concat();
    let rest = rest[blanks..].strip_prefix(&written[..]).expect("who it is");
    match rest {
        [blank, text @ ..] => assert!(is_blank(*blank) && text == message),
        [] => assert_eq!(message, b""),
    }
});

fn is_blank(byte: u8) -> bool {
    b" \t\n\r".contains(&byte)
}

/// `<N>`, with up to three digits.
fn split_priority(data: &[u8]) -> Option<(u16, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'>')?;
    let [b'<', digits @ ..] = &data[..end] else { return None };
    let is_number = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    is_number.then(|| (number, &data[end + 1..]))
}
