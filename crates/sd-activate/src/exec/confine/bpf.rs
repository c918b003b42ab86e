//! Filters of system calls, as programs for the kernel: seccomp(2).

use std::collections::BTreeMap;
use std::mem::offset_of;

use libc::{seccomp_data, sock_filter};

use crate::spec::Denial;

/// Instructions, of which each way ends with one that returns.
pub(super) type Program = Vec<sock_filter>;

/// Says yes to a call.
pub(super) const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
/// Ends the process.
pub(super) const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// A mark in the numbers of the calls of x32.
const X32: u32 = 0x4000_0000;

/// What becomes of a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is answered with this.
    Return(u32),
    /// That depends on its arguments.
    Check(Program),
}

/// What is answered to a call that is denied.
pub(super) fn denied(denial: Denial) -> u32 {
    match denial {
        Denial::Kill => KILL,
        Denial::Error(number) => libc::SECCOMP_RET_ERRNO | u32::from(number),
    }
}

/// The same with an error of the C library.
pub(super) fn error(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number as u32
}

/// The system calls of a kind of machine, and what becomes of each.
#[derive(Debug)]
pub(super) struct Section {
    /// What the kernel calls the machine.
    pub audit: u32,
    /// Those for which there is a rule.
    pub calls: BTreeMap<u32, Rule>,
    /// What becomes of all others.
    pub otherwise: Rule,
    /// What becomes of those of x32, unless it is the same: they have the machine's name, and a mark.
    pub marked: Option<u32>,
}

/// A program for calls of all these machines, and what is answered to those of others.
pub(super) fn program(sections: &[Section], foreign: u32) -> Program {
    let mut program = vec![load(offset_of!(seccomp_data, arch))];
    for section in sections {
        let own = section.program();
        program.extend(unless(libc::BPF_JEQ, section.audit, own.len()));
        program.extend(own);
    }
    program.push(give(foreign));
    program
}

impl Section {
    fn program(&self) -> Program {
        let mut program = vec![load(offset_of!(seccomp_data, nr))];
        match self.marked {
            Some(answer) => program.extend(when(libc::BPF_JGE, X32, answer)),
            None => program.push(instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, !X32)),
        }
        let mut ranges = vec![(0, &self.otherwise)];
        for (number, rule) in &self.calls {
            ranges.push((*number, rule));
            ranges.push((number.saturating_add(1), &self.otherwise));
        }
        // Of two that begin at the same number the first is empty.
        let mut merged: Vec<(u32, &Rule)> = Vec::new();
        for (start, rule) in ranges {
            if merged.last().is_some_and(|(begin, _)| *begin == start) {
                merged.pop();
            }
            if merged.last().is_none_or(|(_, before)| *before != rule) {
                merged.push((start, rule));
            }
        }
        program.extend(search(&merged));
        program
    }
}

/// Looks for the range that a number is in, halving them.
fn search(ranges: &[(u32, &Rule)]) -> Program {
    if let [(_, rule)] = ranges {
        return match rule {
            Rule::Return(answer) => vec![give(*answer)],
            Rule::Check(program) => program.clone(),
        };
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let first = search(high);
    let mut program = unless(libc::BPF_JGE, high[0].0, first.len()).to_vec();
    program.extend(first);
    program.extend(search(low));
    program
}

/// Loads the argument of this number. What the kernel takes of it is never more than its lower half.
pub(super) fn argument(number: usize) -> sock_filter {
    let half = if cfg!(target_endian = "big") { 4 } else { 0 };
    load(offset_of!(seccomp_data, args) + 8 * number + half)
}

/// Answers where what was loaded is this.
pub(super) fn when_equal(value: u32, answer: u32) -> [sock_filter; 2] {
    when(libc::BPF_JEQ, value, answer)
}

/// Answers where what was loaded has any of these bits.
pub(super) fn when_any_bit(bits: u32, answer: u32) -> [sock_filter; 2] {
    when(libc::BPF_JSET, bits, answer)
}

/// Keeps these bits of what was loaded.
pub(super) fn keep(bits: u32) -> sock_filter {
    instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, bits)
}

/// Answers.
pub(super) fn give(answer: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, answer)
}

fn load(offset: usize) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset as u32)
}

fn when(comparison: u32, value: u32, answer: u32) -> [sock_filter; 2] {
    let otherwise = sock_filter { jf: 1, ..instruction(libc::BPF_JMP | comparison | libc::BPF_K, value) };
    [otherwise, give(answer)]
}

/// Goes on behind so many instructions, unless the comparison holds.
fn unless(comparison: u32, value: u32, instructions: usize) -> [sock_filter; 2] {
    let holds = sock_filter { jt: 1, ..instruction(libc::BPF_JMP | comparison | libc::BPF_K, value) };
    [holds, instruction(libc::BPF_JMP | libc::BPF_JA, instructions as u32)]
}

fn instruction(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program answers to a call, as the kernel would run it.
    fn run(program: &Program, audit: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend(number.to_ne_bytes());
        data.extend(audit.to_ne_bytes());
        data.extend(0u64.to_ne_bytes());
        arguments.iter().for_each(|argument| data.extend(argument.to_ne_bytes()));
        let (mut at, mut loaded) = (0, 0u32);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            let class = u32::from(code) & 7;
            at += 1;
            match class {
                libc::BPF_LD => loaded = u32::from_ne_bytes(data[k as usize..][..4].try_into().unwrap()),
                libc::BPF_ALU => loaded &= k,
                libc::BPF_RET => return k,
                _ => {
                    let holds = match u32::from(code) & 0xf0 {
                        libc::BPF_JA => {
                            at += k as usize;
                            continue;
                        }
                        libc::BPF_JEQ => loaded == k,
                        libc::BPF_JGE => loaded >= k,
                        _ => loaded & k != 0,
                    };
                    at += usize::from(if holds { jt } else { jf });
                }
            }
        }
    }

    #[test]
    fn each_call_gets_the_answer_of_its_rule() {
        let check = Rule::Check([vec![argument(1)], when_equal(7, 70).to_vec(), vec![give(71)]].concat());
        let calls = (0..400).step_by(3).map(|number| (number, Rule::Return(1000 + number)));
        let mut calls: BTreeMap<u32, Rule> = calls.collect();
        calls.insert(1, check);
        calls.insert(!X32, Rule::Return(5));
        let section = Section { audit: 1, calls: calls.clone(), otherwise: Rule::Return(9), marked: Some(8) };
        let open = Section { audit: 2, calls, otherwise: Rule::Return(9), marked: None };
        let program = program(&[section, open], 6);
        for audit in [1, 2] {
            for number in 0..500 {
                let expected = match number {
                    1 => 71,
                    number if number < 400 && number % 3 == 0 => 1000 + number,
                    _ => 9,
                };
                assert_eq!(run(&program, audit, number, [0; 6]), expected, "{number}");
            }
            assert_eq!(run(&program, audit, 1, [0, 7, 0, 0, 0, 0]), 70);
            assert_eq!(run(&program, audit, 1, [7, 1 << 32 | 7, 0, 0, 0, 0]), 70);
        }
        assert_eq!(run(&program, 1, X32 | 3, [0; 6]), 8);
        assert_eq!(run(&program, 2, X32 | 3, [0; 6]), 1003);
        assert_eq!(run(&program, 3, 3, [0; 6]), 6);
    }
}
