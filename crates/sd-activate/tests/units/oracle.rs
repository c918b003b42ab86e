//! What systemd says of unit files: `systemd --test --user`, as an ordinary user, reads them and prints what it has read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::Uid;

/// Debian's `nobody`: systemd does not do this as root.
const NOBODY: u32 = 65534;

pub const SYSTEMD: &str = "/lib/systemd/systemd";

/// What systemd has read of a unit.
#[derive(Debug, Default)]
pub struct Answer {
    /// Whether it can be started.
    pub loaded: bool,
    /// Its properties, each with its values.
    pub properties: BTreeMap<String, Vec<String>>,
    /// What it says about lines of files.
    pub complaints: Vec<Complaint>,
}

/// A line of which systemd ignores something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    pub file: String,
    pub line: u32,
    pub text: String,
}

/// Asks for units in a directory, which is all of the unit path.
pub fn ask(directory: &Path, names: &[String]) -> BTreeMap<String, Answer> {
    let target = format!("[Unit]\nWants={}\n", names.join(" "));
    fs::write(directory.join("all-of-them.target"), target).unwrap();
    let output = run(directory, "all-of-them.target");
    let mut answers: BTreeMap<String, Answer> = names.iter().map(|name| (name.clone(), Answer::default())).collect();
    properties(&output, &mut answers);
    // One that was asked for by another name of its.
    for name in names.iter().filter(|name| answers[*name].properties.is_empty()).cloned().collect::<Vec<_>>() {
        let mut all = BTreeMap::from_iter(units(&output).map(|unit| (unit, Answer::default())));
        properties(&output, &mut all);
        let own =
            all.into_values().find(|unit| unit.properties.get("Alias").is_some_and(|names| names.contains(&name)));
        answers.extend(own.map(|own| (name, own)));
    }
    assert!(output.contains("-> Unit all-of-them.target:"), "systemd --test read nothing:\n{output}");
    for complaint in complaints(&output) {
        for (_, answer) in answers.iter_mut().filter(|(name, _)| is_about(&complaint.file, name)) {
            answer.complaints.push(complaint.clone());
        }
    }
    answers
}

/// Whether there is a systemd of the release that all of this was compared with. Others know other settings, and other values.
pub fn is_here() -> bool {
    if !sdlite_test_support::has(SYSTEMD, "systemd") {
        return false;
    }
    let output = Command::new(SYSTEMD).arg("--version").output().unwrap();
    let known = output.stdout.starts_with(b"systemd 252 ");
    if !known {
        sdlite_test_support::not_here("systemd 252, which is that of Debian 12");
    }
    known
}

/// Whether a file is one of a unit's: its own, its template's, or a drop-in. What their names begin with is the unit's alone.
fn is_about(file: &str, name: &str) -> bool {
    let beginning = |text: &str| text[..text.find(['-', '@', '.', '/']).unwrap_or(text.len())].to_owned();
    let suffix = |text: &str| text.rsplit_once('.').map(|(_, suffix)| suffix.to_owned());
    let owner = file.split_once(".d/").map_or(file, |(owner, _)| owner);
    beginning(file) == beginning(name) && suffix(owner) == suffix(name)
}

/// A place where `nobody` may read, and a directory that systemd may call its runtime directory.
pub fn prepare(directory: &Path) {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    let runtime = directory.join("runtime");
    fs::create_dir_all(&runtime).unwrap();
    if Uid::current().is_root() {
        chown(&runtime, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
}

fn run(directory: &Path, unit: &str) -> String {
    let parent = directory.parent().unwrap();
    let mut command = Command::new(SYSTEMD);
    command
        .args(["--test", "--user", "--no-pager", "--log-target=console"])
        .arg(format!("--unit={unit}"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/home/nobody")
        .env("XDG_RUNTIME_DIR", parent.join("runtime"))
        .env("SYSTEMD_UNIT_PATH", directory)
        .env("SYSTEMD_LOG_LEVEL", "info")
        // %T and %V.
        .envs(["TMPDIR", "TEMP", "TMP"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::null());
    if Uid::current().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().expect("systemd (Debian: apt-get install systemd)");
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

fn complaints(output: &str) -> BTreeSet<Complaint> {
    let mut complaints = BTreeSet::new();
    for line in output.lines().take_while(|line| !line.starts_with("-> By units")) {
        let Some((path, rest)) = line.split_once(':') else { continue };
        let Some((number, text)) = rest.split_once(": ") else { continue };
        let (Some(at), Ok(line)) = (path.find("/units/"), number.parse()) else { continue };
        complaints.insert(Complaint { file: path[at + "/units/".len()..].to_owned(), line, text: text.to_owned() });
    }
    complaints
}

/// The units of which systemd prints something.
fn units(output: &str) -> impl Iterator<Item = String> {
    output.lines().filter_map(|line| line.strip_prefix("\t-> Unit ")?.strip_suffix(':')).map(str::to_owned)
}

/// Reads what systemd prints of each unit into the answers.
fn properties(output: &str, answers: &mut BTreeMap<String, Answer>) {
    let mut current = None;
    let mut commands = String::new();
    for line in output.lines() {
        if let Some(unit) = line.strip_prefix("\t-> Unit ") {
            current = unit.strip_suffix(':').map(str::to_owned);
            commands.clear();
            continue;
        }
        let Some(answer) = current.as_ref().and_then(|name| answers.get_mut(name)) else { continue };
        if let Some(kind) = line.strip_prefix("\t\t-> ") {
            commands = kind.trim_end_matches(':').to_owned();
        } else if let Some(arguments) = line.strip_prefix("\t\t\tCommand Line: ") {
            answer.properties.entry(commands.clone()).or_default().push(arguments.to_owned());
        } else if let Some((name, value)) = line.strip_prefix("\t\t").and_then(|line| line.split_once(": ")) {
            if name == "Unit Load State" {
                answer.loaded = value == "loaded";
            }
            answer.properties.entry(name.to_owned()).or_default().push(value.to_owned());
        }
    }
}
