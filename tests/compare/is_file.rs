//! sd_is_fifo(3) and sd_is_special(3).

use std::ffi::{c_char, c_int};

use proptest::prelude::*;

use crate::compare::{Comparison, Difference, Function, nothing};
use crate::descriptors::{self, Argument};
use crate::paths::{Path, paths};
use crate::zoo::Class;

pub const SD_IS_FIFO: Function = Function {
    name: "sd_is_fifo",
    share: 90,
    needs_namespace: false,
    compare: |comparison| compare(comparison, |class| class == Class::Fifo),
};

pub const SD_IS_SPECIAL: Function = Function {
    name: "sd_is_special",
    share: 90,
    needs_namespace: false,
    compare: |comparison| compare(comparison, |class| class == Class::File),
};

#[derive(Debug)]
pub struct Case {
    pub fd: Argument,
    pub path: Path,
}

fn compare(comparison: &Comparison<'_>, usual: fn(Class) -> bool) -> Result<(), Difference> {
    let cases = (descriptors::arguments(usual), paths()).prop_map(|(fd, path)| Case { fd, path });
    compare_cases(comparison, &cases)
}

/// For all functions that take a descriptor and a path.
pub fn compare_cases(comparison: &Comparison<'_>, cases: &impl Strategy<Value = Case>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *const c_char) -> c_int;
    let observe = |is: Signature, case: &Case| {
        let fd = comparison.descriptors.install_argument(&case.fd);
        let path = comparison.place(case.path.bytes(case.fd.kind()));
        // SAFETY: `path` is NULL or a string.
        comparison.before().observe(|| unsafe { is(fd, path) }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(cases, observe) }
}
