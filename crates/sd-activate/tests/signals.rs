//! Signals: each that can be caught arrives at the service, and once.

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use common::{ACTIVATOR, Activator, Directory, children, connect, eventually, free_port, kill, pid, service, start};
use sd_activate::spec::Signal;
use sdlite_test_support::has;

/// `activator`, with a service that writes down which signals come.
struct Trial {
    directory: Directory,
    activator: Activator,
    port: u16,
}

impl Trial {
    /// Before anybody has connected. `command` is all before the activator's arguments.
    fn new(mut command: Command) -> Self {
        let (directory, port) = (Directory::new(), free_port());
        command.args(["-l", &format!("127.0.0.1:{port}")]).arg(service()).arg("signals").arg(directory.path("signals"));
        let activator = Activator::run(&directory, command).listening(1);
        Self { directory, activator, port }
    }

    /// Somebody connects, and the service is ready for signals.
    fn started(command: Command) -> Self {
        let trial = Self::new(command);
        let _connection = connect(trial.port);
        trial.wait_for(&[]);
        trial
    }

    /// The signals that have come.
    fn signals(&self) -> Option<Vec<i32>> {
        let text = fs::read_to_string(self.directory.path("signals")).ok()?;
        text.strip_prefix("ready\n")?.lines().map(|line| line.parse().ok()).collect()
    }

    fn wait_for(&self, expected: &[i32]) {
        eventually(&format!("{expected:?}"), || (self.signals()? == expected).then_some(()));
    }
}

impl Trial {
    /// `number`, sent after all that was `sent` before, arrives once.
    fn arrives_once(&self, number: i32, sent: &mut Vec<i32>) {
        eventually(&format!("signal {number}"), || (self.signals()?.len() > sent.len()).then_some(()));
        // What went to the service directly was there before what follows, and what is passed on with it.
        self.activator.signal(libc::SIGUSR2);
        eventually("SIGUSR2", || (self.signals()?.last() == Some(&libc::SIGUSR2)).then_some(()));
        sent.extend([number, libc::SIGUSR2]);
        assert_eq!(self.signals().unwrap(), *sent);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // The service takes all other signals for itself. Before it, who would start another.
        let services = children(self.activator.pid());
        if self.activator.is_running() {
            self.activator.signal(libc::SIGKILL);
            self.activator.wait();
        }
        services.into_iter().for_each(|service| kill(service, libc::SIGKILL));
    }
}

fn with_default_signals(activator: &str) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(activator);
    command
}

/// Those that a process can do something about, but for those of threads (32, 33), and those that end or stop it here.
fn catchable() -> Vec<i32> {
    const OTHERS: [i32; 6] = [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD, libc::SIGTSTP, 32, 33];
    (1..=libc::SIGRTMAX()).filter(|number| !OTHERS.contains(number)).collect()
}

#[test]
fn every_signal_arrives_once_as_under_systemd_socket_activate() {
    let mut activators = vec![ACTIVATOR];
    activators.extend(has("systemd-socket-activate", "systemd").then_some("systemd-socket-activate"));
    for activator in activators {
        let trial = Trial::started(with_default_signals(activator));
        let mut sent = Vec::new();
        for number in catchable() {
            trial.activator.signal(number);
            sent.push(number);
            trial.wait_for(&sent);
        }
    }
}

#[test]
fn what_is_sent_to_the_process_group_arrives_once() {
    let mut command = with_default_signals(ACTIVATOR);
    command.process_group(0);
    let trial = Trial::started(command);
    let mut sent = Vec::new();
    for number in [libc::SIGHUP, libc::SIGTERM, libc::SIGINT, libc::SIGUSR1] {
        // SAFETY: takes numbers; the group is the activator's own.
        assert_eq!(unsafe { libc::kill(-(trial.activator.pid() as libc::pid_t), number) }, 0);
        trial.arrives_once(number, &mut sent);
    }
}

