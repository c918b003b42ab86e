//! What the commands of all units have in common.

use std::ffi::{OsStr, c_int};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::dynamic_user::DynamicUsers;
use super::environment::{self, Environment, Value};
use super::find::USUAL_PATH;
use crate::error::{Error, errno};
use crate::spec::{Scope, environment_file};

/// What a user's services do not inherit: it is about this process alone.
const OWN: [&str; 11] = [
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "MAINPID",
    "NOTIFY_SOCKET",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Where the locale is configured; the first that is there counts.
const LOCALES: [&str; 2] = ["/etc/locale.conf", "/etc/default/locale"];

/// The variables of locale.conf(5).
const LOCALE: [&str; 14] = [
    "LANG",
    "LANGUAGE",
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
];

/// What the commands of all units have in common.
pub struct Manager {
    /// Whose units they are.
    pub scope: Scope,
    /// The signals that are ignored in this process, and not in services.
    pub ignored: Vec<c_int>,
    /// The variables that all find.
    pub(super) environment: Environment,
    /// The users of DynamicUser=.
    pub(super) dynamic_users: DynamicUsers,
    /// /dev/null, to read from and to write to.
    pub(super) null: [Arc<OwnedFd>; 2],
}

impl Manager {
    /// That of this process.
    pub fn new(scope: Scope, ignored: Vec<c_int>) -> Result<Self, Error> {
        let open = |options: &mut std::fs::OpenOptions| {
            let failed = |error: std::io::Error| Error::Open { what: "/dev/null".to_owned(), error: errno(error) };
            options.open("/dev/null").map(|file| Arc::new(OwnedFd::from(file))).map_err(failed)
        };
        let null = [open(File::options().read(true))?, open(File::options().write(true))?];
        let environment = if scope.user { of_user() } else { of_system() };
        Ok(Self { scope, ignored, environment, dynamic_users: DynamicUsers::default(), null })
    }
}

fn of_system() -> Environment {
    let mut environment = Environment::new();
    let configured = LOCALES.iter().find_map(|file| std::fs::read(file).ok()).unwrap_or_default();
    for (name, value) in environment_file::parse(&configured) {
        if LOCALE.contains(&name.as_str()) && !value.is_empty() {
            environment::set(&mut environment, name.into(), Value::Fixed(value));
        }
    }
    if environment.is_empty() {
        environment.push(("LANG".into(), Value::Fixed("C.UTF-8".into())));
    }
    environment.push(("PATH".into(), Value::Fixed(USUAL_PATH.into())));
    environment
}

fn of_user() -> Environment {
    let inherited = std::env::vars_os().filter(|(name, _)| !OWN.iter().any(|own| name == OsStr::new(own)));
    let mut environment: Environment = inherited.map(|(name, value)| (name, Value::Fixed(value))).collect();
    if !environment.iter().any(|(name, _)| name == "PATH") {
        environment.push(("PATH".into(), Value::Fixed(USUAL_PATH.into())));
    }
    environment::set(&mut environment, "MANAGERPID".into(), Value::Fixed(std::process::id().to_string().into()));
    environment
}
