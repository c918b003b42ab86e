//! Datagrams to /run/systemd/journal/socket: what a second reading finds, byte by byte, is what is read; and what was read, written
//! out again with the length of each value, is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sd_activate::log::entry::{FIELDS_MAX, Fields};
use sd_activate::log::journal::parse;

fuzz_target!(|data: &[u8]| {
    let entries = parsed(data);
    assert_eq!(entries, second_reading(data));
    let mut written = Vec::new();
    for fields in &entries {
        for (name, value) in fields {
            assert!(name.len() <= 64 && !name.starts_with('_'), "{name}");
            written.extend_from_slice(name.as_bytes());
            written.push(b'\n');
            written.extend_from_slice(&(value.len() as u64).to_le_bytes());
            written.extend_from_slice(value);
            written.push(b'\n');
        }
        written.push(b'\n');
    }
    assert_eq!(parsed(&written), entries);
});

type Field = (String, Vec<u8>);

fn parsed(datagram: &[u8]) -> Vec<Vec<Field>> {
    let mut entries = Vec::new();
    let owned = |(name, value): (&str, &[u8])| (name.to_owned(), value.to_owned());
    parse(datagram, |fields: Fields| entries.push(fields.iter().map(owned).collect()));
    entries
}

fn second_reading(datagram: &[u8]) -> Vec<Vec<Field>> {
    let mut entries = vec![Vec::new()];
    let mut at = 0;
    while let Some(length) = datagram[at..].iter().position(|byte| *byte == b'\n') {
        let line = &datagram[at..at + length];
        at += length + 1;
        let (name, value) = match line.iter().position(|byte| *byte == b'=') {
            _ if line.is_empty() => {
                entries.push(Vec::new());
                continue;
            }
            _ if line[0] == b'#' || line[0] == b'.' => continue,
            Some(equals) => (&line[..equals], &line[equals + 1..]),
            None => {
                let Some(size) = datagram.get(at..at + 8) else { break };
                let size = u64::from_le_bytes(size.try_into().unwrap());
                let Some(end) = usize::try_from(size).ok().and_then(|size| size.checked_add(at + 8)) else { break };
                if datagram.get(end) != Some(&b'\n') {
                    break;
                }
                let value = &datagram[at + 8..end];
                at = end + 1;
                (line, value)
            }
        };
        let is_name = name.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
        if is_name && (1..=64).contains(&name.len()) && name[0].is_ascii_uppercase() {
            let last = entries.last_mut().unwrap();
            last.push((String::from_utf8(name.to_vec()).unwrap(), value.to_vec()));
        }
    }
    entries.retain(|fields| !fields.is_empty() && fields.len() <= FIELDS_MAX);
    entries
}
