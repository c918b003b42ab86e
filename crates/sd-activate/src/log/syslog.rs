//! syslog(3): a datagram to /dev/log is a message, such as `<13>Nov 28 09:00:00 name[123]: text`.
//!
//! The bytes are anybody's. They are read as systemd-journald(8) reads them, which takes whatever does not have this form for the
//! text.

use libc::{LOG_INFO, LOG_USER};

use super::entry::Fields;
use super::priority::Priority;

/// The fields of a message. None where it is empty.
pub fn parse(datagram: &[u8]) -> Option<Fields> {
    if datagram.is_empty() {
        return None;
    }
    let whole = until_nul(datagram);
    let message = trim_end(whole);
    let (priority, rest) = Priority::split(message).unwrap_or((Priority::from(LOG_USER | LOG_INFO), message));
    let (timestamp, rest) = split_timestamp(rest);
    let (identifier, text) = split_identifier(rest);

    let mut fields = Fields::default();
    priority.add_to(&mut fields);
    if let Some(Identifier { name, pid }) = identifier {
        fields.push("SYSLOG_IDENTIFIER", name);
        pid.into_iter().for_each(|pid| fields.push("SYSLOG_PID", pid));
    }
    timestamp.into_iter().for_each(|timestamp| fields.push("SYSLOG_TIMESTAMP", timestamp));
    fields.push("MESSAGE", text);
    // What cannot be put together again from the other fields.
    if timestamp.is_none() || message.len() != datagram.len() {
        fields.push("SYSLOG_RAW", datagram);
    }
    Some(fields)
}

fn until_nul(datagram: &[u8]) -> &[u8] {
    datagram.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Without the white space at its end.
pub(super) fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// `Mmm dd hh:mm:ss ` before the rest; whether there is such a day does not matter.
fn split_timestamp(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    const FORM: &[u8; 16] = b"aaa d0 00:00:00 ";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'a' => byte.is_ascii_alphabetic(),
        b'd' => byte.is_ascii_digit() || *byte == b' ',
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    match text.split_at_checked(FORM.len()) {
        Some((timestamp, rest)) if timestamp.iter().zip(FORM).all(fits) => (Some(timestamp), rest),
        _ => (None, text),
    }
}

/// Who sent it, by its own account.
struct Identifier<'a> {
    name: &'a [u8],
    pid: Option<&'a [u8]>,
}

