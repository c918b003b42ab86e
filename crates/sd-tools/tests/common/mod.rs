//! The original programs beside ours.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_SYSTEMD` | a directory with another release of systemd and its C library |
//! | `SDLITE_CASES` | how many random command lines; 200 if not set |
//! | `SDLITE_SEED` | the seed to begin with; if not set, always the same, or random with `SDLITE_CASES` |

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use sdlite_test_support::random::{chacha, trials};
use sdlite_test_support::{has, run};

/// A program of systemd's, as this system has it; or of another release, below the directory that SDLITE_SYSTEMD names, with the C
/// library that belongs to it.
pub struct Original {
    command: Vec<PathBuf>,
    /// The release.
    pub version: u32,
}

impl Original {
    /// None where it is not installed. Its path, where it is none of the commands that everybody calls.
    pub fn find(name: &str) -> Option<Self> {
        let command = match env::var_os("SDLITE_SYSTEMD").map(PathBuf::from) {
            None if !has(name, "systemd") => return None,
            None => vec![PathBuf::from(name)],
            Some(root) => {
                let library = std::fs::read_dir(root.join("usr/lib")).expect("a system").flatten();
                let library = library.map(|entry| entry.path()).find(|path| path.join("libc.so.6").exists());
                let library = library.expect("its C library");
                let linker = std::fs::read_dir(&library).expect("libraries").flatten();
                let linker = linker.map(|entry| entry.path());
                let mut linker = linker
                    .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")));
                let libraries = format!("{0}:{0}/systemd", library.display());
                let linker = linker.next().expect("its dynamic linker");
                vec![
                    linker,
                    "--argv0".into(),
                    name.into(),
                    "--library-path".into(),
                    libraries.into(),
                    root.join(name.strip_prefix('/').map_or(format!("usr/bin/{name}"), |path| format!("usr/{path}"))),
                ]
            }
        };
        let words = run(Command::new(&command[0]).args(&command[1..]).arg("--version"));
        let words = String::from_utf8_lossy(&words.stdout).into_owned();
        let version =
            words.split(' ').nth(1).and_then(|version| version.parse().ok()).expect("systemd and its release");
        Some(Self { command, version })
    }

    /// What is executed, before the arguments.
    pub fn command(&self) -> &[PathBuf] {
        &self.command
    }
}

/// Exit status and words.
pub fn words(output: &Output) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    vec![
        format!("{}", output.status),
        format!("stdout {}", text(&output.stdout)),
        format!("stderr {}", text(&output.stderr)),
    ]
}

/// Each run of digits as one `N`.
pub fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if plain.ends_with('N') => (),
            '0'..='9' => plain.push('N'),
            other => plain.push(other),
        }
    }
    plain
}

/// Tries random command lines, and says the smallest that is not what it should be.
pub fn random(words: impl Strategy<Value = Vec<String>>, test: impl Fn(&[&str]) -> Result<(), TestCaseError>) {
    let (cases, seed) = trials("SDLITE_CASES", 200);
    let cases = u32::try_from(cases).expect("not that many");
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &chacha(seed)));
    let result = runner.run(&words, |words| test(&words.iter().map(String::as_str).collect::<Vec<_>>()));
    result.unwrap_or_else(|error| panic!("{error}\nSDLITE_SEED={seed} finds it again"));
}
