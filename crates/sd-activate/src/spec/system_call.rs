//! System calls: their names, their groups, and their numbers on the machines whose programs the kernel executes here.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::Architecture;

/// What `systemd-analyze syscall-filter` of release 252 prints, without what it says of the groups: the name of a group and, below it,
/// names of calls and of other groups.
const GROUPS: &str = include_str!("system_call_groups.txt");

/// The calls that a list of those that are allowed has by itself.
pub const ALWAYS: &str = "@default";

/// The group of all calls.
const KNOWN: &str = "@known";

/// The calls of a group, those of the groups in it included. None where there is no such group.
pub fn group(name: &str) -> Option<BTreeSet<&'static str>> {
    if !name.starts_with('@') {
        return None;
    }
    let mut lines = GROUPS.lines().skip_while(|line| line.strip_suffix(':') != Some(name));
    lines.next()?;
    let mut calls = BTreeSet::new();
    for line in lines.take_while(|line| !line.ends_with(':')) {
        if line.starts_with('@') {
            calls.extend(group(line)?);
        } else {
            calls.insert(line);
        }
    }
    Some(calls)
}

/// Whether there is a call of this name on any machine.
pub fn is_known(name: &str) -> bool {
    TABLES.iter().any(|table| table.number(name).is_some()) || group(KNOWN).is_some_and(|known| known.contains(name))
}

/// The system calls of a kind of machine.
pub struct Table {
    /// Which kind.
    pub architecture: Architecture,
    /// What the kernel calls the machine: AUDIT_ARCH_X86_64 and so on.
    pub audit: u32,
    /// Their numbers by their names. A filter looks for some hundred, so the table is read once.
    calls: &'static LazyLock<Calls>,
}

type Calls = HashMap<&'static str, u32>;

/// Calls as the kernel's headers have them (asm/unistd.h of Linux 6.12, and what came since): a name and its number in each line.
fn read(table: &'static str) -> Calls {
    let calls = table.lines().filter_map(|line| line.split_once(' '));
    calls.filter_map(|(name, number)| Some((name, number.parse().ok()?))).collect()
}

impl Table {
    /// The number of a call, by its name.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.calls.get(name).copied()
    }
}

macro_rules! table {
    ($machine:ident, $architecture:ident, $audit:literal) => {
        Table {
            architecture: Architecture::$architecture,
            audit: $audit,
            calls: {
                static CALLS: LazyLock<Calls> =
                    LazyLock::new(|| read(include_str!(concat!("system_calls/", stringify!($machine), ".txt"))));
                &CALLS
            },
        }
    };
}

/// The machine that this is made for, and those whose programs its kernel executes as well. None where its calls are not known.
pub static TABLES: &[Table] = &[
    #[cfg(target_arch = "x86_64")]
    table!(x86_64, X86_64, 0xc000_003e),
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    table!(x86, X86, 0x4000_0003),
    #[cfg(target_arch = "aarch64")]
    table!(aarch64, Arm64, 0xc000_00b7),
    #[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
    table!(arm, Arm, 0x4000_0028),
    #[cfg(target_arch = "riscv64")]
    table!(riscv64, Riscv64, 0xc000_00f3),
    #[cfg(target_arch = "s390x")]
    table!(s390x, S390x, 0x8000_0016),
    #[cfg(target_arch = "loongarch64")]
    table!(loongarch64, Loongarch64, 0xc000_0102),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_of_systemd_252() {
        let printed = std::process::Command::new("systemd-analyze").arg("syscall-filter").output();
        let printed = printed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = std::process::Command::new("systemctl").arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        if !version.starts_with("systemd 252") {
            println!("Left out: it needs systemd 252, whose groups are compared");
            return;
        }
        let mut name = "";
        for line in printed.lines().take_while(|line| !line.starts_with("# Ungrouped")) {
            match line.trim() {
                comment if comment.starts_with('#') || comment.is_empty() => (),
                heading if line.starts_with('@') => name = heading,
                member => {
                    let calls = group(name).unwrap_or_else(|| panic!("there is no {name}"));
                    match group(member) {
                        Some(members) => assert!(members.is_subset(&calls), "{member} is not in {name}"),
                        None => assert!(calls.contains(member), "{member} is not in {name}"),
                    }
                }
            }
        }
        assert!(name == KNOWN, "{name}");
    }

    #[test]
    fn every_line_of_the_tables_is_a_call_with_its_number() {
        for table in [
            include_str!("system_calls/aarch64.txt"),
            include_str!("system_calls/arm.txt"),
            include_str!("system_calls/loongarch64.txt"),
            include_str!("system_calls/riscv64.txt"),
            include_str!("system_calls/s390x.txt"),
            include_str!("system_calls/x86.txt"),
            include_str!("system_calls/x86_64.txt"),
        ] {
            assert_eq!(read(table).len(), table.lines().count());
        }
    }

    #[test]
    fn calls_are_known_by_their_names() {
        for name in ["openat", "mincore", "osf_statfs", "mmap2", "clock_settime64"] {
            assert!(is_known(name), "{name}");
        }
        assert!(!is_known("no_such_call"));
        assert!(group("@no-such-group").is_none());
        let numbers = ["openat", "pidfd_open"].map(|name| TABLES[0].number(name));
        assert_eq!(numbers, [libc::SYS_openat, libc::SYS_pidfd_open].map(|number| Some(number as u32)));
    }
}
