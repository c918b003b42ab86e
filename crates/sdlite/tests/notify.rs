//! What a manager is told. It is a socket of the same process.

mod common;

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use sdlite::{
    Error, State, booted, notify, notify_barrier, notify_raw, notify_unset_environment, notify_with_fds,
    pid_notify_barrier, pid_notify_with_fds, pidfd_get_inode_id, watchdog_enabled, watchdog_enabled_unset_environment,
};

/// Runs a test with variables; `$NOTIFY_SOCKET` is a path that nothing is at.
fn with_variables(test: &str, variables: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new("env");
    command.arg(format!("NOTIFY_SOCKET={}", directory.path().join("notify").display())).args(variables);
    common::run_test(command, test);
}

fn manager() -> UnixDatagram {
    let manager = UnixDatagram::bind(std::env::var_os("NOTIFY_SOCKET").expect("it is set")).expect("a new path");
    manager.set_read_timeout(Some(Duration::from_secs(20))).expect("a duration that is not zero");
    manager
}

fn received(manager: &UnixDatagram) -> String {
    let mut buffer = vec![0; 1 << 20];
    let length = manager.recv(&mut buffer).expect("a message");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn states_are_written_as_the_manual_has_them() {
    let cases = [
        (State::Ready, "READY=1"),
        (State::Stopping, "STOPPING=1"),
        (State::Status("Serving"), "STATUS=Serving"),
        (State::Errno(2), "ERRNO=2"),
        (State::BusError("org.freedesktop.DBus.Error.TimedOut"), "BUSERROR=org.freedesktop.DBus.Error.TimedOut"),
        (
            State::VarlinkError("org.varlink.service.InvalidParameter"),
            "VARLINKERROR=org.varlink.service.InvalidParameter",
        ),
        (State::ExitStatus(3), "EXIT_STATUS=3"),
        (State::MainPid(4711), "MAINPID=4711"),
        (State::Watchdog, "WATCHDOG=1"),
        (State::WatchdogTrigger, "WATCHDOG=trigger"),
        (State::WatchdogUsec(Duration::from_millis(20)), "WATCHDOG_USEC=20000"),
        (State::ExtendTimeout(Duration::from_secs(5)), "EXTEND_TIMEOUT_USEC=5000000"),
        (State::FdStore, "FDSTORE=1"),
        (State::FdStoreRemove, "FDSTOREREMOVE=1"),
        (State::FdName("web"), "FDNAME=web"),
        (State::FdKeep, "FDPOLL=0"),
        (State::NotifyAccess("all"), "NOTIFYACCESS=all"),
    ];
    for (state, text) in cases {
        assert_eq!(state.to_string(), text);
    }
}

#[test]
fn no_text_makes_an_assignment_of_its_own() {
    let text = "a\nREADY=1\r\nb\0c\u{e9}";
    let cases = [
        (State::Status(text), "STATUS="),
        (State::BusError(text), "BUSERROR="),
        (State::VarlinkError(text), "VARLINKERROR="),
        (State::FdName(text), "FDNAME="),
        (State::NotifyAccess(text), "NOTIFYACCESS="),
    ];
    for (state, name) in cases {
        assert_eq!(state.to_string(), format!("{name}a READY=1  b c\u{e9}"));
    }
}

#[test]
fn reloading_comes_with_the_time_of_the_managers_clock() {
    let now = || {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: there is a structure for it to write to.
        assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) }, 0);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32).as_micros()
    };
    let (before, text, after) = (now(), State::Reloading.to_string(), now());
    let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("two assignments").parse().expect("a number");
    assert!((before..=after).contains(&time), "{before} {text} {after}");
}

#[test]
fn without_notify_socket_nothing_is_sent() {
    common::run_test(Command::new("env"), "inner_alone");
}

#[test]
#[ignore = "run by the test above, without variables"]
fn inner_alone() {
    assert_eq!(notify(&[State::Ready]), Ok(false));
    assert_eq!(notify_raw("READY=1"), Ok(false));
    assert_eq!(notify_with_fds(&[State::FdStore], &[std::io::stdin().as_fd()]), Ok(false));
    assert_eq!(notify_barrier(None), Ok(false));
    assert_eq!(watchdog_enabled(), Ok(None));
    assert_eq!(booted(), Ok(std::fs::symlink_metadata("/run/systemd/system/").is_ok()));
}

#[test]
fn the_manager_gets_what_is_sent() {
    with_variables("inner_manager", &[]);
}

