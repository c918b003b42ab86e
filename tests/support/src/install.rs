//! Programs that are built from what `make install` has put below a prefix, and from nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{TempDir, release, run, scratch, source};

/// What activated.c and activated.rs answer when everything is as it has to be.
pub const ANSWER: &str = "sd_listen_fds 1, sd_is_socket_inet 1, sd_journal_print 0\n";

/// Variables of make, as they are given to it on the command line.
pub type Variables<'a> = &'a [(&'a str, &'a str)];

/// Runs make, which finds everything built.
pub fn make(target: &str, variables: Variables) {
    // First, so that there is nothing left to do for cargo.
    release();
    let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
    run(crate::make(source()).arg(target).args(variables));
}

/// A prefix with everything installed: `usr`, in a directory that has nothing else in it.
pub struct Prefix(TempDir);

impl Default for Prefix {
    fn default() -> Self {
        Self::new()
    }
}

impl Prefix {
    /// Runs `make install`.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same for programs of musl, in the directories that a system of musl has.
    pub fn of_musl() -> Self {
        Self::with(&[("LIBC", "musl"), ("MULTIARCH", "")])
    }

    fn with(variables: Variables) -> Self {
        let prefix = Self(scratch());
        make("install", &[variables, &[("PREFIX", &prefix.path("usr"))]].concat());
        prefix
    }

    /// The directory that the prefix is in.
    pub fn directory(&self) -> &Path {
        self.0.path()
    }

    /// The path of something in that directory.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).into_os_string().into_string().expect("a temporary directory whose name is text")
    }

    /// What pkg-config answers about a library that was installed.
    pub fn pkg_config(&self, arguments: &str) -> String {
        let mut command = Command::new("pkg-config");
        let path = ["usr/lib/sdlite/pkgconfig", "usr/lib/pkgconfig"].map(|directory| self.path(directory)).join(":");
        let output = run(command.env("PKG_CONFIG_PATH", path).args(arguments.split(' ')));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Compiles a program of tests/programs/, copied to where there is nothing of the source tree, by a command line in which
    /// `$flags` stands for what pkg-config says.
    pub fn build(&self, source_name: &str, command: &str, pkg_config: &str) -> PathBuf {
        let program = source_name.trim_end_matches(".c").trim_end_matches(".rs");
        let copy = self.path(source_name);
        fs::copy(source().join("tests/programs").join(source_name), copy).expect("a copy of the source");
        let _ = fs::remove_file(self.path(program));
        let command = command.replace("$prefix", &self.path("usr")).replace("$flags", &self.pkg_config(pkg_config));
        run(Command::new("sh").arg("-c").arg(command).current_dir(self.0.path()));
        self.0.path().join(program)
    }
}
