//! Users and groups, by name or number, as systemd 252 looks them up: User=, Group=, SocketUser= and their siblings. One that
//! nobody has is an error, a number too.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User};
use sdlite_accounts::{group_by_gid, group_by_name, user_by_name, user_by_uid};

use crate::error::reason;

/// Those that there are wherever there are users, in whatever container.
const ROOT: [&str; 2] = ["root", "0"];
const NOBODY: [&str; 2] = ["nobody", "65534"];
const NOGROUP: [&str; 2] = ["nogroup", "65534"];
const OVERFLOW_ID: u32 = 65534;

/// A user.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name, even where it was asked for by its number.
    pub name: String,
    /// The number.
    pub uid: Uid,
    /// The group that it has by itself.
    pub gid: Gid,
    /// The home directory, unless that is `/`.
    pub home: Option<PathBuf>,
    /// The shell, unless that lets nobody log in.
    pub shell: Option<PathBuf>,
}

/// Why a user or group cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    what: &'static str,
    error: Errno,
}

impl Display for Unknown {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.error {
            Errno::ESRCH => write!(formatter, "there is no such {0}: create it, or name another {0}", self.what),
            error => formatter.write_str(&reason(error)),
        }
    }
}

/// The user of a name or number.
pub fn user(name: &str) -> Result<Account, Unknown> {
    if NOBODY.contains(&name) {
        let (uid, gid) = (Uid::from_raw(OVERFLOW_ID), Gid::from_raw(OVERFLOW_ID));
        return Ok(Account { name: NOBODY[0].to_owned(), uid, gid, home: None, shell: None });
    }
    let found = match name.parse() {
        Ok(number) => user_by_uid(Uid::from_raw(number)),
        Err(_) => user_by_name(name),
    };
    match found {
        Ok(Some(user)) => Ok(Account::from(user)),
        Ok(None) if ROOT.contains(&name) => Ok(root()),
        Ok(None) => Err(Unknown { what: "user", error: Errno::ESRCH }),
        Err(error) => Err(Unknown { what: "user", error }),
    }
}

/// The number of a group.
pub fn group(name: &str) -> Result<Gid, Unknown> {
    if ROOT.contains(&name) {
        return Ok(Gid::from_raw(0));
    }
    if NOGROUP.contains(&name) {
        return Ok(Gid::from_raw(OVERFLOW_ID));
    }
    let found = match name.parse() {
        Ok(number) => group_by_gid(Gid::from_raw(number)),
        Err(_) => group_by_name(name),
    };
    match found {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => Err(Unknown { what: "group", error: Errno::ESRCH }),
        Err(error) => Err(Unknown { what: "group", error }),
    }
}

/// The user that this process runs as. None where its number has no name.
pub fn own() -> Option<User> {
    user_by_uid(Uid::current()).ok().flatten()
}

/// Root, where nothing says more: in a container without /etc/passwd.
fn root() -> Account {
    Account {
        name: ROOT[0].to_owned(),
        uid: Uid::from_raw(0),
        gid: Gid::from_raw(0),
        home: Some("/root".into()),
        shell: Some("/bin/sh".into()),
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let home = Some(user.dir).filter(|home| home.is_absolute() && home != Path::new("/"));
        let shell = Some(user.shell).filter(|shell| shell.is_absolute() && !lets_nobody_in(shell));
        Self { name: user.name, uid: user.uid, gid: user.gid, home, shell }
    }
}

fn lets_nobody_in(shell: &Path) -> bool {
    shell.file_name().is_some_and(|name| ["nologin", "false", "true"].iter().any(|refusing| name == *refusing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_looked_up_as_systemd_looks_them_up() {
        for name in ["root", "0"] {
            let root = user(name).unwrap();
            assert_eq!((root.name.as_str(), root.uid.as_raw(), root.gid.as_raw()), ("root", 0, 0));
            assert_eq!(root.home.as_deref(), Some(Path::new("/root")));
            assert_eq!(group(name), Ok(Gid::from_raw(0)));
        }
        for name in ["nobody", "65534"] {
            let nobody = user(name).unwrap();
            assert_eq!((nobody.name.as_str(), nobody.uid.as_raw(), nobody.gid.as_raw()), ("nobody", 65534, 65534));
            assert_eq!((nobody.home, nobody.shell), (None, None));
        }
        assert_eq!(group("nogroup"), Ok(Gid::from_raw(65534)));
        for nobody_has in ["no-such-user", "4294000000"] {
            let reason = user(nobody_has).unwrap_err().to_string();
            assert_eq!(reason, "there is no such user: create it, or name another user");
            assert_eq!(group(nobody_has).unwrap_err().error, Errno::ESRCH);
        }
    }
}
