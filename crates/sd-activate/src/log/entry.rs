//! An entry of the log: fields, and when it came.

/// No entry has more fields, as in systemd-journald(8).
pub const FIELDS_MAX: usize = 1024;

/// No name of a field is longer.
const NAME_MAX: usize = 64;

/// A name and a value of any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    name: Box<str>,
    value: Box<[u8]>,
}

impl Field {
    /// A field of this name, which is one that only the manager itself sets, or has been checked.
    pub fn new(name: &str, value: impl AsRef<[u8]>) -> Self {
        Self { name: name.into(), value: value.as_ref().into() }
    }

    /// A field that a service has sent: None where its name is no name, or one that only the manager sets.
    pub fn sent(name: &[u8], value: &[u8]) -> Option<Self> {
        is_name(name).then(|| Self::new(std::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// The name: upper-case letters, digits and underscores.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// Whether a service may send a field of this name: up to 64 upper-case letters, digits and underscores, the first a letter.
fn is_name(name: &[u8]) -> bool {
    let valid = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    name.first().is_some_and(u8::is_ascii_uppercase) && name.len() <= NAME_MAX && name.iter().all(valid)
}

/// When something happened, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// Its fields: those that were sent, then those that the manager adds.
    pub fields: Vec<Field>,
}

impl Entry {
    /// The value of the first field of this name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The value of the last field of this name.
    pub fn last(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next_back()
    }

    fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.fields.iter().filter(move |field| field.name() == name).map(Field::value)
    }

    /// PRIORITY: 0 to 7, and 6 (info) where there is none.
    pub fn priority(&self) -> u8 {
        match self.last("PRIORITY") {
            Some([digit @ b'0'..=b'7']) => digit - b'0',
            _ => 6,
        }
    }

    /// How much memory it takes, roughly.
    pub fn size(&self) -> usize {
        let field = |field: &Field| size_of::<Field>() + field.name.len() + field.value.len();
        size_of::<Self>() + self.fields.iter().map(field).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_may_send_names_of_upper_case_letters_digits_and_underscores() {
        let longest = "N".repeat(64);
        for name in ["A", "OK_9", "MESSAGE", &longest] {
            assert!(Field::sent(name.as_bytes(), b"").is_some(), "{name}");
        }
        let too_long = "N".repeat(65);
        for name in ["", "_PID", "__X", "lower", "1A", "A B", "Ä", "A=", &too_long] {
            assert!(Field::sent(name.as_bytes(), b"").is_none(), "{name}");
        }
    }
}
