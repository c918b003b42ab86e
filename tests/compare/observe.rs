//! What a call does, as far as anybody can tell.

use std::ffi::{CString, c_int};
use std::fmt::Debug;

use crate::bytes::{Bytes, Guarded};
use crate::descriptors::{self, Descriptors};
use crate::environment::Installed;
use crate::report::Fields;
use crate::sys;

/// Everything about a call that has to be the same.
pub struct Observation<O> {
    pub result: c_int,
    pub errno: Errno,
    /// None where `environ` points elsewhere.
    pub environment: Option<Vec<Bytes>>,
    /// The flags of the descriptors from 3 on; None where one is not open.
    pub descriptors: [Option<c_int>; descriptors::COUNT],
    /// It is another one after a descriptor was left open.
    pub lowest_free: c_int,
    /// What the arguments point to is as it was.
    pub arguments_kept: bool,
    /// What came out through pointers, or was sent.
    pub output: O,
}

/// What became of errno.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Errno {
    Kept,
    Changed { from: c_int, to: c_int },
}

/// What errno is before a call: no function sets it to this.
pub const ERRNO: c_int = 4711;

impl<O: Debug + PartialEq> Observation<O> {
    pub fn fields(&self) -> Fields {
        vec![
            ("result", format!("{}", self.result)),
            ("errno", format!("{:?}", self.errno)),
            ("output", format!("{:?}", self.output)),
            ("environment", format!("{:?}", self.environment)),
            ("flags of descriptors", format!("{:?}", self.descriptors)),
            ("lowest free descriptor", format!("{}", self.lowest_free)),
            ("arguments kept", format!("{}", self.arguments_kept)),
        ]
    }

    /// Whether `ours` is the same, but for the output.
    pub fn agrees(&self, ours: &Self) -> bool {
        self.result == ours.result && self.errno == ours.errno && self.leaves_as(ours)
    }

    /// Whether `ours` leaves the process in the same state, but for errno.
    pub fn leaves_as(&self, ours: &Self) -> bool {
        self.environment == ours.environment && self.leaves_as_but_for_environment(ours)
    }

    /// The same, of variables that differ.
    pub fn leaves_as_but_for_environment(&self, ours: &Self) -> bool {
        self.descriptors == ours.descriptors
            && self.lowest_free == ours.lowest_free
            && self.arguments_kept == ours.arguments_kept
    }

    /// The variables of other names.
    pub fn environment_without(&self, name: &str) -> Option<Vec<Bytes>> {
        let is = |variable: &Bytes| variable.0.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
        Some(self.environment.as_ref()?.iter().filter(|variable| !is(variable)).cloned().collect())
    }

    /// Whether `ours` is the same.
    pub fn is(&self, ours: &Self) -> bool {
        self.agrees(ours) && self.output == ours.output
    }
}

/// What a call starts from.
pub struct Before<'a> {
    pub environment: Installed,
    pub descriptors: &'a Descriptors<'a>,
    pub arguments: &'a Guarded,
    pub errno: c_int,
}

impl Before<'_> {
    /// For functions that the environment means nothing to.
    pub fn usual_environment() -> Installed {
        Installed::new(["PATH=/bin", "LISTEN_PID=1", "LISTEN_FDS=1"].map(|s| CString::new(s).expect("a string")).into())
    }

    /// Calls, and observes; `output` tells what else there is to compare.
    pub fn observe<O>(self, call: impl FnOnce() -> c_int, output: impl FnOnce(c_int) -> O) -> Observation<O> {
        sys::set_errno(self.errno);
        let result = call();
        let errno = match sys::errno() {
            errno if errno == self.errno => Errno::Kept,
            errno => Errno::Changed { from: self.errno, to: errno },
        };
        Observation {
            result,
            errno,
            environment: self.environment.variables(),
            descriptors: self.descriptors.flags(),
            lowest_free: self.descriptors.lowest_free(),
            arguments_kept: self.arguments.kept(),
            output: output(result),
        }
    }
}