/// `name: ` or `name[pid]: ` before the text. There is no blank in it.
fn split_identifier(text: &[u8]) -> (Option<Identifier<'_>>, &[u8]) {
    let start = text.iter().take_while(|byte| is_blank(**byte)).count();
    let word = text.get(start..).unwrap_or_default();
    let end = word.iter().position(|byte| is_blank(*byte)).unwrap_or(word.len());
    let (word, rest) = word.split_at(end);
    let [name @ .., b':'] = word else { return (None, text) };
    let text = rest.get(1..).unwrap_or_default();
    let bracket = name.iter().rposition(|byte| *byte == b'[');
    let identifier = match (name, bracket) {
        ([.., b']'], Some(bracket)) => {
            let (name, pid) = name.split_at(bracket);
            Identifier { name, pid: pid.get(1..pid.len() - 1) }
        }
        _ => Identifier { name, pid: None },
    };
    (Some(identifier), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields but SYSLOG_RAW, as `priority,facility identifier,pid timestamp|message`, and whether there is SYSLOG_RAW.
    fn shown(datagram: &[u8]) -> (String, bool) {
        let fields = parse(datagram).expect("a message");
        let value = |name: &str| {
            let (_, value) = fields.iter().find(|field| field.0 == name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let text = |name| value(name).unwrap_or_else(|| "-".into());
        let [priority, facility] = ["PRIORITY", "SYSLOG_FACILITY"].map(text);
        let [identifier, pid] = ["SYSLOG_IDENTIFIER", "SYSLOG_PID"].map(text);
        let [timestamp, message] = ["SYSLOG_TIMESTAMP", "MESSAGE"].map(text);
        let raw = value("SYSLOG_RAW").is_some();
        (format!("{priority},{facility} {identifier},{pid} {timestamp}|{message}"), raw)
    }

    #[test]
    fn messages_are_read_as_journald_reads_them() {
        let cases: &[(&[u8], &str, bool)] = &[
            (b"<13>Nov 28 09:00:00 prog[12]: classic", "5,1 prog,12 Nov 28 09:00:00 |classic", false),
            (b"<13>prog[12]: no date", "5,1 prog,12 -|no date", true),
            (b"<165>prog: facility 20", "5,20 prog,- -|facility 20", true),
            (b"no priority at all", "6,1 -,- -|no priority at all", true),
            (b"<13>no colon here", "5,1 -,- -|no colon here", true),
            (b"<13>a b: blank before colon", "5,1 -,- -|a b: blank before colon", true),
            (b"<13>Nov 28 09:00:00 host prog: with host", "5,1 -,- Nov 28 09:00:00 |host prog: with host", false),
            (b"<13>prog[x12]: odd", "5,1 prog,x12 -|odd", true),
            (b"<13>prog[12] : odd", "5,1 -,- -|prog[12] : odd", true),
            (b"<13>Nov  8 09:00:00 prog: end\n\n", "5,1 prog,- Nov  8 09:00:00 |end", true),
            (b"<13>prog: zero\0after\n", "5,1 prog,- -|zero", true),
            (b"<191>prog: max", "7,23 prog,- -|max", true),
            (b"<192>prog: beyond", "0,24 prog,- -|beyond", true),
            (b"<1999>prog: beyond", "6,1 <1999>prog,- -|beyond", true),
            (b"<>prog: empty", "6,1 <>prog,- -|empty", true),
            (b"< 13>p: x", "6,1 -,- -|< 13>p: x", true),
            (b"<013>p: x", "5,1 p,- -|x", true),
            (b"<13>", "5,1 -,- -|", true),
            (b"<13>  leading blanks: x", "5,1 -,- -|  leading blanks: x", true),
            (b"<13> p: x", "5,1 p,- -|x", true),
            (b"<13>prog:nospace", "5,1 -,- -|prog:nospace", true),
            (b"<13>prog:  two", "5,1 prog,- -| two", true),
            (b"<13>prog:\nx", "5,1 prog,- -|x", true),
            (b"<13>prog: ", "5,1 prog,- -|", true),
            (b"<3>\tprog: tab", "3,- prog,- -|tab", true),
            (b"<13>prog[]: x", "5,1 prog, -|x", true),
            (b"<13>prog[12: x", "5,1 prog[12,- -|x", true),
            (b"<13>[12]: x", "5,1 ,12 -|x", true),
            (b"<13>: x", "5,1 ,- -|x", true),
            (b"<13>prog]: x", "5,1 prog],- -|x", true),
            (b"<13>prog[1]2]: x", "5,1 prog,1]2 -|x", true),
            (b"<13>prog[1][2]: x", "5,1 prog[1],2 -|x", true),
            (b"<13>Nov 28 09:00:00 ", "5,1 -,- -|Nov 28 09:00:00", true),
            (b"<13>Foo 31 24:00:60 p: x", "5,1 p,- Foo 31 24:00:60 |x", false),
            (b"<13>Feb 28 9:00:00 p: x", "5,1 -,- -|Feb 28 9:00:00 p: x", true),
            (b"\0", "6,1 -,- -|", true),
            (b" ", "6,1 -,- -|", true),
            (b"p: two\nlines", "6,1 p,- -|two\nlines", true),
        ];
        for (datagram, expected, raw) in cases {
            assert_eq!(shown(datagram), (expected.to_string(), *raw), "{:?}", String::from_utf8_lossy(datagram));
        }
        assert_eq!(parse(b""), None);
    }
}
