//! Entries as journalctl(1) prints them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{self, Write};
use std::mem::MaybeUninit;

use serde_json::Value;

use super::entry::{Entry, Timestamp};

/// What `-o` of journalctl(1) names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line as syslog files have it; more for a message with newlines.
    #[default]
    Short,
    /// The same with a date of ISO 8601.
    ShortIso,
    /// The message alone.
    Cat,
    /// An object of JSON on a line.
    Json,
    /// Each line with its priority as `<N>` before it, as sd-daemon(3) says, and who it is from: for whatever reads that from a
    /// stream, as a journald does.
    Prefix,
}

/// What a line shows: the message, and before it who has sent it.
const SHOWN: [&str; 6] = ["MESSAGE", "_HOSTNAME", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID"];

/// A longer identifier is not printed, and a longer field is null in JSON.
const IDENTIFIER_MAX: usize = 300;
const JSON_MAX: usize = 4096;

impl Format {
    /// The names that `-o` takes, and `--log-format=`.
    pub const NAMES: [(&str, Self); 5] = [
        ("short", Self::Short),
        ("short-iso", Self::ShortIso),
        ("cat", Self::Cat),
        ("json", Self::Json),
        ("prefix", Self::Prefix),
    ];

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|known| known.0 == name).map(|known| known.1)
    }

    /// Writes the entry, with a newline behind it. Without a message there is nothing to write but in JSON.
    pub fn write(self, entry: &Entry, to: &mut impl Write) -> io::Result<()> {
        Printer::new(self).write(entry, to)
    }
}

/// Writes many entries in the same format.
pub struct Printer {
    format: Format,
    colours: bool,
    /// The date that was written last, and what time it is of.
    date: String,
    second: Option<u64>,
    /// What the line that was written last begins with: its memory is used again.
    start: String,
}

impl Printer {
    /// One for this format.
    pub fn new(format: Format) -> Self {
        Self { format, colours: false, date: String::new(), second: None, start: String::new() }
    }

    /// Has messages that are more or less important than most be coloured.
    pub fn with_colours(self, colours: bool) -> Self {
        Self { colours, ..self }
    }

    /// Writes the entry, with a newline behind it. Without a message there is nothing to write but in JSON.
    pub fn write(&mut self, entry: &Entry, to: &mut impl Write) -> io::Result<()> {
        if self.format == Format::Json {
            serde_json::to_writer(&mut *to, &json(entry))?;
            return to.write_all(b"\n");
        }
        if self.format == Format::Cat {
            let Some(message) = entry.first("MESSAGE") else { return Ok(()) };
            return to.write_all(message).and_then(|()| to.write_all(b"\n"));
        }
        let [message, host, sender @ ..] = entry.last_of(SHOWN);
        let Some(message) = message else { return Ok(()) };
        self.start.clear();
        if self.format == Format::Prefix {
            self.start.extend(['<', char::from(b'0' + entry.priority()), '>']);
        } else {
            self.set_date(entry.timestamp);
            self.start.extend([&*self.date, " "]);
            text(host).into_iter().for_each(|host| self.start.extend([&*host, " "]));
        }
        self.add_sender(sender);
        let colour = if self.colours && self.format != Format::Prefix { colour(entry.priority()) } else { "" };
        let blanks = if message.contains(&b'\n') { self.start.chars().count() } else { 0 };
        let indent = if self.format == Format::Prefix { &self.start } else { &" ".repeat(blanks) };
        lines(message, [&self.start, indent], colour, to)
    }

    /// `IDENTIFIER[PID]: `.
    fn add_sender(&mut self, [identifier, command, pid, syslog_pid]: [Option<&[u8]>; 4]) {
        let identifier = text(identifier).or_else(|| text(command));
        self.start += identifier.as_deref().unwrap_or("unknown");
        if let Some(pid) = text(pid).or_else(|| text(syslog_pid)) {
            self.start.extend(["[", &pid, "]"]);
        }
        self.start += ": ";
    }

    fn set_date(&mut self, timestamp: Timestamp) {
        let second = Some(timestamp.realtime / 1_000_000);
        if self.second != second {
            self.date = local_time(
                timestamp,
                match self.format {
                    Format::ShortIso => "%Y-%m-%dT%H:%M:%S%z",
                    _ => "%b %d %H:%M:%S",
                },
            );
            self.second = second;
        }
    }
}

fn text(value: Option<&[u8]>) -> Option<Cow<'_, str>> {
    value.filter(|value| value.len() < IDENTIFIER_MAX).and_then(printable)
}

