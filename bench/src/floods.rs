//! How long services wait for a connection while another one floods its manager.
//!
//! A flood takes processors, whoever takes what it writes. So the same flood is measured beside it that comes to another process.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use sdlite_test_support as support;
use support::activation::{eventually, free_port, kill};
use support::{TempDir, compile, run, scratch};

use crate::client;
use crate::peers::SD_ACTIVATE;
use crate::programs::Programs;
use crate::progress::progress;
use crate::statistics::median;

const ROUNDS: usize = 15;
const CONNECTIONS: usize = 40;
/// How long a flood has to rise.
const RISE: Duration = Duration::from_millis(300);
/// Whose service forks, and how many processes there may be of that user.
const USER: &str = "nobody";
const PROCESSES: &str = "100";

/// What the service floods its manager with, and what that is.
const FLOODS: [(&str, &str); 6] = [
    ("bomb", "forks up to `LimitNPROC=`"),
    ("processes", "leaves processes behind"),
    ("lines", "writes lines"),
    ("unread", "writes lines, and nobody reads standard error"),
    ("entries", "logs entries"),
    ("notifications", "notifies"),
];
/// What is connected to: by which name, and what is done for it.
const SERVICES: [(&str, &str); 3] =
    [("each", "`Accept=yes`"), ("started", "`Accept=no`, started"), ("runs", "`Accept=no`, running")];

/// A connection to a service, while another one floods.
pub struct Flooded {
    pub flood: &'static str,
    pub service: &'static str,
    /// While there is no flood.
    pub microseconds: f64,
    /// While there is one, of the time without.
    pub times: f64,
    /// While the same flood comes to another process.
    pub times_elsewhere: f64,
}

pub fn floods() -> Vec<Flooded> {
    let programs = Programs::new();
    let directory = scratch();
    // Another user executes it.
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("a directory of our own");
    let flood = directory.path().join("flood");
    compile(&support::source().join("crates/sd-activate/tests/flood.c"), &flood, ["-O1"]);
    let mut rows = Vec::new();
    for (name, what) in FLOODS {
        let manager = Manager::start(&programs, &flood, name == "unread");
        manager.connections();
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            progress(&format!("Floods: {name}"), round, ROUNDS);
            let quiet = manager.connections();
            let here = || manager.flooded(name);
            let elsewhere = || Elsewhere::start(&flood, name).connections(&manager);
            rounds.push(if round % 2 == 0 {
                let here = here();
                [quiet, here, elsewhere()]
            } else {
                let elsewhere = elsewhere();
                [quiet, here(), elsewhere]
            });
        }
        rows.extend(SERVICES.iter().enumerate().map(|(i, (_, service))| {
            let of = |figure: &dyn Fn(&[[f64; 3]; 3]) -> f64| median(rounds.iter().map(figure).collect());
            Flooded {
                flood: what,
                service,
                microseconds: of(&|round| round[0][i]),
                times: of(&|round| round[1][i] / round[0][i]),
                times_elsewhere: of(&|round| round[2][i] / round[0][i]),
            }
        }));
    }
    rows
}

/// sd-activate, with the services that are connected to, and those that flood.
struct Manager {
    process: Child,
    /// Nobody reads what it writes: it is stopped.
    reader: Child,
    ports: [u16; 3],
    units: TempDir,
}

