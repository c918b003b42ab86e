//! The process in which one function is compared: nothing in it is shared with anybody.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::{env, io};

use crate::bytes::Guarded;
use crate::compare::{Comparison, Counters, Function};
use crate::descriptors::{Descriptors, FIRST, OWN};
use crate::library::Libraries;
use crate::zoo::Zoo;
use crate::{namespace, paths, sys};

/// What a child is told.
pub struct Task<'a> {
    pub function: &'a Function,
    pub libraries: &'a Libraries,
    pub directory: &'a Path,
    pub cases: u64,
    pub seed: u64,
    pub counters: &'a Counters,
    pub trace: Option<u64>,
}

pub struct Child {
    pid: libc::pid_t,
    difference: File,
    missing: File,
}

pub enum End {
    Same,
    Different(String),
    /// What it needs cannot be had.
    LeftOut(String),
    Killed(i32),
}

const DIFFERENT: i32 = 1;
const LEFT_OUT: i32 = 2;

impl Child {
    pub fn start(task: &Task<'_>) -> Self {
        let file =
            || File::from(sys::dup_above(sys::memfd(c"report").expect("a file").as_raw_fd(), OWN).expect("a number"));
        let child = Self { pid: 0, difference: file(), missing: file() };
        // SAFETY: the other threads of this process only wait, and so hold no lock that the child could need.
        match sys::check(unsafe { libc::fork() }).expect("fork") {
            0 => child.run(task),
            pid => Self { pid, ..child },
        }
    }

    /// How it ended, and what it had to do without; None while it is at work.
    pub fn poll(&mut self) -> Option<(End, String)> {
        let mut status = 0;
        // SAFETY: the pointer is to an int; the process is a child that has not been waited for.
        if unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) } != self.pid {
            return None;
        }
        let (difference, missing) = (content(&mut self.difference), content(&mut self.missing));
        let end = match libc::WEXITSTATUS(status) {
            _ if libc::WIFSIGNALED(status) => End::Killed(libc::WTERMSIG(status)),
            0 => End::Same,
            LEFT_OUT => End::LeftOut(difference),
            _ => End::Different(difference),
        };
        Some((end, missing))
    }

    /// What a child that was killed has told before.
    pub fn last_words(&mut self) -> String {
        content(&mut self.difference)
    }

    fn run(mut self, task: &Task<'_>) -> ! {
        // The thread's messages would end in the memory that the test harness keeps them in.
        panic::set_hook(Box::new(|panic| drop(writeln!(io::stderr(), "{panic}"))));
        let code = panic::catch_unwind(AssertUnwindSafe(|| self.compare(task))).unwrap_or(DIFFERENT);
        // SAFETY: it ends the process, and takes nothing with it that belongs to the parent.
        unsafe { libc::_exit(code) }
    }

    fn compare(&mut self, task: &Task<'_>) -> i32 {
        (FIRST..OWN).for_each(sys::close);
        fs::create_dir_all(task.directory).and_then(|()| env::set_current_dir(task.directory)).expect("a directory");
        if let Err(error) = namespace::enter() {
            if task.function.needs_namespace {
                self.tell(&format!("a mount namespace: {error}"));
                return LEFT_OUT;
            }
            self.miss(format!("a mount namespace: {error}"));
        }
        let _ = fs::create_dir("/dev/mqueue");
        namespace::mount_queues().unwrap_or_else(|error| self.miss(format!("/dev/mqueue: {error}")));
        paths::make(|what| self.miss(what)).expect("files");
        let zoo = Zoo::new(|what| self.miss(what));
        let difference = &self.difference;
        let comparison = Comparison {
            name: task.function.name,
            libraries: task.libraries,
            zoo: &zoo,
            descriptors: Descriptors::new(&zoo),
            arguments: Guarded::new(),
            cases: task.cases,
            seed: task.seed,
            counters: task.counters,
            trace: task.trace,
            show: &|text| write(difference, &text),
        };
        match (task.function.compare)(&comparison) {
            Ok(()) => 0,
            Err(difference) => {
                self.tell(&difference.0);
                DIFFERENT
            }
        }
    }

    fn tell(&self, text: &str) {
        write(&self.difference, text);
    }

    fn miss(&mut self, what: String) {
        write(&self.missing, &(what + "\n"));
    }
}

fn write(mut file: &File, text: &str) {
    file.write_all(text.as_bytes()).expect("room in memory");
}

fn content(file: &mut File) -> String {
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut text)).expect("a file in memory");
    String::from_utf8_lossy(&text).into_owned()
}
