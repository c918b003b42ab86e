//! The library under load: everything at once, interrupted, forked, ten million times, and watched by valgrind and, where
//! SDLITE_SANITIZER says so, by a sanitizer.

use std::fs;

use sdlite_test_support as support;

/// Runs robust.c, which says nothing where all is well; `wrapper` is what runs it.
fn wear_out(wrapper: &[&str], what: &str, number: u64) {
    let directory = support::scratch();
    let program = directory.path().join("robust");
    let source = support::source().join("tests/programs/robust.c");
    // Symbols are found at the start: what is counted, and interrupted, is the library and not the dynamic linker.
    support::compile(&source, &program, ["-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-lrt", "-Wl,-z,now"]);
    let run = support::scratch();
    let Some(mut command) = support::with_run(run.path()) else { return };
    let output = command.args(wrapper).arg(&program).arg(what).arg(number.to_string()).output().expect("unshare");
    // Where valgrind does not know a system call it says so, on stderr, and goes on.
    let silent = output.stdout.is_empty() && (output.stderr.is_empty() || !wrapper.is_empty());
    assert!(output.status.success() && silent, "{what}: {}\n{}", output.status, support::text(&output));
}

#[test]
fn every_function_is_called() {
    let programs = support::source().join("tests/programs");
    let sources =
        ["every.h", "every_login.h", "shared.h"].map(|name| fs::read_to_string(programs.join(name)).expect("a source"));
    let calls = sources.concat();
    for function in support::functions() {
        let called = [",", "(", ")("].iter().any(|after| calls.contains(&format!("{function}{after}")));
        assert!(called, "every.h does not call {function}()");
    }
}

#[test]
fn every_function_called_in_turn_answers_what_it_has_to() {
    wear_out(&[], "all", 10);
}

#[test]
fn ten_million_calls_leave_no_descriptor_open_and_no_memory_in_use() {
    // A sanitizer takes memory itself. What malloc(3) keeps for the thread would count as in use, and the C library's own list
    // of variables is as long as it was given.
    if support::sanitizer().is_none() {
        wear_out(&["env", "-i", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0"], "count", 10_000_000);
    }
}

#[test]
fn threads_that_call_everything_at_once_share_one_socket_and_lose_nothing() {
    for _ in 0..10 {
        wear_out(&[], "threads", 20);
    }
}

#[test]
fn threads_fork_while_others_call_everything_and_so_do_their_children() {
    wear_out(&[], "forks", 20);
}

#[test]
fn a_signal_handler_may_log_at_any_moment() {
    wear_out(&[], "timer", 2000);
}

#[test]
fn a_signal_handler_may_log_at_any_instruction() {
    if !cfg!(target_arch = "x86_64") {
        return support::not_here("a processor that stops after each instruction: x86-64");
    }
    // The sanitizers' own instructions are not meant.
    if support::sanitizer().is_none() {
        wear_out(&[], "steps", 1);
    }
}

#[test]
fn valgrind_finds_no_error_and_no_leak_in_any_function() {
    if !support::has("valgrind", "valgrind") || support::sanitizer().is_some() {
        return;
    }
    let valgrind = "valgrind -q --error-exitcode=3 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all";
    wear_out(&valgrind.split(' ').collect::<Vec<_>>(), "all", 3);
}
