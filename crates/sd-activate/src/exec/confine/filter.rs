//! Which system calls a command may make: the settings of "System Call Filtering" in systemd.exec(5), and of "Sandboxing" what is
//! done by a filter.

use std::collections::{BTreeMap, BTreeSet};

use super::bpf::{self, ALLOW, KILL, Program, Rule, Section};
use crate::spec::system_call::{self, TABLES, Table};
use crate::spec::{Architecture, Confinement, Denial};

/// The kinds of namespaces that RestrictNamespaces= knows.
const NAMESPACES: libc::c_int = libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS;

/// The set-user-ID and the set-group-ID bit.
const SUID_SGID: u32 = 0o6000;

/// The program for a unit. None where all its calls are allowed.
pub(super) fn program(confinement: &Confinement, personality: Option<u32>) -> Option<Program> {
    let denied = denied_calls(confinement);
    let section = |(at, table)| section(confinement, personality, &denied, table, at == 0);
    let sections: Vec<Section> = TABLES.iter().enumerate().map(section).collect();
    let open = |section: &Section| {
        section.calls.is_empty() && section.otherwise == Rule::Return(ALLOW) && section.marked.is_none()
    };
    let foreign = if confinement.architectures.is_some() { KILL } else { ALLOW };
    (!sections.iter().all(open)).then(|| bpf::program(&sections, foreign))
}

fn section(
    confinement: &Confinement,
    personality: Option<u32>,
    denied: &BTreeSet<&str>,
    table: &Table,
    is_native: bool,
) -> Section {
    let (audit, may) = (table.audit, &confinement.architectures);
    let may_have = |architecture| may.as_ref().is_none_or(|list| list.contains(&architecture));
    if !is_native && !may_have(table.architecture) {
        return Section { audit, calls: BTreeMap::new(), otherwise: Rule::Return(KILL), marked: None };
    }
    let marked = (!may_have(Architecture::X32) && table.architecture == Architecture::X86_64).then_some(KILL);
    let checks = checks(confinement, personality, denied, table);
    let default = confinement.system_call_error.unwrap_or(Denial::Kill);
    let Some(filter) = &confinement.system_calls else {
        return Section { audit, calls: checks, otherwise: Rule::Return(ALLOW), marked };
    };
    let numbers = filter.named.iter().filter_map(|(name, denial)| Some((table.number(name)?, denial)));
    let denied = |denial: Option<Denial>| Rule::Return(bpf::denied(denial.unwrap_or(default)));
    if filter.only {
        let allowed = |number| checks.get(&number).cloned().unwrap_or(Rule::Return(ALLOW));
        let rule = |(number, denial): (u32, &Option<Denial>)| {
            (number, denial.map_or(allowed(number), |own| denied(Some(own))))
        };
        Section { audit, calls: numbers.map(rule).collect(), otherwise: denied(None), marked }
    } else {
        let mut calls = checks.clone();
        calls.extend(numbers.map(|(number, denial)| (number, denied(*denial))));
        Section { audit, calls, otherwise: Rule::Return(ALLOW), marked }
    }
}

