//! DynamicUser=: users that nobody has given a name or number to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::unistd::{Gid, Uid};
use sdlite_accounts::{group_by_gid, user_by_uid};

use crate::account::{self, Account};
use crate::spec::dynamic_user::hash;

/// The numbers that systemd has for them.
const FIRST: u32 = 61184;
const LAST: u32 = 65519;

/// Those that were handed out; a name keeps its number.
#[derive(Debug, Default)]
pub struct DynamicUsers(Mutex<BTreeMap<u32, String>>);

impl DynamicUsers {
    /// The user of a name: one that there is, or one that has the number which follows from the name, or the next that is free.
    /// None where all are taken.
    pub(super) fn find(&self, name: &str) -> Option<Account> {
        if let Ok(known) = account::user(name) {
            return Some(Account { home: None, shell: None, ..known });
        }
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = LAST - FIRST + 1;
        let wanted = (hash(name) % u64::from(count)) as u32;
        let candidates = (0..count).map(|step| FIRST + (wanted + step) % count);
        let number = candidates.into_iter().find(|number| match taken.get(number) {
            Some(owner) => owner == name,
            None => is_free(*number),
        })?;
        taken.insert(number, name.to_owned());
        let (uid, gid) = (Uid::from_raw(number), Gid::from_raw(number));
        Some(Account { name: name.to_owned(), uid, gid, home: None, shell: None })
    }
}

/// Whether neither a user nor a group has a number, nor systemd has handed it out.
fn is_free(number: u32) -> bool {
    let user = user_by_uid(Uid::from_raw(number));
    let group = group_by_gid(Gid::from_raw(number));
    let handed_out = Path::new("/run/systemd/dynamic-uid").join(number.to_string());
    !matches!(user, Ok(Some(_))) && !matches!(group, Ok(Some(_))) && !handed_out.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_no_other_has_it() {
        let users = DynamicUsers::default();
        let mut numbers = BTreeMap::new();
        for name in (0..100).map(|number| format!("no-such-user-{number}")) {
            let account = users.find(&name).unwrap();
            assert!((FIRST..=LAST).contains(&account.uid.as_raw()));
            assert_eq!(account.uid.as_raw(), account.gid.as_raw());
            assert_eq!(users.find(&name).unwrap().uid, account.uid);
            assert_eq!(numbers.insert(account.uid.as_raw(), name), None);
        }
        assert!(users.find("root").unwrap().uid.is_root());
    }
}
