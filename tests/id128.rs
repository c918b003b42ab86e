//! sd-id128.h from programs: its macros, and who is asked for the ID of a service.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use sdlite_test_support as support;
use support::{compile, compile_with_libsystemd, run, scratch, source, text};

#[test]
fn the_macros_make_of_ids_what_libsystemds_make_of_them() {
    let directory = scratch();
    let program = |name| directory.path().join(name);
    let source = source().join("tests/programs/id128.c");
    let flags = |language| [language, "-Wall", "-Wextra", "-pedantic", "-Werror"];
    let output = |program| text(&run(&mut Command::new(program)));

    for language in ["-std=c99", "-std=c11", "-std=c17", "-std=c2x"] {
        compile(&source, &program("ours"), flags(language));
    }
    let ours = output(program("ours"));
    let one = "c2732773-23db-454e-a63b-b96e79b53e97";
    let digits = one.replace('-', "");
    let lines = [
        "16 8, 33 37".to_owned(),
        format!("{digits} {one}"),
        format!("{digits} {one}"),
        format!("{digits} {one} {digits}"),
        "0 1 0 1".to_owned(),
        "null 0, all ones 0, equal 1 1".to_owned(),
        "in sets: 0 1 1 1 0 1".to_owned(),
    ];
    assert!(ours.starts_with(&lines.join("\n")), "{ours}");
    // gcc's own language, as their macros are of it.
    if compile_with_libsystemd(&source, &program("theirs"), ["-std=gnu17", "-Wall", "-Werror"]) {
        assert_eq!(ours, output(program("theirs")));
    }
}

#[test]
fn a_program_that_runs_as_another_user_does_not_look_at_the_environment() {
    const ID: &str = "0123456789abcdef0123456789abcdef";
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return support::left_out("to be run by root, who can make set-user-ID programs of others");
    }
    let directory = scratch();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("a directory of the test's own");
    let source = source().join("tests/programs/invocation.c");
    let answers = |program: &Path| {
        let answer = || text(&run(Command::new(program).env("INVOCATION_ID", ID)));
        let as_who_started_it = answer();
        chown(program, Some(65534), None).expect("root may do that");
        fs::set_permissions(program, fs::Permissions::from_mode(0o4755)).expect("root may do that");
        [as_who_started_it, answer()]
    };
    // What there may be in the keyring belongs to somebody else.
    let expected = [format!("0 {ID}\n"), format!("{} {}\n", -libc::ENXIO, "0".repeat(32))];
    let program = directory.path().join("ours");
    compile(&source, &program, ["-Wall"]);
    assert_eq!(answers(&program), expected);
    let program = directory.path().join("theirs");
    if compile_with_libsystemd(&source, &program, ["-Wall"]) {
        assert_eq!(answers(&program), expected);
    }
}
