//! Which arguments a format takes: sd_journal_send(3) has to know, as what comes behind them is the next format. What printf(3) takes is
//! for the C library to say that a program runs with.

use std::path::PathBuf;
use std::process::Command;

use sdlite_test_support as support;
use support::{TempDir, has, run, scratch, source, text};

/// How many random formats.
const FORMATS: &str = "300000";

/// formats.c, and a command that runs it: with the C library that belongs to the libsystemd of SDLITE_LIBSYSTEMD, where that is set.
fn program(compiler: &str, arguments: &[&str]) -> (TempDir, Command) {
    let directory = scratch();
    let program: PathBuf = directory.path().join("formats");
    run(Command::new(compiler)
        .args(["-O1", "-Wall", "-Wextra", "-Werror"])
        .args(arguments)
        .arg("-o")
        .arg(&program)
        .args(["tests/programs/formats.c", "src/arguments.c"].map(|name| source().join(name))));
    let command = match support::reference().filter(|_| compiler == "cc") {
        Some(libraries) => {
            let mut command = Command::new(support::linker(&libraries));
            command.arg("--library-path").arg(&libraries).arg(program);
            command
        }
        None => Command::new(program),
    };
    (directory, command)
}

#[test]
fn every_conversion_with_every_length_takes_the_arguments_that_printf_takes() {
    for (compiler, package, arguments) in [("cc", "gcc", &[] as &[&str]), ("musl-gcc", "musl-tools", &["-static"])] {
        if has(compiler, package) {
            let (_directory, mut command) = program(compiler, arguments);
            println!("{compiler}: {}", text(&run(command.arg("table"))));
        }
    }
}

#[test]
fn random_formats_take_the_arguments_that_glibc_says_they_take() {
    if has("cc", "gcc") {
        let (_directory, mut command) = program("cc", &[]);
        let seed = std::process::id().to_string();
        println!("{}", text(&run(command.args(["random", FORMATS, &seed]))));
    }
}
