//! No formatter has anything to say against a page, and no shell against what completes a program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support::{TempDir, functions, has, run, scratch, source, text};

/// Everything, as make has it written.
fn written() -> TempDir {
    let directory = scratch();
    let headers = fs::read_dir(source().join("include/systemd")).expect("the headers").flatten();
    run(Command::new(env!("CARGO_BIN_EXE_sdlite-manuals"))
        .arg(directory.path())
        .args(headers.map(|entry| entry.path())));
    directory
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).expect("a directory").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn pages(directory: &Path) -> Vec<PathBuf> {
    ["man1", "man3", "man8"].iter().flat_map(|section| files(&directory.join(section))).collect()
}

#[test]
fn every_function_has_a_page() {
    let directory = written();
    let name = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let found: BTreeSet<_> = files(&directory.path().join("man3")).iter().map(name).collect();
    assert_eq!(found, functions());
    for page in files(&directory.path().join("man3")) {
        let page_text = fs::read_to_string(&page).expect("a page");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION"] {
            assert!(page_text.contains(&format!(".SH {section}\n")), "{}", page.display());
        }
    }
}

#[test]
fn every_option_is_on_its_programs_page() {
    let directory = written();
    for (page, options) in [
        ("man1/sd-activate.1", &["--listen=ADDRESS", "--fdname=", "--unit-path=", "--log-format="][..]),
        ("man1/sdctl.1", &["--kill-whom=", "--no-block", "--output="]),
        ("man1/sd-notify.1", &["--pid[=PID]", "--status=TEXT", "--fork"]),
        ("man1/sd-cat.1", &["-t, --identifier=STRING", "--level-prefix=BOOL"]),
        ("man8/sd-proxy.8", &["--connections-max=", "--exit-idle-time="]),
        ("man1/sdlite.1", &["--install=DIR"]),
    ] {
        let text = fs::read_to_string(directory.path().join(page)).expect("a page").replace("\\-", "-");
        for option in options {
            assert!(text.contains(option), "{page}: no {option}");
        }
    }
}

#[test]
fn mandoc_and_man_have_no_complaint() {
    let directory = written();
    let pages = pages(directory.path());
    if has("mandoc", "mandoc") {
        let output = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).args(&pages).output().expect("mandoc");
        assert_eq!(text(&output), "");
    }
    if has("man", "man-db") {
        for page in &pages {
            let mut man = Command::new("man");
            man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(page).env("LC_ALL", "C.UTF-8");
            let output = man.output().expect("man");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", page.display());
        }
    }
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let directory = written();
    let completions = files(&directory.path().join("completions"));
    assert_eq!(completions.len(), 6 * 3);
    for script in completions.iter().filter(|script| script.extension().is_some_and(|kind| kind == "bash")) {
        run(Command::new("bash").arg("-n").arg(script));
    }
    // The shell itself completes an option.
    let script = directory.path().join("completions/sd-notify.bash");
    let function = "function=$(complete -p sd-notify | sed 's/.* -F //; s/ .*//')";
    let words =
        "COMP_WORDS=(sd-notify --stat); COMP_CWORD=1; $function sd-notify --stat sd-notify; echo \"${COMPREPLY[*]}\"";
    let complete = format!(". {} && {function} && {words}", script.display());
    assert_eq!(text(&run(Command::new("bash").args(["-c", &complete]))), "--status\n");
}
