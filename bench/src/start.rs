//! What it costs to start a program that calls sd_listen_fds(3) and ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support as support;
use support::{has, run, text};

use crate::libraries::Release;
use crate::programs::Programs;
use crate::progress::progress;
use crate::statistics::median;

/// Rounds, and how many times each program is started in one.
const ROUNDS: usize = 20;
const STARTS: usize = 20;

/// A program, linked with one library or the other.
pub struct Start {
    /// As `libsdlite, static`.
    pub program: String,
    pub instructions: u64,
    pub page_faults: u64,
    pub peak_kib: u64,
    /// The time that it takes, of what it takes with the first, the installed libsystemd.
    pub of_their_time: f64,
}

/// What a program is called that has that release's C library, but not the release.
pub fn with_libc_of(release: &str) -> String {
    format!("libsdlite, libc as with {release}")
}

/// Each program; none where there are no releases to compare with.
pub fn starts(releases: &[Release]) -> Vec<Start> {
    if releases.is_empty() {
        return Vec::new();
    }
    let programs = Programs::new();
    let mut all: Vec<(String, PathBuf)> = Vec::new();
    for release in releases {
        let shared = programs.with_libsystemd("start", release);
        all.push((release.name.clone(), shared));
        if let Some(archive) = release.archive() {
            all.push((format!("{}, static", release.name), programs.with_archive("start", "gcc", &archive)));
        }
    }
    let ours = support::release().join("libsdlite.a");
    all.push(("libsdlite".into(), programs.with_libsdlite("start", None)));
    for (release, directory) in releases.iter().filter_map(|release| Some((release, release.directory.as_deref()?))) {
        all.push((with_libc_of(&release.name), programs.with_libsdlite("start", Some(directory))));
    }
    all.push(("libsdlite, static".into(), programs.with_archive("start", "gcc", &ours)));
    all.push(("libsdlite, static with musl".into(), programs.with_archive("start", "musl-gcc", &ours)));
    all.push(("libc alone".into(), programs.alone("start", "gcc", &[])));
    all.push(("libc alone, static".into(), programs.alone("start", "gcc", &["-static"])));
    all.push(("musl alone, static".into(), programs.alone("start", "musl-gcc", &["-static"])));

    let instructions: Vec<_> = all.iter().map(|(_, program)| instructions(program)).collect();
    let starter = programs.r#static("starts");
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        progress("Starting programs", round, ROUNDS);
        rounds.extend(round_of(&starter, &all));
    }
    let the_median = |which: usize, column: usize| median(rounds.iter().map(|round| round[which][column]).collect());
    let row = |(which, ((program, _), instructions)): (usize, ((String, PathBuf), u64))| Start {
        program,
        instructions,
        page_faults: the_median(which, 1) as u64,
        peak_kib: the_median(which, 2) as u64,
        of_their_time: median(rounds.iter().map(|round| round[which][0] / round[0][0]).collect()),
    };
    all.into_iter().zip(instructions).enumerate().map(row).collect()
}

/// Each program started in turn, several times: the time, page faults and memory of each, each time.
fn round_of(starter: &Path, programs: &[(String, PathBuf)]) -> Vec<Vec<[f64; 3]>> {
    let output = run(Command::new(starter).arg(STARTS.to_string()).args(programs.iter().map(|(_, program)| program)));
    let line = |line: &str| {
        let mut numbers = line.split(' ').skip(1).map(|number| number.parse::<f64>().expect("a number"));
        [(); 3].map(|()| numbers.next().expect("three numbers"))
    };
    let lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(line).collect();
    lines.chunks(programs.len()).map(<[_]>::to_vec).collect()
}

/// From the first instruction of the dynamic linker to the last of exit(3), without the kernel's.
fn instructions(program: &Path) -> u64 {
    has("valgrind", "valgrind");
    let output = run(Command::new("env")
        .args(["-i", "PATH=/usr/bin:/bin", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program));
    let output = text(&output);
    let collected = output.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind's count").1;
    collected.trim().parse().expect("a number")
}
