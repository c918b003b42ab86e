//! An entry of the log: fields, and when it came.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::saved;

/// No entry has more fields, as in systemd-journald(8).
pub const FIELDS_MAX: usize = 1024;

/// No name of a field is longer.
const NAME_MAX: usize = 64;

/// Fields, each with a name of upper-case letters, digits and underscores, and a value of any bytes. They stand one behind the
/// other in one piece of memory: an entry has twenty, and there are many entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// For each field: the length of the name as a byte, that of the value as four, the name, the value.
    #[serde(with = "saved")]
    bytes: Vec<u8>,
}

/// The lengths before each field.
const LENGTHS: usize = 5;

impl Fields {
    /// None, with room for fields of so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// Adds a field of this name, which is one that only the manager itself sets, or has been checked.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        let (Ok(name_length), Ok(value_length)) = (u8::try_from(name.len()), u32::try_from(value.len())) else {
            return;
        };
        self.bytes.reserve(LENGTHS + name.len() + value.len());
        self.bytes.push(name_length);
        self.bytes.extend_from_slice(&value_length.to_ne_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(value);
    }

    /// Adds a field that a service has sent, unless its name is no name, or one that only the manager sets. Whether it did.
    pub fn push_sent(&mut self, name: &[u8], value: &[u8]) -> bool {
        let name = std::str::from_utf8(name).ok().filter(|name| is_name(name));
        name.inspect(|name| self.push(name, value)).is_some()
    }

    /// Adds all of these.
    pub fn append(&mut self, others: &Self) {
        self.bytes.extend_from_slice(&others.bytes);
    }

    /// The names and values.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.bytes }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The values of those with this name.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || split_first(&mut rest))
            .filter(move |field| field.0 == name.as_bytes())
            .map(|field| field.1)
    }

    /// Gives back memory that is not needed as long as no more are added, where that is worth it.
    pub fn shrink(&mut self) {
        if self.bytes.capacity() - self.bytes.len() > self.bytes.len() / 4 {
            self.bytes.shrink_to_fit();
        }
    }

    /// How much memory they take.
    pub fn size(&self) -> usize {
        self.bytes.capacity()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<(&'static str, Vec<u8>)> for Fields {
    fn from_iter<T: IntoIterator<Item = (&'static str, Vec<u8>)>>(fields: T) -> Self {
        let mut all = Self::default();
        fields.into_iter().for_each(|(name, value)| all.push(name, value));
        all
    }
}

/// The names and values of [`Fields`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        split_first(&mut self.rest).map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }
}

/// The name and the value of the first field.
fn split_first<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (name_length, rest) = bytes.split_first()?;
    let (value_length, rest) = rest.split_first_chunk()?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
    let (value, rest) = rest.split_at_checked(u32::from_ne_bytes(*value_length) as usize)?;
    *bytes = rest;
    Some((name, value))
}

/// Whether a service may send a field of this name: up to 64 upper-case letters, digits and underscores, the first a letter.
fn is_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_uppercase()) && name.len() <= NAME_MAX && name.bytes().all(valid)
}

/// When something happened, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Since 1970.
    pub realtime: u64,
    /// Since the system was booted.
    pub monotonic: u64,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was received.
    pub timestamp: Timestamp,
    /// The fields that were sent, and those that the manager adds to this entry alone.
    pub fields: Fields,
    /// Those that the manager adds to all entries of the same sender.
    pub sender: Arc<Fields>,
}

impl Entry {
    /// All fields: those that were sent first.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().chain(self.sender.iter())
    }

    /// The value of the first field of this name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.fields.values(name).next().or_else(|| self.sender.values(name).next())
    }

    /// The value of the last field of this name.
    pub fn last(&self, name: &str) -> Option<&[u8]> {
        self.sender.values(name).last().or_else(|| self.fields.values(name).last())
    }

    /// The same for several names at once.
    pub fn last_of<const N: usize>(&self, names: [&str; N]) -> [Option<&[u8]>; N] {
        let mut found = [None; N];
        for mut rest in [&*self.fields.bytes, &self.sender.bytes] {
            while let Some((name, value)) = split_first(&mut rest) {
                if let Some(place) = names.iter().position(|wanted| wanted.as_bytes() == name) {
                    found[place] = Some(value);
                }
            }
        }
        found
    }

    /// PRIORITY: 0 to 7, and 6 (info) where there is none.
    pub fn priority(&self) -> u8 {
        match self.last("PRIORITY") {
            Some([digit @ b'0'..=b'7']) => digit - b'0',
            _ => 6,
        }
    }

    /// How much memory it takes by itself, roughly.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.fields.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_may_send_names_of_upper_case_letters_digits_and_underscores() {
        let longest = "N".repeat(64);
        for name in ["A", "OK_9", "MESSAGE", &longest] {
            assert!(Fields::default().push_sent(name.as_bytes(), b""), "{name}");
        }
        let too_long = "N".repeat(65);
        for name in ["", "_PID", "__X", "lower", "1A", "A B", "Ä", "A=", &too_long] {
            let mut fields = Fields::default();
            assert!(!fields.push_sent(name.as_bytes(), b"") && fields.is_empty(), "{name}");
        }
    }

    #[test]
    fn fields_come_back_in_the_order_in_which_they_were_added() {
        let added: [(&str, &[u8]); 4] = [("A", b""), ("_B", b"x\0\n"), ("A", &[b'l'; 70_000]), ("C", b"=")];
        let mut fields = Fields::default();
        added.iter().for_each(|(name, value)| fields.push(name, value));
        assert_eq!(fields.iter().collect::<Vec<_>>(), added);
        let entry = Entry { timestamp: Timestamp::default(), fields, sender: Arc::default() };
        assert_eq!((entry.first("A").map(<[u8]>::len), entry.last("A").map(<[u8]>::len)), (Some(0), Some(70_000)));
    }
}
