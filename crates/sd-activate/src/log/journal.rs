//! The native protocol of the journal, as sd_journal_send(3) speaks it: a datagram is an entry, or several separated by empty
//! lines.
//!
//! A field is a line `NAME=value`; or a line with the name alone, then the length of the value as 64 bits, little-endian, the value
//! and a newline. The bytes are anybody's. What is wrong is dropped as systemd-journald(8) drops it: a field with a name that
//! services may not use; all that follows a length that is wrong; a last line without its newline.

use super::entry::{FIELDS_MAX, Fields};
use super::find;

/// An entry is mostly no longer,
const USUAL: usize = 1024;
/// and takes so much more in memory.
const ROOM: usize = 64;

/// Gives the fields of each entry in a datagram, or in the file that was sent in its place.
pub fn parse(datagram: &[u8], mut entry: impl FnMut(Fields)) {
    let mut fields = Fields::with_room(datagram.len().min(USUAL) + ROOM);
    let mut count = 0;
    let mut end = |fields: &mut Fields, count: &mut usize| {
        let fields = std::mem::take(fields);
        if (1..=FIELDS_MAX).contains(&std::mem::take(count)) {
            entry(fields);
        }
    };
    let mut rest = datagram;
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        match line {
            [] => end(&mut fields, &mut count),
            [b'#' | b'.', ..] => {}
            _ => match field(line, &mut rest) {
                Ok((name, value)) => count += usize::from(fields.push_sent(name, value)),
                Err(Malformed) => break,
            },
        }
    }
    end(&mut fields, &mut count);
}

/// Nothing that follows can be made sense of.
struct Malformed;

/// The field that begins with this line.
fn field<'a>(line: &'a [u8], rest: &mut &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Malformed> {
    if let Some(equals) = find(b'=', line) {
        let (name, value) = line.split_at(equals);
        return Ok((name, value.get(1..).unwrap_or_default()));
    }
    let (length, after) = rest.split_first_chunk().ok_or(Malformed)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| Malformed)?;
    let (value, after) = after.split_at_checked(length).ok_or(Malformed)?;
    *rest = after.strip_prefix(b"\n").ok_or(Malformed)?;
    Ok((line, value))
}

/// The first line, without the newline that has to end it, and what follows that.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = find(b'\n', bytes)?;
    let (line, rest) = bytes.split_at(end);
    Some((line, rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries as journalctl shows them: fields by blanks, entries by bars.
    fn shown(datagram: &[u8]) -> String {
        let field = |(name, value): (&str, &[u8])| format!("{name}={}", String::from_utf8_lossy(value));
        let mut entries = Vec::new();
        parse(datagram, |fields| entries.push(fields.iter().map(field).collect::<Vec<_>>().join(" ")));
        entries.join("|")
    }

    fn binary(before: &str, length: u64, after: &str) -> Vec<u8> {
        [before.as_bytes(), &length.to_le_bytes(), after.as_bytes()].concat()
    }

    #[test]
    fn datagrams_are_read_as_journald_reads_them() {
        let cases: &[(&[u8], &str)] = &[
            (b"MESSAGE=plain\nPRIORITY=3\n", "MESSAGE=plain PRIORITY=3"),
            (b"MESSAGE=no newline at the end\nX=1", "MESSAGE=no newline at the end"),
            (b"MESSAGE=one\n\nMESSAGE=two\n", "MESSAGE=one|MESSAGE=two"),
            (b"MESSAGE=y\n\n\n\n", "MESSAGE=y"),
            (b"# comment\n.hidden\nMESSAGE=m\n#C=1\n.D=1\n", "MESSAGE=m"),
            (b"MESSAGE=m\n_PID=1\nlower=2\n=5\nA B=4\nOK=3\n", "MESSAGE=m OK=3"),
            (b"MESSAGE=\nA=\n", "MESSAGE= A="),
            (b"A=b=c\n", "A=b=c"),
            (b"MESSAGE\n", ""),
            (b"MESSAGE", ""),
            (b"=\n", ""),
            (b"\n", ""),
            (b"", ""),
            (&binary("M=1\nB\n", 3, "a\nb\nC=1\n"), "M=1 B=a\nb C=1"),
            (&binary("M=1\nB\n", 0, "\nC=1\n"), "M=1 B= C=1"),
            (&binary("M=1\n_B\n", 1, "b\nC=1\n"), "M=1 C=1"),
            (&binary("M=1\nB\n", 3, "abcC=1\n"), "M=1"),
            (&binary("M=1\nB\n", 300, "abc\nC=1\n"), "M=1"),
            (&binary("M=1\nB\n", u64::MAX, "abc\nC=1\n"), "M=1"),
            (b"M=1\nB\n\x03\0\0", "M=1"),
        ];
        for (datagram, expected) in cases {
            assert_eq!(shown(datagram), *expected, "{:?}", String::from_utf8_lossy(datagram));
        }
    }

    #[test]
    fn an_entry_with_more_than_1024_fields_is_dropped() {
        let fields = |count: usize| (0..count).map(|i| format!("F{i}=1\n")).collect::<String>();
        assert_eq!(shown(fields(1024).as_bytes()).split(' ').count(), 1024);
        assert_eq!(shown(fields(1025).as_bytes()), "");
        assert_eq!(shown(format!("{}\nM=1\n", fields(1025)).as_bytes()), "M=1");
    }
}