/// The escape sequence for messages of a priority, if there is one.
fn colour(priority: u8) -> &'static str {
    match priority {
        0..=3 => "\x1b[0;1;31m",
        4 => "\x1b[0;1;38;5;185m",
        5 => "\x1b[0;1;39m",
        6 => "",
        _ => "\x1b[0;38;5;245m",
    }
}

/// The lines of a message: the first behind `start`, the others behind `indent`.
fn lines(message: &[u8], [start, indent]: [&str; 2], colour: &str, to: &mut impl Write) -> io::Result<()> {
    let Some(message) = printable(message) else {
        return writeln!(to, "{start}[{}B blob data]", shown_length(message));
    };
    let message = message.strip_suffix('\n').unwrap_or(&message);
    for (number, line) in message.split('\n').enumerate() {
        let end = if colour.is_empty() { "\n" } else { "\x1b[0m\n" };
        for part in [if number == 0 { start } else { indent }, colour, line, end] {
            to.write_all(part.as_bytes())?;
        }
    }
    Ok(())
}

/// The length that is told of what cannot be printed.
fn shown_length(bytes: &[u8]) -> usize {
    std::str::from_utf8(bytes).map_or(bytes.len(), |text| terminal_text(text).len())
}

/// The text as a terminal is to see it. None for what is no text, or has control characters.
fn printable(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let text = terminal_text(std::str::from_utf8(bytes).ok()?);
    is_printable(&text).then_some(text)
}

/// Without colours, and with eight blanks for a tab.
fn terminal_text(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\x1b']) { without_colours(text).replace('\t', "        ").into() } else { text.into() }
}

/// No control characters but newlines and tabs, and nothing that is no character.
fn is_printable(text: &str) -> bool {
    let is_noncharacter = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    !text.contains(|c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_noncharacter(c))
}

/// Without escape sequences of the form `ESC [ … m`, as terminals take for colours.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once("\x1b[") {
        plain += before;
        let parameters = sequence.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
        rest = match parameters.map(|end| (sequence[end..].strip_prefix('m'), end)) {
            Some((Some(after), _)) => after,
            _ => {
                plain += "\x1b[";
                sequence
            }
        };
    }
    plain + rest
}

/// strftime(3) in the time zone of this process.
pub fn local_time(timestamp: Timestamp, format: &str) -> String {
    let seconds = libc::time_t::try_from(timestamp.realtime / 1_000_000).unwrap_or(libc::time_t::MAX);
    let format = CString::new(format).unwrap_or_default();
    let mut fields = MaybeUninit::<libc::tm>::zeroed();
    let mut room = [0u8; 64];
    // SAFETY: the pointers are to a number, to room for the fields, which are all numbers or a pointer that may be NULL, to as
    // much room for the text as is said, and to a string.
    let length = unsafe {
        libc::localtime_r(&raw const seconds, fields.as_mut_ptr());
        libc::strftime(room.as_mut_ptr().cast(), room.len(), format.as_ptr(), fields.as_ptr())
    };
    String::from_utf8_lossy(room.get(..length).unwrap_or_default()).into_owned()
}

