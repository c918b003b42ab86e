//! What has to agree where a release is made: versions, and what the packages of distributions say of the library.

use std::collections::BTreeSet;
use std::fs;

use sdlite_test_support as support;
use support::source;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(name: &str) -> String {
    fs::read_to_string(source().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_package_has_the_version_of_cargo_toml() {
    let changelog = read("debian/changelog");
    assert!(changelog.starts_with(&format!("libsdlite ({VERSION}-")), "{changelog}");
    let spec = read("packaging/libsdlite.spec");
    let version = spec.lines().find_map(|line| line.strip_prefix("Version:")).map(str::trim);
    assert_eq!(version, Some(VERSION));
    assert!(spec.contains(&format!(" - {VERSION}-1\n")), "the spec's changelog has this version");
}

#[test]
fn every_lock_file_has_the_version_of_cargo_toml() {
    for name in ["Cargo.lock", "bench/Cargo.lock", "fuzz/Cargo.lock"] {
        let lock = read(name);
        let packages = lock.split("[[package]]\n").skip(1);
        // Those of this workspace have no source. Neither have bench and fuzz themselves, which are in no release.
        let ours: Vec<_> = packages
            .filter(|package| !package.contains("\nsource = "))
            .filter(|package| {
                !package.starts_with("name = \"sdlite-bench\"") && !package.starts_with("name = \"sdlite-fuzz\"")
            })
            .collect();
        assert!(!ours.is_empty(), "{name}");
        for package in ours {
            assert_eq!(package.lines().nth(1), Some(&*format!("version = \"{VERSION}\"")), "{name}: {package}");
        }
    }
}

#[test]
fn debians_symbols_are_those_of_the_version_script() {
    let symbols = read("debian/libsdlite0.symbols");
    let symbols = symbols.lines().filter(|line| line.starts_with(' '));
    // Behind each stands the version that first had it.
    let found: BTreeSet<_> = symbols.map(|line| line.rsplit_once(' ').expect("a version").0.to_owned()).collect();
    let mut expected = BTreeSet::new();
    for node in support::api::nodes() {
        // Some linkers enter the nodes themselves among the symbols.
        expected.insert(format!(" (optional){0}@{0}", node.name));
        expected.extend(node.functions.iter().map(|function| format!(" {function}@{}", node.name)));
    }
    assert_eq!(found, expected);
}