/// The two sides of a terminal.
fn terminal() -> (File, OwnedFd) {
    let (mut main, mut side) = (0, 0);
    let none = std::ptr::null_mut();
    // SAFETY: both are written; the descriptors are owned at once.
    unsafe {
        assert_eq!(libc::openpty(&mut main, &mut side, none, none.cast(), none.cast()), 0);
        libc::fcntl(main, libc::F_SETFD, libc::FD_CLOEXEC);
        libc::fcntl(side, libc::F_SETFD, libc::FD_CLOEXEC);
        (File::from_raw_fd(main), OwnedFd::from_raw_fd(side))
    }
}

/// A command whose terminal this is, and which has it in the foreground.
fn on(terminal: &OwnedFd, mut command: Command) -> Command {
    use std::os::fd::AsRawFd;
    let descriptor = terminal.as_raw_fd();
    // SAFETY: what is called is async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            libc::setsid();
            libc::ioctl(descriptor, libc::TIOCSCTTY, 0);
            libc::dup2(descriptor, 0);
            Ok(())
        });
    }
    command
}

#[test]
fn what_is_typed_at_the_terminal_arrives_once() {
    let (mut main, side) = terminal();
    let trial = Trial::started(on(&side, with_default_signals(ACTIVATOR)));
    let mut sent = Vec::new();
    for (typed, number) in [(b"\x03", libc::SIGINT), (b"\x1c", libc::SIGQUIT), (b"\x03", libc::SIGINT)] {
        main.write_all(typed).unwrap();
        trial.arrives_once(number, &mut sent);
    }
}

#[test]
fn a_rotation_of_logs_does_not_close_the_port_where_nothing_runs() {
    for options in [&[][..], &["--accept"]] {
        let mut command = with_default_signals(ACTIVATOR);
        command.args(options);
        let mut trial = Trial::new(command);
        for number in [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM, libc::SIGTTIN] {
            trial.activator.signal(number);
            let said = format!("No service runs that {} could be passed on to.", Signal::new(number).unwrap());
            trial.activator.says(&said);
        }
        connect(trial.port);
        assert!(trial.activator.is_running());
        if options.is_empty() {
            trial.wait_for(&[]);
        }
    }
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let (main, side) = terminal();
    let mut trial = Trial::new(on(&side, with_default_signals(ACTIVATOR)));
    drop(side);
    drop(main);
    assert_eq!(trial.activator.wait().code(), Some(0));
}

#[test]
fn both_stop_and_go_on_together() {
    let (directory, port) = (Directory::new(), free_port());
    let arguments = ["-l", &format!("127.0.0.1:{port}"), service().to_str().unwrap(), "serve"];
    let mut activator = start(&directory, arguments);
    let service = pid(port);
    let stopped = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    };
    activator.signal(libc::SIGTSTP);
    eventually("both to stop", || (stopped(service) && stopped(activator.pid())).then_some(()));
    activator.signal(libc::SIGCONT);
    eventually("both to go on", || (!stopped(service) && !stopped(activator.pid())).then_some(()));
    assert_eq!(pid(port), service);
    assert!(activator.stop().success());
}

#[test]
fn a_service_that_reads_from_the_terminal_gets_it_and_what_is_typed() {
    let (mut main, side) = terminal();
    let (directory, port) = (Directory::new(), free_port());
    let note = directory.path("note");
    let mut command = with_default_signals(ACTIVATOR);
    command.args(["-l", &format!("127.0.0.1:{port}")]).arg(service()).arg("line").arg(&note);
    let mut activator = Activator::run(&directory, on(&side, command)).listening(1);
    for (line, end) in [("one\n", Some("exit 0")), ("two\n", None)] {
        let connection = connect(port);
        main.write_all(line.as_bytes()).unwrap();
        eventually(line, || fs::read_to_string(&note).ok()?.ends_with(line).then_some(()));
        drop(connection);
        match end {
            Some(end) => drop(common::ask(port, end)),
            None => main.write_all(b"\x03").unwrap(),
        }
    }
    assert_eq!(activator.wait().code(), Some(0));
    assert_eq!(fs::read_to_string(note).unwrap(), "one\ntwo\n");
}
