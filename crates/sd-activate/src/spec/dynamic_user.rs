//! What DynamicUser= calls a user.

use super::UnitName;

/// The longest name of a user.
const LONGEST: usize = 31;

/// What a unit's user is called that has no User=.
pub fn name_of(unit: &UnitName) -> String {
    let prefix = unit.prefix();
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins = prefix.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins && prefix.len() <= LONGEST && prefix.bytes().all(valid) {
        return prefix.to_owned();
    }
    format!("_du{:016x}", hash(prefix))
}

/// FNV-1a: the same in each run, so that what a unit keeps stays its own.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_a_user_of_its_name_where_that_is_one() {
        let name = |text| name_of(&UnitName::new(text).unwrap());
        assert_eq!(name("a-b.service"), "a-b");
        assert_eq!(name("a@b.service"), "a");
        for text in ["a.b.service", "1a.service", "a-name-that-is-longer-than-a-user-may-have.service"] {
            assert!(name(text).starts_with("_du"), "{text}");
        }
    }
}
