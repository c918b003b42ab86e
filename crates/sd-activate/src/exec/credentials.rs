//! Who runs a unit's commands: User=, Group= and SupplementaryGroups=.

use std::ffi::CString;

use nix::unistd::{Gid, Uid};
use sdlite_accounts::groups_of;

use super::directories::Owner;
use super::plan::Credentials;
use super::step::Step;
use super::unit::UnitPlan;
use crate::account::{self, Account, Unknown};
use crate::error::Error;
use crate::spec::{ExecSpec, Privileges};

/// Those whom a unit's settings name.
pub(super) struct Accounts {
    /// User=.
    pub user: Option<Account>,
    /// Group=.
    group: Option<Gid>,
    /// SupplementaryGroups=.
    supplementary: Vec<Gid>,
}

impl UnitPlan {
    /// Looks them up.
    pub(super) fn accounts(&self, exec: &ExecSpec) -> Result<Accounts, Error> {
        let failed = |step, setting, name: &str, unknown: Unknown| Error::Step {
            step,
            what: self.what(setting, name),
            reason: unknown.to_string(),
        };
        let user = |name: &String| account::user(name).map_err(|unknown| failed(Step::User, "User", name, unknown));
        let group = |name: &String, setting| {
            account::group(name).map_err(|unknown| failed(Step::Group, setting, name, unknown))
        };
        let made_up = |name: &String| {
            self.manager.dynamic_users.find(name).ok_or_else(|| Error::Step {
                step: Step::User,
                what: self.what("DynamicUser", "yes"),
                reason: "all numbers of such users are taken".to_owned(),
            })
        };
        let is_dynamic = exec.confinement.dynamic_user;
        let find = |name| if is_dynamic { made_up(name) } else { user(name) };
        // The group of the same name comes with the user.
        let named = exec.group.as_ref().filter(|group| !is_dynamic || exec.user.as_ref() != Some(*group));
        Ok(Accounts {
            user: exec.user.as_ref().map(find).transpose()?,
            group: named.map(|name| group(name, "Group")).transpose()?,
            supplementary: exec
                .supplementary_groups
                .iter()
                .map(|name| group(name, "SupplementaryGroups"))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Accounts {
    /// What a command becomes. None where it stays what this process is.
    pub(super) fn credentials(&self, privileges: Privileges) -> Option<Credentials> {
        let Self { user, group, supplementary } = self;
        if user.is_none() && group.is_none() && supplementary.is_empty() {
            return None;
        }
        let (uid, gid) = self.ids();
        let mut groups = supplementary.clone();
        // Root has no others.
        if let Some(name) = user.as_ref().filter(|_| !uid.is_root()).and_then(|user| CString::new(&*user.name).ok()) {
            groups.splice(0..0, groups_of(&name, gid).unwrap_or_default());
        }
        let mut known = Vec::new();
        groups.retain(|group| {
            let is_new = !known.contains(group);
            known.push(*group);
            is_new
        });
        // A prefix of the command takes the user and the group away, but not the other groups.
        let ids = (privileges == Privileges::Restricted).then_some((uid, gid));
        let is_own = uid == Uid::current() && gid == Gid::current() && supplementary.is_empty();
        // Who is not root can become nobody else, but is already who they are.
        (!is_own || uid.is_root()).then_some(Credentials { ids, groups })
    }

    /// The user and the group that a command is executed as, unless it has a prefix that says otherwise.
    pub(super) fn ids(&self) -> (Uid, Gid) {
        let uid = self.user.as_ref().map_or(Uid::current(), |user| user.uid);
        (uid, self.group.unwrap_or(self.user.as_ref().map_or(Gid::current(), |user| user.gid)))
    }

    /// The same, where the unit names one of them.
    pub(super) fn named(&self) -> Option<(Uid, Gid)> {
        (self.user.is_some() || self.group.is_some()).then(|| self.ids())
    }

    /// To whom its directories are given.
    pub(super) fn owner(&self) -> Owner {
        let of_user = self.user.as_ref().map(|user| user.gid);
        Owner { uid: self.user.as_ref().map(|user| user.uid), gid: self.group.or(of_user) }
    }
}
