//! sd_listen_fds(3) and sd_listen_fds_with_names(3).

use std::ffi::{c_char, c_int};
use std::fmt::Debug;
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::bytes::{Bytes, take_strings};
use crate::compare::{Comparison, Difference, Function, nothing};
use crate::descriptors::{COUNT, Slot, slots};
use crate::environment::{Environment, environments};
use crate::known::Known;
use crate::observe::{Before, ERRNO, Observation};
use crate::zoo;

pub const SD_LISTEN_FDS: Function =
    Function { name: "sd_listen_fds", share: 140, needs_namespace: false, compare: listen_fds };

pub const SD_LISTEN_FDS_WITH_NAMES: Function =
    Function { name: "sd_listen_fds_with_names", share: 180, needs_namespace: false, compare: listen_fds_with_names };

#[derive(Debug)]
struct Case {
    unset_environment: c_int,
    environment: Environment,
    descriptors: Vec<Slot>,
    names_wanted: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let descriptors = vec(slots(zoo::kinds(|_| true)), 0..=COUNT - 4);
    let names_wanted = prop_oneof![19 => Just(true), 1 => Just(false)];
    (environments(), descriptors, names_wanted).prop_map(
        |((environment, unset_environment), descriptors, names_wanted)| Case {
            unset_environment,
            environment,
            descriptors,
            names_wanted,
        },
    )
}

fn known<O: Debug + PartialEq>(case: &Case, theirs: &Observation<O>, ours: &Observation<O>) -> &'static [Known] {
    let known = case.environment.known();
    // What is for another process is nothing to this one, or cannot be read; the variable is unset with the others.
    let for_another = [0, -libc::EINVAL, -libc::ERANGE].contains(&ours.result);
    let taken = (theirs.result, theirs.errno, &theirs.output) == (ours.result, ours.errno, &ours.output)
        && theirs.leaves_as_but_for_environment(ours);
    let same = (for_another || taken) && theirs.lowest_free == ours.lowest_free;
    let variables = [theirs, ours].map(|observation| observation.environment_without("LISTEN_PIDFDID"));
    if known == [Known::Pidfdid] && !(same && variables[0] == variables[1]) { &[] } else { known }
}

fn before<'a>(comparison: &'a Comparison<'_>, case: &Case) -> Before<'a> {
    comparison.descriptors.install(case.descriptors.iter().cloned().enumerate());
    Before {
        environment: case.environment.install(comparison.descriptors.open()),
        descriptors: &comparison.descriptors,
        arguments: &comparison.arguments,
        errno: ERRNO,
    }
}

fn listen_fds(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int) -> c_int;
    let observe = |sd_listen_fds: Signature, case: &Case| {
        // SAFETY: it takes a number alone.
        before(comparison, case).observe(|| unsafe { sd_listen_fds(case.unset_environment) }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run_knowing(&cases(), observe, known) }
}

/// What became of the pointer for the names.
#[derive(Debug, PartialEq)]
enum Names {
    Untouched,
    Null,
    Array(Vec<Bytes>),
}

fn listen_fds_with_names(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *mut *mut *mut c_char) -> c_int;
    let untouched = ptr::without_provenance_mut::<*mut c_char>(0x5d);
    let observe = |sd_listen_fds_with_names: Signature, case: &Case| {
        let mut pointers = [untouched; 3];
        let names = if case.names_wanted { &raw mut pointers[1] } else { ptr::null_mut() };
        before(comparison, case).observe(
            // SAFETY: `names` is NULL or points to a pointer.
            || unsafe { sd_listen_fds_with_names(case.unset_environment, names) },
            |_| {
                // SAFETY: the function has written what its manual says, or nothing.
                let pointers = unsafe { (&raw const pointers).read_volatile() };
                // SAFETY: the same.
                let taken = |names: *mut *mut c_char| Names::Array(unsafe { take_strings(names) });
                pointers.map(|names| match names {
                    names if names == untouched => Names::Untouched,
                    names if names.is_null() => Names::Null,
                    names => taken(names),
                })
            },
        )
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run_knowing(&cases(), observe, known) }
}
