//! One function, with the same cases for both libraries.

use std::cell::Cell;
use std::ffi::c_int;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::bytes::Guarded;
use crate::descriptors::Descriptors;
use crate::known::{Counts, Known};
use crate::library::Libraries;
use crate::login;
use crate::observe::{Before, ERRNO, Errno, Observation};
use crate::report::side_by_side;
use crate::zoo::Zoo;

pub struct Function {
    pub name: &'static str,
    /// How many of three thousand cases are for it, about.
    pub share: u64,
    /// Whether it can be compared only with a /run of its own.
    pub needs_namespace: bool,
    pub compare: fn(&Comparison<'_>) -> Result<(), Difference>,
}

pub struct Difference(pub String);

/// What comparing a function takes.
pub struct Comparison<'a> {
    pub name: &'static str,
    pub libraries: &'a Libraries,
    pub zoo: &'a Zoo,
    pub descriptors: Descriptors<'a>,
    pub arguments: Guarded,
    pub cases: u64,
    pub seed: u64,
    /// For those who watch.
    pub counters: &'a Counters,
    /// The number of the case that is to be shown before it is tried, as it did not come back.
    pub trace: Option<u64>,
    pub show: &'a dyn Fn(String),
}

/// What has come of a function so far, in memory that processes share.
#[derive(Default)]
pub struct Counters {
    /// How many cases there have been.
    pub done: AtomicU64,
    pub known: Counts,
}

/// So many cases have a seed of their own: a difference is found again by that seed, soon.
const BATCH: u64 = 5000;

impl Comparison<'_> {
    /// Compares `observe` of both libraries in all cases.
    ///
    /// # Safety
    ///
    /// `F` is a pointer to a function of C with the function's signature.
    pub unsafe fn run<F: Copy, C: Debug, O: Debug + PartialEq>(
        &self,
        cases: &impl Strategy<Value = C>,
        observe: impl Fn(F, &C) -> Observation<O>,
    ) -> Result<(), Difference> {
        // SAFETY: as the caller promises.
        unsafe { self.run_knowing(cases, observe, |_, _, _| &[]) }
    }

    /// The same, where `known` says of a case that differs, with libsystemd's answer and ours, by what it may.
    ///
    /// # Safety
    ///
    /// As for `run`.
    pub unsafe fn run_knowing<F: Copy, C: Debug, O: Debug + PartialEq>(
        &self,
        cases: &impl Strategy<Value = C>,
        observe: impl Fn(F, &C) -> Observation<O>,
        known: impl Fn(&C, &Observation<O>, &Observation<O>) -> &'static [Known],
    ) -> Result<(), Difference> {
        // SAFETY: as the caller promises.
        let [reference, ours]: [F; 2] = unsafe { self.libraries.functions(self.name) };
        let shrinking = Cell::new(false);
        let compare = &|case: C| {
            let number = self.counters.done.load(Ordering::Relaxed);
            if self.trace == Some(number) {
                (self.show)(format!("{case:#?}"));
            }
            let (mut expected, answered) = (observe(reference, &case), observe(ours, &case));
            if shrinking.get() {
                renew_alarm();
            } else {
                self.counters.done.store(number + 1, Ordering::Relaxed);
            }
            if expected.is(&answered) {
                return Ok(());
            }
            let (errno, mut differs_by) = (expected.errno, Vec::new());
            if answered.errno == Errno::Kept && self.may_change_errno(&expected) {
                differs_by.push(Known::Errno);
                expected.errno = Errno::Kept;
            }
            let is_known = expected.is(&answered) || {
                let known = known(&case, &expected, &answered);
                differs_by.extend_from_slice(known);
                !known.is_empty()
            };
            if is_known && differs_by.iter().all(|known| self.concerns(*known)) {
                if !shrinking.get() {
                    differs_by.iter().for_each(|known| self.counters.known.count(*known));
                }
                return Ok(());
            }
            expected.errno = errno;
            shrinking.set(true);
            Err(TestCaseError::fail(side_by_side(&expected.fields(), &answered.fields())))
        };
        for batch in 0..self.cases.div_ceil(BATCH) {
            renew_alarm();
            let seed = self.seed.wrapping_add(batch);
            let cases_left = self.cases - batch * BATCH;
            let config = Config {
                cases: cases_left.min(BATCH) as u32,
                failure_persistence: None,
                max_shrink_iters: 20_000,
                ..Config::default()
            };
            match TestRunner::new_with_rng(config, rng(self.name, seed)).run(cases, compare) {
                Ok(()) => {}
                Err(TestError::Abort(reason)) => panic!("{}: {reason}", self.name),
                Err(TestError::Fail(observations, case)) => {
                    let after = self.counters.done.load(Ordering::Relaxed);
                    return Err(Difference(format!(
                        "{}: a difference in case {after}; SDLITE_SEED={seed} finds it again\n{case:#?}\n{observations}",
                        self.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// Whether the function may have changed errno, where this library's has not.
    fn may_change_errno<O>(&self, reference: &Observation<O>) -> bool {
        let Errno::Changed { from, to } = reference.errno else { return false };
        // Of a send buffer that only the machine's root may have.
        let refused = to == libc::EPERM;
        match self.name {
            "sd_is_mq" => [-libc::EBADF, -libc::ENAMETOOLONG].contains(&reference.result),
            // Before it reads a number of a key's.
            name if name.starts_with("sd_id128_get_invocation") => to == 0,
            name if name.starts_with("sd_journal_stream_fd") => reference.result < 0 || refused,
            name if name.starts_with("sd_journal_") => from < 0,
            name if name.contains("notify") => refused,
            "sd_login_monitor_new" => true,
            name => login::FUNCTIONS.iter().any(|function| function.name == name),
        }
    }

    /// Whether the reference differs so.
    fn concerns(&self, known: Known) -> bool {
        known.concerns(self.libraries.release())
    }

    /// Whether a case may not be tried as it is, as the reference does not survive what `known` says.
    pub fn must_avoid(&self, known: Known) -> bool {
        let must = self.concerns(known);
        if must {
            self.counters.known.count(known);
        }
        must
    }

    /// What a call starts from; descriptors and arguments have been put in place.
    pub fn before(&self) -> Before<'_> {
        Before {
            environment: Before::usual_environment(),
            descriptors: &self.descriptors,
            arguments: &self.arguments,
            errno: ERRNO,
        }
    }

    /// A path, or another argument that is a string, as a pointer; None is NULL.
    pub fn place(&self, string: Option<Vec<u8>>) -> *const std::ffi::c_char {
        string.map_or(std::ptr::null(), |string| self.arguments.place_string(&string))
    }
}

/// A case that blocks for ever ends the process, after as many seconds as many cases take.
fn renew_alarm() {
    // SAFETY: it takes a number alone.
    unsafe { libc::alarm(300) };
}

/// Each function has random numbers of its own.
fn rng(name: &str, seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    for (i, byte) in name.bytes().enumerate() {
        bytes[8 + i % 24] ^= byte;
    }
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// For functions with no other output.
pub fn nothing(_: c_int) {}
