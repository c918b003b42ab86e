//! Debian's units: every setting of theirs is in the table, and none cannot be read.
//!
//! Without arguments, those that are installed are read; with `all`, those of the 80 packages of Debian 12 that ship system
//! socket units and are below 5 MB, which are downloaded and unpacked, not installed. What becomes of each setting is
//! printed as a table, and a summary.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sd_activate::spec::Scope;
use sd_activate::spec::{UnitName, UnitType};
use sd_activate::unit::diagnostic::{Diagnostic, Level};
use sd_activate::unit::load::{Loaded, Loader, State};
use sdlite_test_support as support;

/// What `apt-file search --regexp 'lib/systemd/system/[^/]*\.socket$'` lists for bookworm, but for what is 5 MB or more.
const PACKAGES: &str = include_str!("packages.txt");

/// Where packages put units.
const PLACES: [&str; 2] = ["lib/systemd/system", "usr/lib/systemd/system"];

fn main() -> ExitCode {
    let root = if env::args().any(|argument| argument == "all") {
        let root = support::builds().join("check-units");
        let _ = fs::remove_dir_all(&root);
        let packages: Vec<String> = PACKAGES.lines().map(str::to_owned).collect();
        if let Err(error) = support::debian::unpack(&packages, &root) {
            println!("Debian's packages cannot be had: {error}");
            return ExitCode::FAILURE;
        }
        root
    } else {
        PathBuf::from("/")
    };

    let path: Vec<PathBuf> = PLACES.iter().map(|place| root.join(place)).collect();
    let loader = Loader::new(Scope::system(), path.clone(), []);
    let units = units(&loader, &path);
    if units.is_empty() {
        support::not_here("unit files of Debian's packages, of which none is installed");
        return ExitCode::SUCCESS;
    }
    let table = table(&units);
    println!("{table}\n{}", summary(&units));
    if root != Path::new("/") {
        fs::write(root.join("table.md"), &table).unwrap();
    }

    let bad: Vec<String> = units.iter().flat_map(bad).collect();
    bad.iter().for_each(|line| println!("{line}"));
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All sockets and services; a template as one of its instances.
fn units(loader: &Loader, path: &[PathBuf]) -> Vec<Loaded> {
    let entries = path.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten();
    let names = entries.filter_map(|entry| UnitName::new(entry.file_name().to_str()?));
    let wanted = names.filter(|name| matches!(name.unit_type(), UnitType::Socket | UnitType::Service));
    let names: BTreeSet<UnitName> = wanted.map(|name| name.instantiate("instance").unwrap_or(name)).collect();
    let units = names.iter().map(|name| loader.load(name)).filter(|unit| unit.state != State::Masked);
    let by_own_name: BTreeMap<UnitName, Loaded> = units.map(|unit| (unit.name.clone(), unit)).collect();
    by_own_name.into_values().collect()
}

/// The settings of which this became.
fn became(unit: &Loaded, level: Option<Level>) -> Vec<&'static str> {
    unit.settings.iter().filter(|(_, became)| **became == level).map(|(name, _)| *name).collect()
}

fn table(units: &[Loaded]) -> String {
    let mut table = String::from("| unit | honoured | without effect here | refused |\n| --- | --- | --- | --- |\n");
    for unit in units {
        let [no_effect, refused] = [Level::NoEffect, Level::Refused].map(|level| became(unit, Some(level)).join(" "));
        let honoured = became(unit, None).len();
        table += &format!("| {} | {honoured} | {no_effect} | {refused} |\n", unit.name);
    }
    table
}

fn summary(units: &[Loaded]) -> String {
    let of_type = |unit_type| units.iter().filter(move |unit| unit.name.unit_type() == unit_type);
    let mut summary = String::new();
    for (kind, unit_type) in [("sockets", UnitType::Socket), ("services", UnitType::Service)] {
        let all = of_type(unit_type).count();
        let whole = of_type(unit_type).filter(|unit| unit.spec.is_some()).count();
        summary += &format!("{all} {kind}: nothing of {whole} is refused.\n");
    }
    for level in [None, Some(Level::NoEffect), Some(Level::Refused)] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in units.iter().flat_map(|unit| became(unit, level)) {
            *counts.entry(name).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        let uses: usize = counts.iter().map(|(_, count)| count).sum();
        let names: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let word = level.map_or("honoured".to_owned(), |level| level.to_string());
        summary += &format!("{word}: {uses} uses of {} settings: {}\n", counts.len(), names.join(", "));
    }
    summary
}

/// What must not be: settings that are not in the table, and units that cannot be read.
fn bad(unit: &Loaded) -> Vec<String> {
    // What is obsolete is only warned of.
    let unlisted = |said: &Diagnostic| said.level == Level::Warning && said.setting.is_none();
    let wrong = unit.diagnostics.iter().filter(|said| unlisted(said) || said.level == Level::Error);
    wrong.map(ToString::to_string).collect()
}
