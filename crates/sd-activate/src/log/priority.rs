//! The level and the facility of a message, which syslog(3) has in one number.

use std::ffi::c_int;

use serde::{Deserialize, Serialize};

use super::entry::Fields;

/// A priority as in syslog(3): eight times the facility, and the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priority(u16);

/// Three digits are the most that are read.
const MAX: u16 = 999;

impl From<c_int> for Priority {
    fn from(number: c_int) -> Self {
        Self(u16::try_from(number).unwrap_or(0).min(MAX))
    }
}

impl Priority {
    /// `<N>` with up to three digits before the rest.
    pub fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let digits = text.strip_prefix(b"<")?;
        let end = digits.iter().take(4).position(|byte| *byte == b'>')?;
        let (digits, rest) = digits.split_at(end);
        Some((Self::parse(digits)?, rest.get(1..)?))
    }

    /// A decimal number of digits alone, up to 999.
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let digits =
            std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok().filter(|number| *number <= MAX).map(Self)
    }

    /// The same facility at another level.
    pub fn at_level(self, level: u8) -> Self {
        Self(self.0 & !7 | u16::from(level & 7))
    }

    /// 0 (emerg) to 7 (debug).
    pub fn level(self) -> u8 {
        (self.0 & 7) as u8
    }

    /// Adds PRIORITY, and SYSLOG_FACILITY where it is not the kernel's.
    pub fn add_to(self, fields: &mut Fields) {
        fields.push("PRIORITY", [b'0' + self.level()]);
        if self.0 >> 3 != 0 {
            fields.push("SYSLOG_FACILITY", (self.0 >> 3).to_string());
        }
    }
}