/// Each value is a text, or an array of bytes where it cannot be printed; a name that stands more than once has an array of values.
fn json(entry: &Entry) -> Value {
    let mut values: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (name, value) in entry.all() {
        let values = values.entry(name).or_default();
        let value = json_value(value);
        // The journal keeps a field once.
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let Timestamp { realtime, monotonic } = entry.timestamp;
    let own = [("__REALTIME_TIMESTAMP", realtime), ("__MONOTONIC_TIMESTAMP", monotonic)];
    let own = own.map(|(name, time)| (name.to_owned(), time.to_string().into()));
    let fields = values.into_iter().map(|(name, mut values)| {
        let only = if values.len() == 1 { values.pop() } else { None };
        (name.to_owned(), only.unwrap_or(Value::Array(values)))
    });
    Value::Object(own.into_iter().chain(fields).collect())
}

fn json_value(value: &[u8]) -> Value {
    if value.len() > JSON_MAX {
        return Value::Null;
    }
    match std::str::from_utf8(value) {
        Ok(text) if is_printable(text) => text.into(),
        _ => value.to_vec().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::entry::Fields;
    use super::*;

    fn entry(fields: &[(&str, &[u8])]) -> Entry {
        let all = |list: &[(&str, &[u8])]| {
            let mut all = Fields::default();
            list.iter().for_each(|(name, value)| all.push(name, value));
            all
        };
        let sender = Arc::new(all(&[("_HOSTNAME", b"vm"), ("_COMM", b"python3"), ("_PID", b"35")]));
        let timestamp = Timestamp { realtime: 1_795_856_698_632_744, monotonic: 7 };
        Entry { timestamp, fields: all(fields), sender }
    }

    fn written(format: Format, fields: &[(&str, &[u8])]) -> String {
        let mut bytes = Vec::new();
        format.write(&entry(fields), &mut bytes).expect("memory");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Behind the date and the host, which is as long as `python3[35]: ` was behind it.
    fn short(fields: &[(&str, &[u8])]) -> String {
        written(Format::Short, fields).split_once(" vm ").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_line_is_as_journalctl_prints_it() {
        let cases: &[(&[u8], &str)] = &[
            (b"plain", "plain\n"),
            (b"", "\n"),
            (b"  lead  ", "  lead  \n"),
            (b"tab\there", "tab        here\n"),
            (b"\x1b[1mbold\x1b[0m", "bold\n"),
            (b"\tcontrol \x01\x1b[31m\x7f", "[18B blob data]\n"),
            (b"bad utf8 \xff\xfe end", "[15B blob data]\n"),
            (b"a\rb", "[3B blob data]\n"),
            (b"\x7f", "[1B blob data]\n"),
            ("\u{85} nel".as_bytes(), "[6B blob data]\n"),
            ("\u{fffe} nc".as_bytes(), "[6B blob data]\n"),
            ("\u{200b} zw".as_bytes(), "\u{200b} zw\n"),
        ];
        for (message, expected) in cases {
            let message = short(&[("MESSAGE", message)]);
            assert_eq!(message, format!("python3[35]: {expected}"));
        }
    }

    #[test]
    fn further_lines_of_a_message_stand_below_the_first() {
        let blanks = " ".repeat("Nov 28 09:04:58 vm python3[35]: ".len());
        assert_eq!(short(&[("MESSAGE", b"two\nlines\n")]), format!("python3[35]: two\n{blanks}lines\n"));
        assert_eq!(short(&[("MESSAGE", b"\n\na")]), format!("python3[35]: \n{blanks}\n{blanks}a\n"));
    }

    #[test]
    fn an_entry_goes_by_its_identifier_if_that_can_be_printed() {
        let long = [b'i'; 300];
        let cases: &[(&[u8], &str)] = &[
            (b"ident", "ident[35]: m\n"),
            (b"a b", "a b[35]: m\n"),
            (b"", "[35]: m\n"),
            (b"bad\x01", "python3[35]: m\n"),
            (&long, "python3[35]: m\n"),
        ];
        for (identifier, expected) in cases {
            assert_eq!(short(&[("MESSAGE", b"m"), ("SYSLOG_IDENTIFIER", identifier)]), *expected);
        }
        assert_eq!(short(&[("MESSAGE", b"x"), ("SYSLOG_IDENTIFIER", b"a"), ("SYSLOG_IDENTIFIER", b"b")]), "b[35]: x\n");
        assert_eq!(written(Format::Short, &[("A", b"without a message")]), "");
    }

    #[test]
    fn a_date_is_that_of_the_local_time() {
        // Whatever the time zone is: it differs from UTC by less than a day, and this is the 28th at nine.
        let line = written(Format::ShortIso, &[("MESSAGE", b"m")]);
        let date = line.split(' ').next().expect("a date");
        assert!(date.starts_with("2026-11-2") && date.len() == "2026-11-28T09:04:58+0000".len(), "{date}");
    }

    #[test]
    fn json_has_bytes_where_there_is_no_text_and_arrays_where_names_repeat() {
        let long = [b'B'; 4097];
        let line = written(
            Format::Json,
            &[("MESSAGE", b"m\n\tx"), ("A", b"1"), ("A", b"1"), ("A", b"\xff"), ("B", b"b"), ("B", b"b"), ("L", &long)],
        );
        let expected = serde_json::json!({
            "__REALTIME_TIMESTAMP": "1795856698632744", "__MONOTONIC_TIMESTAMP": "7", "MESSAGE": "m\n\tx",
            "A": ["1", [255]], "B": "b", "L": null, "_HOSTNAME": "vm", "_COMM": "python3", "_PID": "35",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), expected);
        assert!(line.ends_with("}\n"));
    }

    #[test]
    fn cat_is_the_message_alone_byte_by_byte() {
        assert_eq!(written(Format::Cat, &[("MESSAGE", b"a\x1b\nb")]), "a\x1b\nb\n");
        assert_eq!(written(Format::Cat, &[("A", b"")]), "");
    }
}
