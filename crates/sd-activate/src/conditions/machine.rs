//! What conditions ask of the machine.

use std::fs;
use std::mem::{size_of, zeroed};
use std::path::Path;

use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use nix::sys::utsname::uname;
use nix::unistd::gethostname;

use super::compare::{self, Operator};
use super::virtualization;
use crate::control_group;
use crate::glob;
use crate::unit::quoting::{Escapes, words};
use crate::unit::specifier;
use crate::unit::value;

/// Where control groups are.
const CGROUP: &str = "/sys/fs/cgroup";

/// The controllers that systemd knows; others are not asked for.
const CONTROLLERS: [&str; 7] = ["cpu", "cpuacct", "io", "blkio", "memory", "devices", "pids"];

pub(super) fn is_architecture(parameter: &str) -> bool {
    parameter == "native" || parameter == specifier::architecture()
}

/// A name or a pattern of one, or a machine's ID.
pub(super) fn is_host(parameter: &str) -> Option<bool> {
    if let Ok(id) = sdlite_core::id128::from_string(parameter.as_bytes()) {
        return Some(sdlite_core::id128::machine().is_ok_and(|own| own == id));
    }
    let own = gethostname().ok()?.into_string().ok()?;
    Some(glob::matches(parameter, &own, libc::FNM_CASEFOLD))
}

/// A word, alone or before a `=`, or a whole assignment.
pub(super) fn has_on_command_line(parameter: &str) -> Option<bool> {
    let line = if virtualization::container().is_some() {
        fs::read_to_string("/proc/1/cmdline").ok()?.replace('\0', " ")
    } else {
        fs::read_to_string("/proc/cmdline").ok()?
    };
    let is_word = |word: &str| {
        let rest = word.strip_prefix(parameter);
        rest.is_some_and(|rest| rest.is_empty() || !parameter.contains('=') && rest.starts_with('='))
    };
    Some(line.split_whitespace().any(is_word))
}

/// Each expression has to hold.
pub(super) fn kernel_version(parameter: &str) -> Option<bool> {
    let own = uname().ok()?.release().to_str()?.to_owned();
    let mut expressions = expressions(parameter)?.into_iter();
    let mut holds = true;
    while let Some(expression) = expressions.next() {
        let (operator, operand) = Operator::split(&expression).unwrap_or((Operator::Like, &expression));
        // A blank may stand behind the operator.
        let next = if operand.trim().is_empty() { expressions.next()? } else { operand.trim().to_owned() };
        holds &= operator.compare(&own, &next);
    }
    Some(holds)
}

/// The same of what /etc/os-release says.
pub(super) fn os_release(parameter: &str) -> Option<bool> {
    let mut holds = true;
    for expression in expressions(parameter)? {
        let end = expression.find(['!', '<', '=', '>', '$'])?;
        let (key, rest) = expression.split_at(end);
        let (operator, operand) = Operator::split(rest)?;
        if key.is_empty() || operand.is_empty() {
            return None;
        }
        holds &= operator.compare(&specifier::os_release(key), operand);
    }
    Some(holds)
}

fn expressions(parameter: &str) -> Option<Vec<String>> {
    words(parameter, Escapes::Remove).map(|word| String::from_utf8(word.ok()?.bytes).ok()).collect()
}

pub(super) fn memory(parameter: &str) -> Option<bool> {
    compare::number(parameter, control_group::memory()?, |size| value::size(size).ok())
}

pub(super) fn cpus(parameter: &str) -> Option<bool> {
    // SAFETY: a structure of integers, for which zero is a value.
    let mut own: libc::cpu_set_t = unsafe { zeroed() };
    // SAFETY: the set is valid for writes, and its size is said.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut own) } != 0 {
        return None;
    }
    #[allow(unused_unsafe, reason = "with some C libraries it is a safe function")]
    // SAFETY: the kernel has filled it in.
    let count = unsafe { libc::CPU_COUNT(&own) };
    compare::number(parameter, u64::try_from(count).ok()?, |number| number.parse().ok())
}

/// `v1`, `v2`, or controllers that all have to be there.
pub(super) fn has_controllers(parameter: &str) -> bool {
    let is_unified = statfs(CGROUP).is_ok_and(|found| found.filesystem_type() == CGROUP2_SUPER_MAGIC);
    match parameter {
        "v1" => !is_unified,
        "v2" => is_unified,
        list => {
            let unified = fs::read_to_string(Path::new(CGROUP).join("cgroup.controllers")).unwrap_or_default();
            let has = |controller: &str| {
                if is_unified {
                    unified.split_whitespace().any(|known| known == controller)
                } else {
                    Path::new(CGROUP).join(controller).is_dir()
                }
            };
            list.split_whitespace().filter(|name| CONTROLLERS.contains(name)).all(has)
        }
    }
}
