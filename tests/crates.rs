//! The packages that `cargo package` makes, by the lists of what goes into them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use sdlite_test_support as support;
use support::{run, source};

/// What is in every package. Cargo writes the first four itself.
const EVERYWHERE: [&str; 7] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

/// Each package, its directory, and what else is in it: files, or directories with all that they hold.
const PACKAGES: [(&str, &str, &[&str]); 7] = [
    ("sdlite-accounts", "crates/sdlite-accounts", &["src"]),
    ("sdlite-core", "crates/sdlite-core", &["src"]),
    ("sdlite", "crates/sdlite", &["src"]),
    ("sd-activate", "crates/sd-activate", &["src"]),
    ("sd-tools", "crates/sd-tools", &["src"]),
    ("sdlite-box", "crates/sdlite-box", &["src"]),
    (
        "libsdlite",
        "",
        &[
            "CHANGELOG.md",
            "Makefile",
            "build.rs",
            "docs",
            "include",
            "libsystemd.pc.in",
            "sdlite.pc.in",
            "src",
            "systemd.pc.in",
        ],
    ),
];

#[test]
fn every_package_holds_what_it_is_built_from_and_its_papers() {
    for (package, directory, contents) in PACKAGES {
        let top = source().join(directory);
        let mut expected: BTreeSet<_> = EVERYWHERE.map(str::to_owned).into();
        for name in contents {
            add(&top, name, &mut expected);
        }
        // Figures are no use without the page that they are on.
        expected.retain(|file| !file.ends_with(".svg"));

        let cargo = env!("CARGO");
        let list = run(Command::new(cargo)
            .args(["package", "--list", "--offline", "--allow-dirty", "--package", package])
            .current_dir(source()));
        let mut found: BTreeSet<_> = String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect();
        // It is there where the source tree is a repository.
        found.insert(EVERYWHERE[0].to_owned());
        assert_eq!(
            (&expected - &found, &found - &expected),
            Default::default(),
            "{package}: missing, and not expected"
        );
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let read = |directory: &Path| fs::read(directory.join(licence)).expect("a licence");
            assert_eq!(read(&top), read(source()), "{package}");
        }
    }
}

/// Adds the file of this name, or all files in the directory of this name.
fn add(top: &Path, name: &str, files: &mut BTreeSet<String>) {
    let path = top.join(name);
    if !path.is_dir() {
        files.insert(name.to_owned());
        return;
    }
    for entry in fs::read_dir(path).expect("a directory") {
        let entry = entry.expect("an entry").file_name();
        add(top, &format!("{name}/{}", entry.to_str().expect("a plain name")), files);
    }
}