impl Manager {
    fn start(programs: &Programs, flood: &Path, reader_is_stopped: bool) -> Self {
        let units = scratch();
        let unit = |name: &str, text: &str| fs::write(units.path().join(name), text).expect("a unit");
        let ports = SERVICES.map(|(name, _)| {
            let port = free_port();
            let accept = name == "each";
            let no_limits = "PollLimitBurst=0\nTriggerLimitBurst=0\nMaxConnections=1000";
            unit(
                &format!("{name}.socket"),
                &format!("[Socket]\nListenStream=127.0.0.1:{port}\nAccept={accept}\n{no_limits}\n"),
            );
            port
        });
        let no_limit = "[Unit]\nStartLimitBurst=0\n[Service]\n";
        let echo = programs.r#static("echo");
        unit("each@.service", &format!("{no_limit}ExecStart={}\nStandardInput=socket\n", echo.display()));
        let serve = programs.with_archive("serve", "musl-gcc", &support::release().join("libsdlite.a"));
        unit("started.service", &format!("{no_limit}ExecStart={}\n", serve.display()));
        let supervised = programs.r#static("supervised");
        unit("runs.service", &format!("{no_limit}ExecStart={} /dev/null serve - 0\n", supervised.display()));
        for (name, _) in FLOODS {
            let command = format!("ExecStart={} {}", flood.display(), kind(name));
            let limits = if name == "bomb" { format!("User={USER}\nLimitNPROC={PROCESSES}\n") } else { String::new() };
            unit(&format!("{name}.service"), &format!("{no_limit}{command}\nNotifyAccess=all\n{limits}"));
        }
        let mut reader = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat");
        if reader_is_stopped {
            kill(reader.id(), libc::SIGSTOP);
        }
        let mut command = Command::new(support::release().join(SD_ACTIVATE));
        command.arg(format!("--control={}", units.path().join("control").display()));
        command.arg(format!("--unit-path={}", units.path().display()));
        command.args(SERVICES.map(|(name, _)| format!("{name}.socket"))).stdin(Stdio::null());
        let process = command.stderr(reader.stdin.take().expect("a pipe")).spawn().expect("sd-activate");
        let manager = Self { process, reader, ports, units };
        eventually("sd-activate listens", || {
            let active = SERVICES.map(|(name, _)| format!("{name}.socket"));
            manager
                .sdctl("is-active")
                .args(active)
                .stderr(Stdio::null())
                .status()
                .expect("sdctl")
                .success()
                .then_some(())
        });
        manager
    }

    fn sdctl(&self, verb: &str) -> Command {
        let mut command = Command::new(support::release().join("sdctl"));
        command.env("SD_ACTIVATE_CONTROL", self.units.path().join("control")).arg(verb).stdout(Stdio::null());
        command
    }

    /// How many microseconds a connection to each of the services takes.
    fn connections(&self) -> [f64; 3] {
        self.ports.map(|port| client::connect(port, CONNECTIONS, 1).as_secs_f64() * 1e6 / CONNECTIONS as f64)
    }

    /// The same while a service floods.
    fn flooded(&self, flood: &str) -> [f64; 3] {
        let unit = format!("{flood}.service");
        run(self.sdctl("start").arg(&unit));
        thread::sleep(RISE);
        let times = self.connections();
        run(self.sdctl("is-active").arg(&unit));
        run(self.sdctl("stop").arg(&unit));
        times
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        kill(self.process.id(), libc::SIGTERM);
        let _ = self.process.wait();
        let _ = self.reader.kill();
        let _ = self.reader.wait();
    }
}

/// The first argument of the program that floods.
fn kind(flood: &str) -> &str {
    if flood == "unread" { "lines" } else { flood }
}

/// A flood that does not come to sd-activate.
struct Elsewhere(Child);

impl Elsewhere {
    fn start(program: &Path, flood: &str) -> Self {
        let mut command = Command::new("setsid");
        if flood == "bomb" {
            let nproc = format!("--nproc={PROCESSES}:{PROCESSES}");
            command.args(["setpriv", "--reuid", USER, "--clear-groups", "prlimit", &nproc]);
        }
        command.arg(program).args([kind(flood), "elsewhere"]).stdin(Stdio::null());
        Self(command.spawn().expect("setsid"))
    }

    fn connections(mut self, manager: &Manager) -> [f64; 3] {
        thread::sleep(RISE);
        let times = manager.connections();
        assert!(self.0.try_wait().expect("its state").is_none(), "the flood is over");
        times
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // SAFETY: it takes numbers. The group is that of the session that setsid(1) has begun.
        unsafe { libc::kill(-(self.0.id() as libc::pid_t), libc::SIGKILL) };
        let _ = self.0.wait();
    }
}
