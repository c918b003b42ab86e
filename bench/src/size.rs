//! How large the libraries are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support as support;
use support::growth::{Growth, LISTEN, NOTIFY, growth};
use support::{functions, has, release, run, scratch};

use crate::libraries::Release;

/// A shared library as it is distributed.
pub struct Shared {
    pub library: String,
    pub bytes: u64,
    /// What is loaded with it, besides the C library's parts, and all of that together.
    pub needs: Vec<String>,
    pub bytes_with_needs: u64,
}

/// Theirs, and the last is ours; none where there are no releases to compare with.
pub fn shared(releases: &[Release]) -> Vec<Shared> {
    if releases.is_empty() {
        return Vec::new();
    }
    let directory = scratch();
    let ours = directory.path().join("libsdlite.so");
    run(Command::new("strip").arg("-o").arg(&ours).arg(release().join("libsdlite.so")));
    let row = |library: String, file: &Path, linker: Vec<PathBuf>| {
        let needed = loaded(file, linker);
        let bytes = fs::metadata(file).expect("a library").len();
        let needs = needed.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        let others: u64 = needed.iter().map(|path| fs::metadata(path).expect("a library").len()).sum();
        Shared { library, bytes, needs, bytes_with_needs: bytes + others }
    };
    let theirs = releases.iter().map(|release| row(release.name.clone(), &release.library, release.linker()));
    theirs.chain([row("libsdlite".into(), &ours, Vec::new())]).collect()
}

/// The libraries that the dynamic linker loads with one, but for those of the C library.
fn loaded(library: &Path, linker: Vec<PathBuf>) -> Vec<PathBuf> {
    const LIBC: &[&str] = &["libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux"];
    let mut command = match linker.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg("--list");
            command
        }
        None => Command::new("ldd"),
    };
    let output = run(command.arg(library));
    // `libcap.so.2 => /lib/x86_64-linux-gnu/libcap.so.2 (0x00007f…)`
    let output = String::from_utf8_lossy(&output.stdout);
    let lines = output.lines().filter_map(|line| line.trim().split_once(" => "));
    let lines = lines.filter(|(name, _)| !LIBC.iter().any(|part| name.contains(part)));
    lines.filter_map(|(_, path)| Some(path.split_once(" (")?.0.into())).collect()
}

/// What a static program grows by.
pub struct Static {
    pub library: String,
    pub libc: &'static str,
    pub part: &'static str,
    pub growth: Growth,
}

/// As above.
pub fn statics(releases: &[Release]) -> Vec<Static> {
    if releases.is_empty() {
        return Vec::new();
    }
    let all = functions();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let parts = [("what asks about descriptors", LISTEN), ("`sd_notify()`", NOTIFY), ("everything", &all)];
    let mut rows = Vec::new();
    let mut add = |library: &str, archive: &Path, libc, compiler, package| {
        has(compiler, package);
        rows.extend(parts.iter().map(|(part, functions)| Static {
            library: library.to_owned(),
            libc,
            part,
            growth: growth(compiler, archive, functions, true),
        }));
    };
    for release in releases {
        if let Some(archive) = release.archive() {
            add(&release.name, &archive, "glibc", "gcc", "gcc");
        }
    }
    let ours = release().join("libsdlite.a");
    add("libsdlite", &ours, "glibc", "gcc", "gcc");
    add("libsdlite", &ours, "musl", "musl-gcc", "musl-tools");
    rows
}
