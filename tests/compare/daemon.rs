//! The other questions of sd-daemon(3): sd_watchdog_enabled(3), sd_booted(3), sd_pidfd_get_inode_id(3).

use std::ffi::{CString, c_int};
use std::fs;
use std::os::unix::fs::symlink;
use std::{process, ptr};

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::compare::{Comparison, Difference, Function, nothing};
use crate::descriptors::{self, Argument};
use crate::environment::{Installed, Number, number};
use crate::observe::{Before, Observation};
use crate::strategy::mostly;
use crate::zoo::Class;

pub const SD_WATCHDOG_ENABLED: Function =
    Function { name: "sd_watchdog_enabled", share: 90, needs_namespace: false, compare: watchdog_enabled };
pub const SD_BOOTED: Function = Function { name: "sd_booted", share: 10, needs_namespace: true, compare: booted };
pub const SD_PIDFD_GET_INODE_ID: Function =
    Function { name: "sd_pidfd_get_inode_id", share: 20, needs_namespace: false, compare: pidfd_get_inode_id };

/// A number that no function answers with.
const UNTOUCHED: u64 = 0x5d5d_5d5d;

#[derive(Debug)]
struct Watchdog {
    unset_environment: c_int,
    usec: Option<Number>,
    pid: Option<Number>,
    wanted: bool,
}

impl Watchdog {
    fn environment(&self) -> Installed {
        let variable = |name: &str, number: &Option<Number>, right: u64| {
            number.as_ref().map(|number| [name.as_bytes(), &number.text(right)].concat())
        };
        let usec = variable("WATCHDOG_USEC=", &self.usec, 30_000_000);
        let pid = variable("WATCHDOG_PID=", &self.pid, process::id().into());
        let strings = [Some(b"WATCHDOG_USECS=1".to_vec()), usec, pid, Some(b"PATH=/bin".to_vec())];
        Installed::new(
            strings.into_iter().flatten().map(|string| CString::new(string).expect("no zero byte")).collect(),
        )
    }
}

fn watchdog_enabled(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *mut u64) -> c_int;
    let variables = (option::weighted(0.95, number()), option::weighted(0.7, number()));
    let cases = (mostly(1, 0, &[1, -1]), variables, any::<bool>())
        .prop_map(|(unset_environment, (usec, pid), wanted)| Watchdog { unset_environment, usec, pid, wanted });
    let observe = |enabled: Signature, case: &Watchdog| {
        comparison.descriptors.install([]);
        let mut usec = UNTOUCHED;
        let pointer = if case.wanted { &raw mut usec } else { ptr::null_mut() };
        let before = Before { environment: case.environment(), ..comparison.before() };
        // SAFETY: the pointer is NULL or to a number, and the function has written that or nothing.
        before.observe(
            || unsafe { enabled(case.unset_environment, pointer) },
            |_| unsafe { (&raw const usec).read_volatile() },
        )
    };
    let known = |case: &Watchdog, _: &Observation<u64>, _: &Observation<u64>| {
        let numbers = [&case.usec, &case.pid];
        numbers.into_iter().flatten().map(Number::known).find(|known| !known.is_empty()).unwrap_or_default()
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run_knowing(&cases, observe, known) }
}

/// What is at /run/systemd/system.
const PLACES: &[&str] = &["directory", "absent", "file", "link to a directory", "link to nothing", "link to itself"];

fn booted(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn() -> c_int;
    const PATH: &str = "/run/systemd/system";
    fs::create_dir_all("/run/systemd").expect("a directory");
    let observe = |booted: Signature, place: &&str| {
        comparison.descriptors.install([]);
        let _ = fs::remove_file(PATH);
        let _ = fs::remove_dir(PATH);
        let made = match *place {
            "directory" => fs::create_dir(PATH),
            "file" => fs::write(PATH, ""),
            "link to a directory" => symlink("/run", PATH),
            "link to nothing" => symlink("nothing", PATH),
            "link to itself" => symlink("system", PATH),
            _ => Ok(()),
        };
        made.expect("a directory of the test's own");
        // SAFETY: it takes nothing.
        comparison.before().observe(|| unsafe { booted() }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&select(PLACES), observe) }
}

fn pidfd_get_inode_id(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *mut u64) -> c_int;
    let cases = (descriptors::arguments(|class| class == Class::Pidfd), any::<bool>());
    let observe = |get: Signature, (fd, wanted): &(Argument, bool)| {
        let fd = comparison.descriptors.install_argument(fd);
        let mut id = UNTOUCHED;
        let pointer = if *wanted { &raw mut id } else { ptr::null_mut() };
        // SAFETY: the pointer is NULL or to a number, and the function has written that or nothing.
        comparison.before().observe(|| unsafe { get(fd, pointer) }, |_| unsafe { (&raw const id).read_volatile() })
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}
