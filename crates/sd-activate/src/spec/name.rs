//! Names of units, as systemd.unit(5) describes them.

use std::fmt::{self, Display, Formatter, Write};

use serde::{Deserialize, Serialize};

/// The longest name, with its suffix.
const LENGTH_MAX: usize = 255;

/// The name of a unit: a prefix, perhaps `@` and an instance, and a suffix that names its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitName(String);

/// What kind of unit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitType {
    /// `.socket`.
    Socket,
    /// `.service`.
    Service,
    /// `.target`.
    Target,
    /// One of those that do not exist here: `.mount`, `.device`, `.timer` and so on.
    Other,
}

/// The targets of systemd.special(7) that stand for what a machine's boot has reached: here, they all are.
const OF_BOOT: [&str; 17] = [
    "basic.target",
    "sysinit.target",
    "sockets.target",
    "paths.target",
    "timers.target",
    "local-fs.target",
    "local-fs-pre.target",
    "remote-fs.target",
    "network.target",
    "network-online.target",
    "network-pre.target",
    "nss-lookup.target",
    "nss-user-lookup.target",
    "time-sync.target",
    "time-set.target",
    "rpcbind.target",
    "multi-user.target",
];

/// Every suffix of a unit's name, and the type of unit that it stands for.
const SUFFIXES: [(&str, UnitType); 11] = [
    (".socket", UnitType::Socket),
    (".service", UnitType::Service),
    (".target", UnitType::Target),
    (".device", UnitType::Other),
    (".mount", UnitType::Other),
    (".automount", UnitType::Other),
    (".swap", UnitType::Other),
    (".path", UnitType::Other),
    (".timer", UnitType::Other),
    (".slice", UnitType::Other),
    (".scope", UnitType::Other),
];

impl UnitName {
    /// A name, provided that it is a valid one.
    pub fn new(name: &str) -> Option<Self> {
        let (suffix, _) = SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix))?;
        let stem = name.strip_suffix(suffix)?;
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
        let named = !stem.is_empty() && !stem.starts_with('@');
        (named && name.len() <= LENGTH_MAX && stem.bytes().all(valid)).then(|| Self(name.to_owned()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type that the suffix names.
    pub fn unit_type(&self) -> UnitType {
        SUFFIXES.iter().find(|(suffix, _)| *suffix == self.suffix()).map_or(UnitType::Other, |found| found.1)
    }

    /// The suffix, with its dot.
    pub fn suffix(&self) -> &str {
        &self.0[self.0.rfind('.').unwrap_or(self.0.len())..]
    }

    /// Everything before the suffix.
    pub fn stem(&self) -> &str {
        &self.0[..self.0.rfind('.').unwrap_or(self.0.len())]
    }

    /// Everything before the first `@`, or before the suffix.
    pub fn prefix(&self) -> &str {
        self.stem().split_once('@').map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// What stands between `@` and the suffix. That of a template is empty.
    pub fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance)
    }

    /// Whether it is `name@.type`.
    pub fn is_template(&self) -> bool {
        self.instance() == Some("")
    }

    /// The template that it is an instance of.
    pub fn template(&self) -> Option<Self> {
        let instance = self.instance()?;
        (!instance.is_empty()).then(|| Self(format!("{}@{}", self.prefix(), self.suffix())))
    }

    /// This template's instance; `None` where the name would not be valid.
    pub fn instantiate(&self, instance: &str) -> Option<Self> {
        self.is_template().then(|| Self::new(&[self.prefix(), "@", instance, self.suffix()].concat()))?
    }

    /// Whether it stands for what a machine's boot has reached: here, all of that is.
    pub fn is_of_boot(&self) -> bool {
        OF_BOOT.contains(&self.as_str())
    }

    /// The same name with another suffix: `.service` for the service of a socket.
    pub fn with_suffix(&self, suffix: &str) -> Self {
        Self(format!("{}{suffix}", self.stem()))
    }
}

impl Display for UnitName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Any bytes as part of a name, as systemd-escape(1) writes them.
pub fn escape(bytes: &[u8]) -> String {
    let mut name = String::with_capacity(bytes.len());
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if index == 0 => name.push_str("\\x2e"),
            byte if byte.is_ascii_alphanumeric() || b":_.".contains(byte) => name.push(char::from(*byte)),
            byte => {
                let _ = write!(name, "\\x{byte:02x}");
            }
        }
    }
    name
}

/// A path as part of a name, as `systemd-escape --path` writes it.
pub fn escape_path(path: &[u8]) -> String {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "-".to_owned() } else { escape(&parts.join(&b'/')) }
}

/// The bytes that [`escape`] was given; `None` where there is an escape which it does not write.
pub fn unescape(name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'-' => b'/',
            b'\\' => {
                let (x, high, low) = (rest.next()?, rest.next()?, rest.next()?);
                let digit = |byte| char::from(byte).to_digit(16);
                let value = digit(high)? << 4 | digit(low)?;
                (x == b'x').then_some(u8::try_from(value).ok()?)?
            }
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart() {
        let cases = [
            ("foo.socket", "foo", "foo", None, None),
            ("foo@.service", "foo@", "foo", Some(""), None),
            ("foo@a@b.service", "foo@a@b", "foo", Some("a@b"), Some("foo@.service")),
            ("a.b-c@0-1.2.3.4:80.service", "a.b-c@0-1.2.3.4:80", "a.b-c", Some("0-1.2.3.4:80"), Some("a.b-c@.service")),
        ];
        for (text, stem, prefix, instance, template) in cases {
            let name = UnitName::new(text).unwrap();
            assert_eq!((name.stem(), name.prefix(), name.instance()), (stem, prefix, instance), "{text}");
            assert_eq!(name.template(), template.and_then(UnitName::new), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in
            ["", "foo", "foo.conf", ".service", "@.service", "@a.service", "a b.service", "a/b.service", "é.service"]
        {
            assert_eq!(UnitName::new(text), None, "{text}");
        }
        assert!(UnitName::new(&format!("{}.service", "x".repeat(247))).is_some());
        assert!(UnitName::new(&format!("{}.service", "x".repeat(248))).is_none());
    }

    #[test]
    fn any_bytes_can_be_part_of_a_name_as_with_systemd_escape() {
        let cases: &[(&[u8], &str)] = &[
            (b"a/b", "a-b"),
            (b".a.b", "\\x2ea.b"),
            (b"a-b@c", "a\\x2db\\x40c"),
            ("é\n".as_bytes(), "\\xc3\\xa9\\x0a"),
            (b"", ""),
        ];
        for (bytes, name) in cases {
            assert_eq!(escape(bytes), *name);
            assert_eq!(unescape(name).as_deref(), Some(*bytes));
        }
        assert_eq!(escape_path(b"//dev//sda/"), "dev-sda");
        assert_eq!(escape_path(b"/"), "-");
        for name in ["\\", "\\x", "\\xg0", "\\a00"] {
            assert_eq!(unescape(name), None, "{name}");
        }
    }
}
