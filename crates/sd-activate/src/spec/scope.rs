//! Whose units are managed, and what follows from it: table 2 of systemd.exec(5).

use std::path::PathBuf;

use nix::unistd::Uid;

use crate::account;

/// Whose units are managed: the machine's, or a user's.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Whether they are a user's: `--user`.
    pub user: bool,
    /// %t: where runtime directories are.
    pub runtime: PathBuf,
    /// %S.
    pub state: PathBuf,
    /// %C.
    pub cache: PathBuf,
    /// %L.
    pub logs: PathBuf,
    /// %E.
    pub configuration: PathBuf,
    /// %h: the home directory of who manages them.
    pub home: PathBuf,
}

impl Scope {
    /// The machine's units.
    pub fn system() -> Self {
        Self {
            user: false,
            runtime: "/run".into(),
            state: "/var/lib".into(),
            cache: "/var/cache".into(),
            logs: "/var/log".into(),
            configuration: "/etc".into(),
            home: account::own().map_or_else(|| "/root".into(), |user| user.dir),
        }
    }

    /// The user's units, where $HOME, $XDG_RUNTIME_DIR and the others say.
    pub fn user() -> Self {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = variable("HOME").or_else(|| account::own().map(|user| user.dir)).unwrap_or_else(|| "/".into());
        let configuration = variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        Self {
            user: true,
            runtime: variable("XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/user/{}", Uid::current()).into()),
            state: configuration.clone(),
            cache: variable("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")),
            logs: configuration.join("log"),
            configuration,
            home,
        }
    }
}
