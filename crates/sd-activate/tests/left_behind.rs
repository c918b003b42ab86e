//! What a service leaves behind: a daemon in the background, the workers of a master that was killed.

mod common;

use std::net::TcpListener;
use std::path::Path;

use common::{Activator, Directory, ask, children, eventually, free_port, kill, pid, service, start};

fn activate(directory: &Directory, port: u16, what: &str) -> Activator {
    start(directory, ["-l", &format!("127.0.0.1:{port}"), service().to_str().unwrap(), what])
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_service_that_goes_into_the_background_is_started_once_and_ends_with_sd_activate() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, "background");
    let daemon = pid(port);
    for _ in 0..5 {
        assert_eq!(pid(port), daemon);
    }
    eventually("its parent's end", || (children(activator.pid()) == [daemon]).then_some(()));
    activator.signal(libc::SIGHUP);
    let hangup = format!("{daemon} {}\n", libc::SIGHUP);
    eventually("SIGHUP", || (ask(port, "pid") == hangup).then_some(()));

    // As of any service: the next connection starts it again.
    ask(port, "exit 0");
    let next = pid(port);
    assert_ne!(next, daemon);
    eventually("its parent's end", || (children(activator.pid()) == [next]).then_some(()));
    assert!(activator.stop().success());
    assert!(!runs(next));
    TcpListener::bind(("127.0.0.1", port)).expect("nobody listens any more");
    let output = activator.output();
    assert!(output.contains(&format!("process {daemon}, which has its sockets, is the service now")), "{output}");
}

#[test]
fn the_workers_of_a_master_that_was_killed_end_before_the_next_starts() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, "master");
    let worker = pid(port);
    let master = children(activator.pid())[0];
    assert_ne!(master, worker);
    kill(master, libc::SIGKILL);
    // The worker may take one more, as long as it runs.
    let next = eventually("another worker", || {
        let answer = ask(port, "pid");
        answer.split_whitespace().next()?.parse().ok().filter(|next: &u32| *next != worker)
    });
    assert!(!runs(worker), "it has ended before");
    assert!(activator.stop().success());
    assert!(!runs(next), "its parent was stopped, and it with that");
    TcpListener::bind(("127.0.0.1", port)).expect("nobody listens any more");
}