#[test]
#[ignore = "run by the test above, with $NOTIFY_SOCKET"]
fn inner_manager() {
    let manager = manager();
    assert_eq!(notify(&[State::Ready, State::Status("Serving"), State::MainPid(7)]), Ok(true));
    assert_eq!(received(&manager), "READY=1\nSTATUS=Serving\nMAINPID=7");
    assert_eq!(notify_raw("X_OWN=a\nREADY=1"), Ok(true));
    assert_eq!(received(&manager), "X_OWN=a\nREADY=1");
    let long = "x".repeat(300_000);
    assert_eq!(notify(&[State::Status(&long)]), Ok(true));
    assert_eq!(received(&manager), format!("STATUS={long}"));

    // As long as the message has not been read, what it passes is open.
    let (mut here, there) = UnixStream::pair().expect("a pair of sockets");
    here.set_nonblocking(true).expect("a socket");
    assert_eq!(notify_with_fds(&[State::FdStore, State::FdName("web")], &[there.as_fd()]), Ok(true));
    drop(there);
    assert_eq!(here.read(&mut [0]).expect_err("nothing to read, and no end").kind(), ErrorKind::WouldBlock);
    assert_eq!(received(&manager), "FDSTORE=1\nFDNAME=web");
    assert_eq!(here.read(&mut [0]).expect("the end"), 0);

    assert_eq!(pid_notify_with_fds(std::process::id(), &[State::Watchdog], &[]), Ok(true));
    assert_eq!(received(&manager), "WATCHDOG=1");
    assert_eq!(pid_notify_with_fds(u32::MAX, &[State::Watchdog], &[]).map_err(Error::errno), Err(libc::EINVAL));
    let many = vec![manager.as_fd(); 254];
    assert_eq!(notify_with_fds(&[State::FdStore], &many).map_err(Error::errno), Err(libc::E2BIG));

    let timeout = Some(Duration::from_millis(20));
    assert_eq!(notify_barrier(timeout).map_err(Error::errno), Err(libc::ETIMEDOUT));
    assert_eq!(received(&manager), "BARRIER=1");
    thread::scope(|threads| {
        let reads = threads.spawn(|| [received(&manager), received(&manager)]);
        assert_eq!(notify_barrier(None), Ok(true));
        assert_eq!(pid_notify_barrier(std::process::id(), Some(Duration::from_secs(20))), Ok(true));
        assert_eq!(reads.join().expect("two messages"), ["BARRIER=1", "BARRIER=1"]);
    });

    // SAFETY: no other thread of this process uses the environment.
    assert_eq!(unsafe { notify_unset_environment(&[State::Stopping]) }, Ok(true));
    assert_eq!(received(&manager), "STOPPING=1");
    assert_eq!(notify(&[State::Ready]), Ok(false));
    assert_eq!(std::env::var_os("NOTIFY_SOCKET"), None);
}

#[test]
fn a_manager_that_is_gone_is_an_error() {
    with_variables("inner_gone", &[]);
}

#[test]
#[ignore = "run by the test above, with $NOTIFY_SOCKET"]
fn inner_gone() {
    assert_eq!(notify(&[State::Ready]).map_err(Error::errno), Err(libc::ENOENT));
    assert_eq!(notify_barrier(None).map_err(Error::errno), Err(libc::ENOENT));
}

#[test]
fn the_watchdog_wants_to_hear_within_a_time() {
    with_variables("inner_watchdog", &["WATCHDOG_USEC=1500000"]);
}

#[test]
#[ignore = "run by the test above, with $WATCHDOG_USEC"]
fn inner_watchdog() {
    assert_eq!(watchdog_enabled(), Ok(Some(Duration::from_millis(1500))));
    // SAFETY: no other thread of this process uses the environment.
    unsafe {
        std::env::set_var("WATCHDOG_PID", "1");
        assert_eq!(watchdog_enabled(), Ok(None));
        std::env::set_var("WATCHDOG_PID", "none");
        assert_eq!(watchdog_enabled_unset_environment().map_err(Error::errno), Err(libc::EINVAL));
    }
    assert_eq!(watchdog_enabled(), Ok(None));
    assert!(!std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("WATCHDOG_")));
}

#[test]
fn only_a_pidfd_has_the_id_of_a_process() {
    let error = pidfd_get_inode_id(std::io::stdin().as_fd()).map_err(Error::errno);
    assert!([Err(libc::EBADF), Err(libc::EOPNOTSUPP), Err(libc::ENOSYS)].contains(&error), "{error:?}");
}
