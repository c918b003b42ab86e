//! Environment files beside the generator that reads environment.d(5), which reads them as EnvironmentFile= is read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sd_activate::spec::environment_file;

use crate::describe::unquote;
use crate::oracle;

const GENERATOR: &str = "/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";

/// What files are made of. Variables are not: the generator replaces them.
const SCRAPS: &[&str] = &[
    "A",
    "B1",
    "_c",
    "1D",
    "é",
    "=",
    "=",
    "=",
    "\n",
    "\n",
    "\n",
    "\r",
    " ",
    "\t",
    "\"",
    "\"",
    "'",
    "'",
    "\\",
    "\\\n",
    "\\n",
    "\\\"",
    "\\'",
    "\\\\",
    "#",
    ";",
    "# x\n",
    "; y \\\n",
    "export ",
    "a b",
    "-",
    "`",
    "A=1\n",
    "B=\"a b\"\n",
    "C='c'd\n",
    "D=",
];

type Variables = BTreeMap<String, OsString>;

#[test]
fn environment_files_are_read_as_systemd_reads_them() {
    if !oracle::is_here() {
        return;
    }
    let directory = sdlite_test_support::scratch();
    fs::create_dir(directory.path().join("environment.d")).unwrap();
    // Other packages have theirs in /usr/lib/environment.d.
    let others = run(directory.path(), "");
    let others: Vec<&str> = others.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let text = prop::collection::vec(select(SCRAPS), 0..14).prop_map(|scraps| scraps.concat());
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&text, |text| {
            prop_assert_eq!(read(&text), generated(directory.path(), &others, &text));
            Ok(())
        })
        .unwrap();
}

/// The last of each name counts, of those that are not empty: the generator takes no empty ones.
fn read(text: &str) -> Variables {
    let variables = environment_file::parse(text.as_bytes()).into_iter();
    variables.filter(|(_, value)| !value.is_empty()).collect()
}

fn generated(directory: &Path, others: &[&str], text: &str) -> Variables {
    let text = run(directory, text);
    let variables = text.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = unquote(value).into_iter().next().unwrap_or_default();
        (!others.contains(&name)).then(|| (name.to_owned(), OsString::from_vec(value)))
    });
    variables.collect()
}

fn run(directory: &Path, text: &str) -> String {
    fs::write(directory.join("environment.d/x.conf"), text).unwrap();
    let output = Command::new(GENERATOR)
        .env_clear()
        .env("HOME", directory)
        .env("XDG_CONFIG_HOME", directory)
        .output()
        .expect("systemd (Debian: apt-get install systemd)");
    String::from_utf8(output.stdout).unwrap()
}
