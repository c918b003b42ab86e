//! Names of units as they are given: `myservice` is myservice.service.

use crate::spec::UnitName;
use crate::spec::name::escape;

/// Whether it is a pattern of glob(7).
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The unit's name. What cannot stand in one is escaped, and `say` is told.
pub fn unit_name(text: &str, mut say: impl FnMut(String)) -> String {
    if is_name(text) {
        return text.to_owned();
    }
    let known = |character: char| character.is_ascii_alphanumeric() || ":-_.\\@".contains(character);
    let mut name = text.to_owned();
    if !text.chars().all(known) {
        name = escape_invalid(text);
        say(format!("Invalid unit name \"{text}\" escaped as \"{name}\" (maybe you should use systemd-escape?)."));
    }
    if is_name(&name) { name } else { format!("{name}.service") }
}

/// The same, or the pattern as it is.
pub fn unit_pattern(text: &str, say: impl FnMut(String)) -> String {
    if is_pattern(text) { text.to_owned() } else { unit_name(text, say) }
}

fn is_name(text: &str) -> bool {
    UnitName::new(text).is_some()
}

/// Slashes become dashes, and every other byte that cannot stand in a name its number.
fn escape_invalid(text: &str) -> String {
    let part = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte) {
            char::from(byte).to_string()
        } else {
            escape(&[byte])
        }
    };
    text.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_systemctl_completes_them() {
        let cases = [
            ("myservice", "myservice.service", false),
            ("myservice.socket", "myservice.socket", false),
            ("a.b", "a.b.service", false),
            ("a@", "a@.service", false),
            ("a@1-127.0.0.1:80-127.0.0.1:81", "a@1-127.0.0.1:80-127.0.0.1:81.service", false),
            ("a/b", "a-b.service", true),
            ("a b", "a\\x20b.service", true),
            ("a b.socket", "a\\x20b.socket", true),
            ("-.target", "-.target", false),
        ];
        for (text, expected, warned) in cases {
            let mut said = Vec::new();
            assert_eq!(unit_name(text, |line| said.push(line)), expected, "{text}");
            assert_eq!(!said.is_empty(), warned, "{text}: {said:?}");
        }
        assert_eq!(unit_pattern("my*", |line| panic!("{line}")), "my*");
        assert_eq!(unit_pattern("my", |line| panic!("{line}")), "my.service");
    }
}
