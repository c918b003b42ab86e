//! The table of settings beside what systemd knows, and the unit path.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use sd_activate::spec::Scope;
use sd_activate::spec::UnitType;
use sd_activate::unit::path::unit_path;
use sd_activate::unit::settings;

use crate::oracle::{self, SYSTEMD};

/// Sections and settings, each once.
type Settings = BTreeSet<(String, String)>;

/// What `systemd --dump-configuration-items` lists of the sections that there are here.
fn known_to_systemd() -> Settings {
    let output = Command::new(SYSTEMD).arg("--dump-configuration-items").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut section = "";
    let mut settings = Settings::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            section = name;
        } else if let Some((name, _)) =
            line.split_once('=').filter(|_| ["Unit", "Socket", "Service", "Install"].contains(&section))
        {
            settings.insert((section.to_owned(), name.to_owned()));
        }
    }
    settings
}

#[test]
fn every_setting_that_systemd_knows_is_in_the_table_and_no_other_of_that_release() {
    if !oracle::is_here() {
        return;
    }
    let mut table = Settings::new();
    for (section, tables) in [UnitType::Socket, UnitType::Service].into_iter().flat_map(settings::sections) {
        for setting in tables.iter().flat_map(|table| table.iter()) {
            let fresh = table.insert(((*section).to_owned(), setting.name.to_owned()));
            assert!(fresh || ["Unit", "Install"].contains(section), "{} is in [{section}] twice", setting.name);
            if setting.since.is_some_and(|release| release > 252) {
                table.remove(&((*section).to_owned(), setting.name.to_owned()));
            }
        }
    }
    let known = known_to_systemd();
    assert!(known.len() > 500, "systemd lists {} settings only", known.len());
    assert_eq!(known.difference(&table).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not in the table");
    assert_eq!(table.difference(&known).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not known to systemd");
}

/// What the pairs in tests/units set, whichever section it is in.
fn set_in_pairs(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            set_in_pairs(&path, names);
        } else if path.extension().is_some() && !path.is_symlink() {
            let text = fs::read_to_string(path).unwrap();
            names.extend(text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())));
        }
    }
}

#[test]
fn every_setting_that_is_honoured_is_run_under_systemd_and_here() {
    /// Other names of settings, which the table of lines compares.
    const OTHER_NAMES: [&str; 3] = ["BindTo", "RequiresOverridable", "StartLimitInterval"];

    let mut set = BTreeSet::new();
    set_in_pairs(&sdlite_test_support::source().join("tests/units/pairs"), &mut set);
    let mut missing = BTreeSet::new();
    for (_, tables) in [UnitType::Socket, UnitType::Service].into_iter().flat_map(settings::sections) {
        for setting in tables.iter().flat_map(|table| table.iter()) {
            let honoured = setting.is_honoured() && setting.since.is_none_or(|release| release <= 252);
            if honoured && !set.contains(setting.name) && !OTHER_NAMES.contains(&setting.name) {
                missing.insert(setting.name);
            }
        }
    }
    assert!(missing.is_empty(), "no pair in tests/units has {missing:?}");
}

#[test]
fn the_unit_path_is_systemds() {
    if !oracle::is_here() {
        return;
    }
    for user in [false, true] {
        let output = Command::new("systemd-analyze")
            .arg(if user { "--user" } else { "--system" })
            .arg("unit-paths")
            .env_remove("SYSTEMD_UNIT_PATH")
            .output()
            .unwrap();
        let expected: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        let scope = if user { Scope::user() } else { Scope::system() };
        let path: Vec<String> = unit_path(&scope).iter().map(|directory| directory.display().to_string()).collect();
        assert!(!expected.is_empty());
        assert_eq!(path, expected);
    }
}
