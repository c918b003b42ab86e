//! The table of calls. tests/syscalls.rs counts the system calls of each row, tests/faults makes each of them fail.
//!
//! A new function gets rows in the module of its topic. What they are given is in tests/programs/calls/given.h.

mod daemon;
mod id128;
mod is;
mod journal;
mod listen;
mod login;
mod notify;
mod program;
mod usual;

use std::sync::OnceLock;

pub use program::{Observed, Program, Run};
pub use usual::{Call, Usual, answer};

use crate::{has_keyrings, has_pidfs, is_root_of_the_machine};

const TOPICS: &[&[Case]] =
    &[listen::CASES, is::CASES, notify::CASES, daemon::CASES, journal::CASES, id128::CASES, login::CASES];

/// All rows. Their numbers here are those in the program.
pub fn cases() -> &'static [Case] {
    static ALL: OnceLock<Vec<Case>> = OnceLock::new();
    ALL.get_or_init(|| TOPICS.concat())
}

/// A row: a call in C, made in a process of its own.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is done before.
    pub given: &'static str,
    /// In C.
    pub call: &'static str,
    /// What it returns where nothing fails.
    pub answer: i32,
    /// Its system calls, in the order in which they are made; the same call several times in a row is counted.
    pub costs: &'static str,
    /// With libsystemd.
    pub compared: Compared,
    /// What strace injects in any case, as its option `inject=` takes it.
    pub always: &'static [&'static str],
}

/// How libsystemd's answer and number of system calls compare where nothing fails.
#[derive(Clone, Copy)]
pub enum Compared {
    /// It answers the same, and needs as many system calls or more.
    All,
    /// As that, from the release on that has this version node. Earlier ones do something else.
    Since(&'static str),
    /// It answers the same, and needs so many system calls less, for this reason.
    Less(usize, &'static str),
}

const fn call(call: &'static str, answer: i32, costs: &'static str) -> Case {
    Case { given: "", call, answer, costs, compared: Compared::All, always: &[] }
}

impl Case {
    const fn given(self, given: &'static str) -> Self {
        Self { given, ..self }
    }

    const fn compared(self, compared: Compared) -> Self {
        Self { compared, ..self }
    }

    const fn always(self, always: &'static [&'static str]) -> Self {
        Self { always, ..self }
    }

    /// The function that is called.
    pub fn function(&self) -> &'static str {
        let mut names = self.call.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        match names.find(|name| name.starts_with("sd_") || name.starts_with("printv")).unwrap_or_default() {
            "printv" => "sd_journal_printv",
            "printv_at" => "sd_journal_printv_with_location",
            function => function,
        }
    }

    /// Whether this kernel and this user can have what it takes.
    pub fn is_here(&self) -> bool {
        let needs_pidfs = self.given.contains("passed_to") || self.function() == "sd_pidfd_get_inode_id";
        let needs_root = self.costs.contains("setsockopt") || self.has_credentials();
        let needs_keyrings = self.costs.contains("key");
        (!needs_keyrings || has_keyrings())
            && (!needs_pidfs || has_pidfs())
            && (!needs_root || is_root_of_the_machine())
    }

    /// Whether it sends an entry to the journal.
    pub fn sends_to_journal(&self) -> bool {
        self.function().starts_with("sd_journal_") && !self.function().contains("stream_fd")
    }

    /// Whether it is sent in another process's name.
    pub fn has_credentials(&self) -> bool {
        self.function().starts_with("sd_pid_notify") && self.call.contains("(1, ")
    }

    /// As messages show it.
    pub fn text(&self) -> String {
        if self.given.is_empty() { self.call.to_owned() } else { format!("{}; {}", self.given, self.call) }
    }
}
