//! How processes are scheduled: CPUSchedulingPolicy=, IOSchedulingClass= and their siblings, and other properties of processes.

use std::collections::BTreeSet;

use super::given::Given;
use super::quoting::Escapes;
use super::time;
use super::value::{self, Invalid};
use crate::spec::Scheduling;

/// CPUSchedulingPolicy=.
pub fn cpu_policy(scheduling: &mut Scheduling, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        scheduling.cpu = None;
        return Ok(());
    }
    let words = &[
        ("other", libc::SCHED_OTHER),
        ("batch", libc::SCHED_BATCH),
        ("idle", libc::SCHED_IDLE),
        ("fifo", libc::SCHED_FIFO),
        ("rr", libc::SCHED_RR),
    ];
    let policy = value::integer(given.value, 0, i32::MAX).or_else(|_| given.one_of(words))?;
    let cpu = scheduling.cpu.get_or_insert_default();
    cpu.policy = policy;
    cpu.priority = cpu.priority.clamp(*cpu.priorities().start(), *cpu.priorities().end());
    Ok(())
}

/// CPUSchedulingPriority=: one that any policy has, as another may be given later.
pub fn cpu_priority(scheduling: &mut Scheduling, given: &Given<'_>) -> Result<(), Invalid> {
    let priority = value::integer(given.value, 0, 99)?;
    scheduling.cpu.get_or_insert_default().priority = priority;
    Ok(())
}

/// CPUAffinity=.
pub fn affinity(processors: &mut BTreeSet<usize>, given: &Given<'_>) -> Result<(), Invalid> {
    /// As many as Linux can be built for.
    const MOST: u32 = 8191;

    if given.is_empty() {
        processors.clear();
        return Ok(());
    }
    let number = |text: &str| value::integer(text, 0, MOST).map(|number| number as usize);
    let mut read = BTreeSet::new();
    for word in given.plain_words(given.value, Escapes::Remove) {
        for part in word?.split(',').filter(|part| !part.is_empty()) {
            match part.split_once('-') {
                Some((first, last)) => match (number(first)?, number(last)?) {
                    (first, last) if first <= last => read.extend(first..=last),
                    _ => return Err(Invalid::new(format_args!("\"{part}\" ends before it begins"))),
                },
                None => drop(read.insert(number(part)?)),
            }
        }
    }
    processors.extend(read);
    Ok(())
}

/// IOSchedulingClass=.
pub fn io_class(scheduling: &mut Scheduling, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        scheduling.io = None;
        return Ok(());
    }
    let words = &[("none", 0), ("realtime", 1), ("best-effort", 2), ("idle", 3)];
    let class = value::integer(given.value, 0, 7).or_else(|_| given.one_of(words))?;
    scheduling.io.get_or_insert_default().class = class;
    Ok(())
}

/// IOSchedulingPriority=.
pub fn io_priority(scheduling: &mut Scheduling, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        scheduling.io = None;
        return Ok(());
    }
    let priority = value::integer(given.value, 0, 7)?;
    scheduling.io.get_or_insert_default().priority = priority;
    Ok(())
}

/// TimerSlackNSec=: a number without a unit counts nanoseconds.
pub fn timer_slack(given: &Given<'_>) -> Result<u64, Invalid> {
    let digits =
        ["nsec", "ns"].iter().find_map(|unit| given.value.strip_suffix(unit)).unwrap_or(given.value).trim_end();
    if let Ok(number) = digits.parse() {
        return Ok(number);
    }
    let span = time::span(given.value, 1)?.map_or(u128::MAX, |span| span.as_nanos());
    Ok(u64::try_from(span).unwrap_or(u64::MAX))
}

/// CoredumpFilter=.
pub fn coredump_filter(filter: &mut Option<u32>, given: &Given<'_>) -> Result<(), Invalid> {
    const WORDS: &[(&str, u32)] = &[
        ("private-anonymous", 1),
        ("shared-anonymous", 1 << 1),
        ("private-file-backed", 1 << 2),
        ("shared-file-backed", 1 << 3),
        ("elf-headers", 1 << 4),
        ("private-huge", 1 << 5),
        ("shared-huge", 1 << 6),
        ("private-dax", 1 << 7),
        ("shared-dax", 1 << 8),
        ("default", 0x33),
        ("all", 0x1ff),
    ];
    if given.is_empty() {
        *filter = None;
        return Ok(());
    }
    let mut bits = 0;
    for word in given.each_word(Escapes::Remove) {
        let word = word?;
        bits |= value::one_of(&word, WORDS)
            .or_else(|error| u32::from_str_radix(word.strip_prefix("0x").unwrap_or(&word), 16).map_err(|_| error))?;
    }
    *filter.get_or_insert_default() |= bits;
    Ok(())
}

/// Personality=: those that this kind of machine has.
pub fn personality(given: &Given<'_>) -> Result<Option<u32>, Invalid> {
    const PER_LINUX32: u32 = 8;
    let known: &[(&str, u32)] = if cfg!(target_arch = "x86_64") {
        &[("x86-64", 0), ("x86", PER_LINUX32)]
    } else if cfg!(target_arch = "x86") {
        &[("x86", 0)]
    } else if cfg!(target_arch = "s390x") {
        &[("s390x", 0), ("s390", PER_LINUX32)]
    } else {
        &[]
    };
    if given.is_empty() { Ok(None) } else { given.one_of(known).map(Some) }
}
