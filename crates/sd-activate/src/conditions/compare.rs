//! Comparisons, with the operators that conditions know.

use std::cmp::Ordering;

use crate::glob;

/// What is asked of two texts or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    LessOrEqual,
    Equal,
    Unequal,
    GreaterOrEqual,
    Greater,
    /// The same text.
    Same,
    /// Another text.
    Other,
    /// A text of a pattern.
    Like,
    Unlike,
}

/// Longer ones first.
const OPERATORS: [(&str, Operator); 10] = [
    ("!$=", Operator::Unlike),
    ("$=", Operator::Like),
    ("<=", Operator::LessOrEqual),
    ("<>", Operator::Unequal),
    (">=", Operator::GreaterOrEqual),
    ("==", Operator::Equal),
    ("!=", Operator::Other),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Same),
];

impl Operator {
    /// The one that a text begins with, and what follows it.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        OPERATORS.iter().find_map(|(written, operator)| Some((*operator, text.strip_prefix(written)?)))
    }

    /// Of numbers, which have no patterns.
    pub fn compare_numbers(self, one: u64, other: u64) -> bool {
        self.allows(one.cmp(&other))
    }

    /// Of texts, in which parts are versions.
    pub fn compare(self, text: &str, with: &str) -> bool {
        match self {
            Self::Same => text == with,
            Self::Other => text != with,
            Self::Like => glob::matches(with, text, 0),
            Self::Unlike => !glob::matches(with, text, 0),
            order => order.allows(compare_versions(text, with)),
        }
    }

    fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Equal | Self::Same | Self::Like => ordering.is_eq(),
            Self::Unequal | Self::Other | Self::Unlike => ordering.is_ne(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Greater => ordering.is_gt(),
        }
    }
}

/// A number with an operator before it; without one, it is the least.
pub(super) fn number(parameter: &str, own: u64, read: impl Fn(&str) -> Option<u64>) -> Option<bool> {
    let (operator, rest) = Operator::split(parameter).unwrap_or((Operator::GreaterOrEqual, parameter));
    if matches!(operator, Operator::Like | Operator::Unlike) {
        return None;
    }
    read(rest.trim()).map(|number| operator.compare_numbers(own, number))
}

/// The order of the version format specification of the UAPI group, which systemd has: numbers by value, `~` before the end,
/// `-` and `^` and `.` before anything else.
pub(super) fn compare_versions(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        (one, other) = (skip(one), skip(other));
        for separator in [b'~', 0, b'-', b'^', b'.'] {
            let begins = |text: &[u8]| if separator == 0 { text.is_empty() } else { text.first() == Some(&separator) };
            match (begins(one), begins(other)) {
                (true, true) if separator == 0 => return Ordering::Equal,
                (true, true) => (one, other) = (skip(&one[1..]), skip(&other[1..])),
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                (false, false) => (),
            }
        }
        let is_number = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        let ordering = if is_number(one) || is_number(other) {
            let (digits, rest) = take(one, u8::is_ascii_digit);
            let (of_other, rest_of_other) = take(other, u8::is_ascii_digit);
            (one, other) = (rest, rest_of_other);
            let value = |digits: &[u8]| {
                let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
                digits[start..].to_vec()
            };
            let (value, of_other) = (value(digits), value(of_other));
            value.len().cmp(&of_other.len()).then(value.cmp(&of_other))
        } else {
            let (letters, rest) = take(one, u8::is_ascii_alphabetic);
            let (of_other, rest_of_other) = take(other, u8::is_ascii_alphabetic);
            (one, other) = (rest, rest_of_other);
            letters.cmp(of_other)
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

/// Without what no version has.
fn skip(text: &[u8]) -> &[u8] {
    let counts = |byte: &u8| byte.is_ascii_alphanumeric() || b"~-^.".contains(byte);
    &text[text.iter().position(counts).unwrap_or(text.len())..]
}

fn take(text: &[u8], is_part: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_the_specification() {
        let ascending = [
            "~1", "", "0", "1~rc1", "1", "1-1", "1^1", "1.0", "1.0a", "1.1", "1.2", "1.10", "2", "6.1.0", "10", "a",
            "b",
        ];
        for (index, one) in ascending.iter().enumerate() {
            for (other_index, other) in ascending.iter().enumerate() {
                // Letters come before numbers.
                if one.starts_with(['a', 'b']) || other.starts_with(['a', 'b']) {
                    continue;
                }
                assert_eq!(compare_versions(one, other), index.cmp(&other_index), "{one} {other}");
            }
        }
        assert_eq!(compare_versions("007", "7"), Ordering::Equal);
        assert_eq!(compare_versions("6.1.0-28-amd64", "6.1"), Ordering::Greater);
    }

    #[test]
    fn operators_are_read_the_longest_first() {
        assert_eq!(Operator::split("!$=x"), Some((Operator::Unlike, "x")));
        assert_eq!(Operator::split("<> 3"), Some((Operator::Unequal, " 3")));
        assert_eq!(Operator::split("== 3"), Some((Operator::Equal, " 3")));
        assert_eq!(Operator::split("3"), None);
    }
}
