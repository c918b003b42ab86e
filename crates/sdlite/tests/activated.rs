//! What a process sees that was given descriptors: this program, started anew by a shell that passes some.

mod common;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;

use sdlite::{Error, ListenFd, is_fifo, is_socket, is_special, listen_fds};

/// Runs one test of this program in a process of its own, with descriptors and variables that `script` sets up.
fn in_activated_process(test: &str, script: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{script}; export LISTEN_PID=$$; exec \"$0\" \"$@\"")]);
    common::run_test(command, test);
}

#[test]
fn a_program_started_by_hand_was_passed_nothing() {
    assert!(listen_fds().expect("no variable is set").is_empty());
}

#[test]
fn descriptors_are_given_away_once_with_their_names() {
    in_activated_process(
        "inner_names",
        "exec 3</etc/passwd 4</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=users:null",
    );
}

#[test]
#[ignore = "run by the test above, with descriptors passed"]
fn inner_names() {
    let mut passed = listen_fds().expect("two descriptors");
    let names: Vec<_> = passed.iter().map(|passed| passed.name.to_str()).collect();
    assert_eq!(names, [Some("users"), Some("null")]);
    assert!(listen_fds().expect("the variables are as they were").is_empty());

    let ListenFd { fd: null, .. } = passed.pop().expect("the second");
    assert!(is_special(null.as_fd(), Some("/dev/null".as_ref())).expect("it is open"));
    assert!(!is_special(null.as_fd(), Some("/dev/zero".as_ref())).expect("it is open"));
    let mut users = String::new();
    File::from(passed.pop().expect("the first").fd).read_to_string(&mut users).expect("it can be read");
    assert!(users.contains("root"));
}

#[test]
fn descriptors_that_were_given_away_are_left_alone() {
    in_activated_process("inner_left_alone", "exec 3</dev/null; export LISTEN_FDS=1");
}

#[test]
#[ignore = "run by the test above, with a descriptor passed"]
fn inner_left_alone() {
    drop(listen_fds().expect("one descriptor"));
    // Number 3 is closed.
    assert!(listen_fds().expect("all are given away").is_empty());
    // SAFETY: no other thread of this process uses the environment.
    let passed = unsafe { sdlite::listen_fds_unset_environment() };
    assert!(passed.expect("all are given away").is_empty());
    assert_eq!(std::env::var_os("LISTEN_FDS"), None);
}

#[test]
fn a_descriptor_that_the_program_opened_itself_was_not_passed() {
    in_activated_process("inner_own", "exec 3</dev/null; export LISTEN_FDS=2");
}

#[test]
#[ignore = "run by the test above, with one descriptor fewer than the variable says"]
fn inner_own() {
    let own = File::open("/etc/passwd").expect("it is always there");
    assert_eq!(own.as_raw_fd(), 4);
    for _ in 0..2 {
        assert_eq!(listen_fds().expect_err("number 4 has an owner").errno(), 9);
    }
    // SAFETY: no other thread of this process uses the environment.
    unsafe { std::env::set_var("LISTEN_FDS", "1") };
    assert_eq!(listen_fds().expect("number 3 was passed").len(), 1);
}

#[test]
fn errors_carry_the_number_and_become_errors_of_io() {
    in_activated_process("inner_errors", "export LISTEN_FDS=none");
}

#[test]
#[ignore = "run by the test above, with variables that are wrong"]
fn inner_errors() {
    let error: Error = listen_fds().expect_err("the count is no number");
    assert_eq!(error.errno(), 22);
    let error = std::io::Error::from(error);
    assert_eq!(error.raw_os_error(), Some(22));
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn an_error_does_not_use_the_descriptors_up() {
    in_activated_process("inner_again", "exec 3</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=a:b");
}

#[test]
#[ignore = "run by the test above, with one name too many"]
fn inner_again() {
    assert_eq!(listen_fds().expect_err("two names for one descriptor").errno(), 22);
    // SAFETY: no other thread of this process uses the environment.
    unsafe { std::env::set_var("LISTEN_FDNAMES", "a") };
    assert_eq!(listen_fds().expect("now they agree").len(), 1);
}

#[test]
fn the_variables_go_where_that_is_asked_for() {
    in_activated_process("inner_unset", "exec 3</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=a LISTEN_PIDFDID=");
}

#[test]
#[ignore = "run by the test above, with a variable that is wrong"]
fn inner_unset() {
    // SAFETY: no other thread of this process uses the environment.
    let passed = unsafe { sdlite::listen_fds_unset_environment() };
    assert_eq!(passed.expect_err("an empty id is no number").errno(), 22);
    assert!(!std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("LISTEN_")));
}

#[test]
fn anything_with_a_descriptor_can_be_checked() {
    let file = File::open("/dev/null").expect("it is always there");
    assert_eq!(is_special(file.as_fd(), None), Ok(true));
    assert_eq!(is_fifo(file.as_fd(), None), Ok(false));
    assert_eq!(is_socket(file.as_fd(), None, None, None), Ok(false));
    assert_eq!(is_fifo(file.as_fd(), Some("/with\0zero".as_ref())).map_err(Error::errno), Err(22));
}
