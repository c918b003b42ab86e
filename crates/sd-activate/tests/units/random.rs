//! Random units.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sdlite_test_support::random::{chacha, trials};

use crate::grammar::{Unit, unit};
use crate::oracle;
use crate::same::{Files, differences};

/// So many are asked about at once.
const BATCH: usize = 200;

/// So many that differ are shown.
const SHOWN: usize = 10;

#[test]
fn random_units_are_to_systemd_what_they_are_here() {
    if !oracle::is_here() {
        return;
    }
    let (cases, first_seed) = trials("SDLITE_CASES", 600);
    for batch in 0..cases.div_ceil(BATCH as u64) {
        let seed = first_seed.wrapping_add(batch);
        let units = generate(seed);
        let found = compare(&units);
        if !found.is_empty() {
            let differing = units.iter().filter(|unit| found.contains_key(&unit.name));
            let reports: Vec<String> = differing.take(SHOWN).map(report).collect();
            panic!(
                "{} of {} units differ; SDLITE_SEED={seed} finds them again:\n\n{}",
                found.len(),
                units.len(),
                reports.join("\n")
            );
        }
    }
}

/// The least that differs in a unit, and how.
fn report(unit: &Unit) -> String {
    let smallest = shrink(unit.clone());
    let difference = &compare(std::slice::from_ref(&smallest))[&smallest.name];
    let files = smallest.files.iter().map(|(path, text)| format!("{path}:\n{}", String::from_utf8_lossy(text)));
    format!("{}\n{difference}\n", files.collect::<Vec<_>>().join("\n"))
}

fn generate(seed: u64) -> Vec<Unit> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &chacha(seed));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..BATCH).map(|number| unit(number).new_tree(&mut runner).unwrap().current()).collect()
}

fn compare(units: &[Unit]) -> std::collections::BTreeMap<String, String> {
    let files: Files = units.iter().flat_map(|unit| unit.files.clone()).collect();
    let names: Vec<String> = units.iter().map(|unit| unit.name.clone()).collect();
    differences(&files, &names)
}

/// The unit without every line that the difference does not need.
fn shrink(mut unit: Unit) -> Unit {
    let mut changed = true;
    while changed {
        changed = false;
        for path in unit.files.keys().cloned().collect::<Vec<_>>() {
            let lines = unit.files[&path].split_inclusive(|byte| *byte == b'\n').count();
            for line in (0..lines).rev() {
                let mut smaller = unit.clone();
                let text = smaller.files.get_mut(&path).unwrap();
                let kept = text.split_inclusive(|byte| *byte == b'\n').enumerate().filter(|(index, _)| *index != line);
                *text = kept.flat_map(|(_, line)| line.to_vec()).collect();
                if compare(std::slice::from_ref(&smaller)).contains_key(&unit.name) {
                    unit = smaller;
                    changed = true;
                }
            }
        }
    }
    unit
}