/// What settings other than SystemCallFilter= say of calls.
fn checks(
    confinement: &Confinement,
    personality: Option<u32>,
    denied: &BTreeSet<&str>,
    table: &Table,
) -> BTreeMap<u32, Rule> {
    let Confinement { restrict_realtime, restrict_suid_sgid, memory_deny_write_execute, lock_personality, .. } =
        *confinement;
    let mut checks = BTreeMap::new();
    let mut add = |name: &str, rule: Rule| {
        if let Some(number) = table.number(name) {
            checks.insert(number, rule);
        }
    };
    let never = || Rule::Return(bpf::error(libc::EPERM));
    for call in denied {
        add(call, never());
    }
    // What is multiplexed by socketcall(2) cannot be told apart.
    if let Some(families) = confinement.address_families.as_ref().filter(|_| table.number("socketcall").is_none()) {
        let (refused, named, others) = match bpf::error(libc::EAFNOSUPPORT) {
            refused if families.only => (refused, ALLOW, refused),
            refused => (refused, refused, ALLOW),
        };
        let mut program = vec![bpf::argument(0)];
        program.extend(families.named.iter().flat_map(|family| bpf::when_equal(*family as u32, named)));
        program.push(bpf::give(others));
        let any = !families.named.is_empty();
        add(
            "socket",
            if any { Rule::Check(program) } else { Rule::Return(if families.only { refused } else { ALLOW }) },
        );
    }
    if let Some(denied) = confinement.namespaces.map(|allowed| NAMESPACES & !allowed).filter(|denied| *denied != 0) {
        let flags = |number| [vec![bpf::argument(number)], unless_any_bit(denied as u32)].concat();
        let first = if table.architecture == Architecture::S390x { 1 } else { 0 };
        add("clone", Rule::Check(flags(first)));
        // Its flags are in memory, which a filter does not see; programs take clone(2) then.
        add("clone3", Rule::Return(bpf::error(libc::ENOSYS)));
        add("unshare", Rule::Check(flags(0)));
        let mut join = vec![bpf::argument(1)];
        join.extend(bpf::when_equal(0, bpf::error(libc::EPERM)));
        join.extend(unless_any_bit(denied as u32));
        add("setns", if denied == NAMESPACES { never() } else { Rule::Check(join) });
    }
    if restrict_realtime {
        let mut program = vec![bpf::argument(1)];
        let allowed = [libc::SCHED_OTHER, libc::SCHED_BATCH, libc::SCHED_IDLE];
        program.extend(allowed.into_iter().flat_map(|policy| bpf::when_equal(policy as u32, ALLOW)));
        program.push(bpf::give(bpf::error(libc::EPERM)));
        add("sched_setscheduler", Rule::Check(program));
    }
    if restrict_suid_sgid {
        for (call, mode) in [
            ("chmod", 1),
            ("fchmod", 1),
            ("fchmodat", 2),
            ("fchmodat2", 2),
            ("mkdir", 1),
            ("mkdirat", 2),
            ("mknod", 1),
            ("mknodat", 2),
            ("creat", 1),
        ] {
            add(call, Rule::Check([vec![bpf::argument(mode)], unless_any_bit(SUID_SGID)].concat()));
        }
        // Its arguments are in memory.
        add("openat2", Rule::Return(bpf::error(libc::ENOSYS)));
        for (call, flags) in [("open", 1), ("openat", 2)] {
            add(call, Rule::Check(opening(flags)));
        }
    }
    if memory_deny_write_execute {
        let executable = |number| [vec![bpf::argument(number)], unless_any_bit(libc::PROT_EXEC as u32)].concat();
        let both = (libc::PROT_WRITE | libc::PROT_EXEC) as u32;
        let mut map = vec![bpf::argument(2), bpf::keep(both)];
        map.extend(bpf::when_equal(both, bpf::error(libc::EPERM)));
        map.push(bpf::give(ALLOW));
        match table.architecture {
            // Its arguments are in memory.
            Architecture::X86 => add("mmap", never()),
            Architecture::S390x => (),
            _ => add("mmap", Rule::Check(map.clone())),
        }
        add("mmap2", Rule::Check(map));
        add("mprotect", Rule::Check(executable(2)));
        add("pkey_mprotect", Rule::Check(executable(2)));
        add("shmat", Rule::Check([vec![bpf::argument(2)], unless_any_bit(libc::SHM_EXEC as u32)].concat()));
    }
    if lock_personality {
        let mut program = vec![bpf::argument(0)];
        program.extend(bpf::when_equal(personality.unwrap_or(0), ALLOW));
        program.push(bpf::give(bpf::error(libc::EPERM)));
        add("personality", Rule::Check(program));
    }
    checks
}

/// The calls that settings deny altogether.
fn denied_calls(confinement: &Confinement) -> BTreeSet<&'static str> {
    let settings: [(bool, &[&'static str]); 6] = [
        (confinement.protect_clock, &["@clock"]),
        (confinement.protect_hostname, &["sethostname", "setdomainname"]),
        (confinement.protect_kernel_modules, &["@module"]),
        (confinement.protect_kernel_logs, &["syslog"]),
        (confinement.protect_kernel_tunables, &["_sysctl"]),
        (confinement.private_devices, &["@raw-io"]),
    ];
    let names = settings.into_iter().filter(|(denies, _)| *denies).flat_map(|(_, names)| names);
    names.flat_map(|name| system_call::group(name).unwrap_or_else(|| BTreeSet::from([*name]))).collect()
}

fn unless_any_bit(bits: u32) -> Program {
    let [check, answer] = bpf::when_any_bit(bits, bpf::error(libc::EPERM));
    vec![check, answer, bpf::give(ALLOW)]
}

/// A file that is made: its mode is the argument after the flags.
fn opening(flags: usize) -> Program {
    let making = (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY) as u32;
    let mode = [vec![bpf::argument(flags + 1)], unless_any_bit(SUID_SGID)].concat();
    let mut program = vec![bpf::argument(flags), bpf::keep(making)];
    program.extend(bpf::when_equal(0, ALLOW));
    program.extend(mode);
    program
}
