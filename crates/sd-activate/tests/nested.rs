//! A manager below another one: the sockets that it is given, and what it tells who has started it.

mod common;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use common::units::Units;
use common::{ACTIVATOR, Activator, ask, eventually, kill, pid};

const SOCKET: &str = "[Socket]\nListenStream=127.0.0.1:PORT\n";
const SERVICE: &str = "[Service]\nExecStart=SERVICE serve\n";

fn sdctl(control: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(common::SDCTL);
    let output = command.args(["--control", control]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is told at a socket, one after the other.
struct Told(UnixDatagram);

impl Told {
    fn next(&self) -> String {
        let mut state = [0; 1000];
        let length = self.0.recv(&mut state).unwrap();
        String::from_utf8_lossy(&state[..length]).into_owned()
    }

    /// The next, but for what only says that the manager lives.
    fn besides_watchdog(&self) -> String {
        std::iter::repeat_with(|| self.next()).find(|state| state != "WATCHDOG=1").unwrap()
    }
}

#[test]
fn who_has_started_it_is_told_when_it_is_ready_reloads_and_stops_and_that_it_lives() {
    let units = Units::new(&[("a.socket", SOCKET), ("a.service", SERVICE)]);
    let told = Told(UnixDatagram::bind(units.directory.path("notify")).unwrap());
    told.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = units.command(&["a.socket"]);
    command.env("NOTIFY_SOCKET", units.directory.path("notify")).env("WATCHDOG_USEC", "50000");
    let mut activator = Activator::run(&units.directory, command);
    let ready = format!("READY=1\nSTATUS=Listening on 127.0.0.1:{}.", units.port);
    assert_eq!(told.besides_watchdog(), ready);
    for _ in 0..3 {
        assert_eq!(told.next(), "WATCHDOG=1");
    }
    for verb in ["daemon-reload", "daemon-reexec"] {
        sdctl(&units.directory.text("control"), &[verb]);
        let reloading = told.besides_watchdog();
        let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        assert!(time.is_some_and(|time| time.parse::<u64>().is_ok_and(|time| time > 0)), "{verb}: {reloading}");
        assert_eq!(told.besides_watchdog(), ready, "{verb}");
        assert_eq!(told.next(), "WATCHDOG=1");
    }
    activator.signal(libc::SIGTERM);
    assert_eq!(told.besides_watchdog(), "STOPPING=1");
    assert!(activator.wait().success());
}

#[test]
fn its_units_take_the_sockets_that_another_one_passes() {
    let units = Units::new(&[
        ("outer.socket", &format!("{SOCKET}ListenFIFO=DIRECTORY/fifo\nListenStream=DIRECTORY/spare\n")),
        (
            "outer.service",
            &format!(
                "[Service]\nType=notify\nWatchdogSec=2\nExecStart={ACTIVATOR} --control DIRECTORY/inner --no-journal \
                 --unit-path DIRECTORY/inner-units in.socket\n"
            ),
        ),
    ]);
    let inner = units.directory.path("inner-units");
    fs::create_dir(&inner).unwrap();
    let fifo = format!("ListenFIFO={}\n", units.directory.text("fifo"));
    let socket = SOCKET.replace("PORT", &units.port.to_string()) + &fifo;
    fs::write(inner.join("in.socket"), socket).unwrap();
    fs::write(inner.join("in.service"), SERVICE.replace("SERVICE", common::service().to_str().unwrap())).unwrap();

    let command = units.command(&["--ignore=WatchdogSec", "outer.socket"]);
    let mut activator = Activator::run(&units.directory, command);
    activator.says("Listening on outer.socket.");
    let first = pid(units.port);
    // It is told when the inner one is ready, which may have answered before that is heard.
    activator.says("Started outer.service.");
    let output = activator.output();
    assert!(output.contains("spare was passed, but is no unit's here: it is closed."), "{output}");
    assert_eq!(output.matches(" was passed").count(), 1, "{output}");

    // Given back by the unit, and taken again: nobody else could open them, as the outer one has them open.
    let control = units.directory.text("inner");
    ask(units.port, "exit 0");
    sdctl(&control, &["stop", "in.socket"]);
    sdctl(&control, &["start", "in.socket"]);
    let second = pid(units.port);
    assert_ne!(second, first);
    assert!(sdctl(&control, &["is-active", "in.socket", "in.service"]).starts_with("active\nactive\n"));

    // The inner one dies: its service goes with it, and the next connection has both started again.
    let main = sdctl(&units.directory.text("control"), &["show", "-P", "MainPID", "outer.service"]);
    kill(main.trim().parse().unwrap(), libc::SIGKILL);
    eventually("another service", || {
        let answer = ask(units.port, "pid");
        answer.split_whitespace().next()?.parse::<u32>().ok().filter(|third| *third != second)
    });
    assert!(activator.stop().success());
}
