//! Whether a unit is the same to both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sd_activate::spec::Scope;
use sd_activate::spec::{Origin, UnitName};
use sd_activate::unit::diagnostic::Level;
use sd_activate::unit::load::{Loader, State};

use crate::describe::{RELATIONS, describe, normalize};
use crate::oracle::{self, Answer};

/// Files by their paths below the one directory of the unit path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What differs in each of these units, if anything does.
pub fn differences(files: &Files, names: &[String]) -> BTreeMap<String, String> {
    differences_with_links(files, &[], names)
}

/// The same, with links, each with what it holds.
pub fn differences_with_links(files: &Files, links: &[(&str, &str)], names: &[String]) -> BTreeMap<String, String> {
    let scratch = sdlite_test_support::scratch();
    oracle::prepare(scratch.path());
    let directory = scratch.path().join("units");
    fs::create_dir(&directory).unwrap();
    for (path, text) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for (path, target) in links {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }
    let answers = oracle::ask(&directory, names);
    let loader = Loader::new(scope(scratch.path()), vec![directory.clone()], []);
    names
        .iter()
        .filter_map(|name| Some((name.clone(), difference(&loader, &directory, name, &answers[name])?)))
        .collect()
}

/// As the environment of the one who asks has it.
fn scope(runtime: &Path) -> Scope {
    let configuration = PathBuf::from("/home/nobody/.config");
    Scope {
        user: true,
        runtime: runtime.join("runtime"),
        state: configuration.clone(),
        cache: "/home/nobody/.cache".into(),
        logs: configuration.join("log"),
        configuration,
        home: "/home/nobody".into(),
    }
}

fn difference(loader: &Loader, directory: &Path, name: &str, answer: &Answer) -> Option<String> {
    let loaded = loader.load(&UnitName::new(name).unwrap());
    let mut found = Vec::new();

    let lines = |levels: &[Level]| -> BTreeSet<(String, u32)> {
        let said = loaded.diagnostics.iter().filter(|said| levels.contains(&said.level));
        let origins = said.filter_map(|said| said.origin.as_ref()).filter(|origin| origin.line > 0);
        let place = |origin: &Origin| {
            let file = origin.file.strip_prefix(directory).unwrap();
            (file.display().to_string(), last_line(&fs::read(&origin.file).unwrap(), origin.line))
        };
        origins.map(place).collect()
    };
    let complained = answer.complaints.iter().map(|complaint| (complaint.file.clone(), complaint.line)).collect();
    // With the first line that keeps it from starting a unit, systemd stops reading; and not always does it name that line.
    let (warned, said) = (lines(&[Level::Warning]), lines(&[Level::Warning, Level::Error]));
    let none_too_many = !answer.loaded || warned.is_subset(&complained);
    if loaded.state != State::Masked && !(none_too_many && said.is_superset(&complained)) {
        found.push(format!("lines complained of: {said:?}\n  by systemd: {:#?}", answer.complaints));
    }

    let spec = loaded.spec.as_ref();
    if spec.is_some() != answer.loaded {
        found.push(format!("can be started: {}, by systemd: {}", spec.is_some(), answer.loaded));
    }
    if let Some(spec) = spec.filter(|_| answer.loaded) {
        for (property, values) in describe(spec) {
            let printed = answer.properties.get(&property).into_iter().flatten();
            let mut values = values;
            let mut expected: Vec<String> = printed.filter_map(|value| normalize(&property, value)).collect();
            // It counts those that are masked.
            expected.retain(|value| property != "DropIn Path" || fs::read(value).is_ok_and(|text| !text.is_empty()));
            // It prints dependencies in no order, and conditions backwards.
            let condition = property.starts_with("Condition") || property.starts_with("Assert");
            if condition || property == "Alias" || RELATIONS.contains(&property.as_str()) {
                expected.sort();
                values.sort();
            }
            if property.ends_with("Sec") && nearly(&values, &expected) {
                continue;
            }
            if values != expected {
                found.push(format!("{property}: {values:?}, by systemd: {expected:?}"));
            }
        }
    }
    if found.is_empty() {
        return None;
    }
    let diagnostics: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    Some(format!("{}\n  said: {diagnostics:#?}", found.join("\n")))
}

/// Whether two time spans are the same but for what systemd does not print.
fn nearly(one: &[String], other: &[String]) -> bool {
    let number = |values: &[String]| values.first().and_then(|value| value.parse::<u64>().ok());
    // It prints three places of the largest unit but seconds at the most.
    matches!((number(one), number(other)), (Some(one), Some(other)) if one.abs_diff(other) < 1_000_000)
}

/// The last of the lines that a line is continued in: by its number systemd goes.
fn last_line(text: &[u8], first: u32) -> u32 {
    let text = String::from_utf8_lossy(text);
    let mut number = first;
    for line in text.lines().skip(first as usize - 1) {
        let comment = line.trim_start().starts_with(['#', ';']);
        let continued = line.len() - line.trim_end_matches('\\').len();
        if !comment && continued % 2 == 0 {
            break;
        }
        number += 1;
    }
    number
}
