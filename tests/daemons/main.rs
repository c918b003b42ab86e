//! Debian's daemons, unmodified, do their work with the drop-in: each is started with all symbols bound at once (unless the table
//! says lazily), takes its socket from sd-activate, says READY=1 or learns who is logged in where it does so, and answers a client.
//! And two that read the header of the PROXY protocol are behind sd-proxy.
//!
//! Without arguments the quick ones are run, with `all` all of them, else those named. Nothing is installed: the packages
//! are downloaded and unpacked, and run in namespaces of their own.

mod login;
mod machine;
mod receivers;
mod services;

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Instant;

use sdlite_test_support as support;
use support::{debian, has, left_out, run, scratch};

use login::*;
use machine::{LIBSYSTEMD, Machine, PREFIX, ROOT};
use services::*;

struct Daemon {
    name: &'static str,
    /// The package that has it, and then those with what the client needs.
    packages: &'static [&'static str],
    /// Whether `make check` runs it.
    quick: bool,
    /// What it takes from the library.
    uses: &'static str,
    /// Runs it, and answers what a client got.
    works: fn(&Machine) -> &'static str,
}

const ACTIVATED: &str = "activated";
const READY: &str = "READY=1";
const BOTH: &str = "activated, READY=1";
const JOURNAL: &str = "journal";
const LOGIN: &str = "sd-login";
/// It can be loaded, but needs functions that there are not.
const LAZILY: &str = "is bound lazily";
/// It takes nothing of the library, and is behind sd-proxy.
const HEADER: &str = "PROXY protocol";

#[rustfmt::skip]
const DAEMONS: &[Daemon] = &[
    Daemon { name: "beanstalkd", packages: &["beanstalkd"], quick: true, uses: ACTIVATED, works: beanstalkd },
    Daemon { name: "dbus-daemon", packages: &["dbus-daemon", "dbus-bin"], quick: true, uses: LOGIN, works: dbus },
    Daemon { name: "fcgiwrap", packages: &["fcgiwrap"], quick: true, uses: ACTIVATED, works: fcgiwrap },
    Daemon { name: "haproxy", packages: &["haproxy"], quick: false, uses: READY, works: haproxy },
    Daemon { name: "haproxy-behind", packages: &["haproxy"], quick: false, uses: HEADER, works: receivers::haproxy },
    Daemon { name: "inetd", packages: &["openbsd-inetd"], quick: true, uses: READY, works: inetd },
    Daemon { name: "logger", packages: &["bsdutils"], quick: true, uses: JOURNAL, works: logger },
    Daemon { name: "mosquitto", packages: &["mosquitto"], quick: false, uses: READY, works: mosquitto },
    Daemon { name: "nghttpx", packages: &["nghttp2-proxy"], quick: false, uses: READY, works: nghttpx },
    Daemon { name: "nginx-behind", packages: &["nginx"], quick: false, uses: HEADER, works: receivers::nginx },
    Daemon { name: "pcscd", packages: &["pcscd"], quick: false, uses: ACTIVATED, works: pcscd },
    Daemon { name: "polkitd", packages: &["polkitd", "dbus-daemon"], quick: false, uses: LOGIN, works: polkit },
    Daemon { name: "ps", packages: &["procps"], quick: true, uses: LOGIN, works: ps },
    Daemon { name: "pulseaudio", packages: &["pulseaudio", "pulseaudio-utils"], quick: false, uses: LOGIN, works: pulseaudio },
    Daemon { name: "redis-server", packages: &["redis-server", "redis-tools"], quick: true, uses: READY, works: redis },
    Daemon { name: "rpcbind", packages: &["rpcbind"], quick: false, uses: BOTH, works: rpcbind },
    Daemon { name: "seatd", packages: &["libseat1", "libseat-dev", "seatd"], quick: false, uses: LAZILY, works: seatd },
    Daemon { name: "spice-vdagentd", packages: &["spice-vdagent"], quick: false, uses: LOGIN, works: spice_vdagentd },
    Daemon { name: "sshd", packages: &["openssh-server", "openssh-client"], quick: false, uses: BOTH, works: sshd },
    Daemon { name: "stunnel4", packages: &["stunnel4", "openssl"], quick: false, uses: ACTIVATED, works: stunnel },
    Daemon { name: "unbound", packages: &["unbound"], quick: false, uses: BOTH, works: unbound },
    Daemon { name: "uuidd", packages: &["uuid-runtime"], quick: false, uses: ACTIVATED, works: uuidd },
];

/// A line of a table, of which only the last column may be of any width.
fn line(columns: [&str; 4]) {
    let [package, version, uses, result] = columns;
    println!("{package:<22} {version:<22} {uses:<23} {result}");
    io::stdout().flush().expect("somebody who reads");
}

/// Runs daemons where they see nothing of the system's own services. True if all work.
fn inside(daemons: &[&'static Daemon], unpacked: &Path) -> bool {
    let mut all_work = true;
    line(["package", "version", "uses", "what the client gets"]);
    for daemon in daemons {
        let package = daemon.packages[0];
        let version = debian::version(package, &unpacked.join(ROOT));
        let work = || (daemon.works)(&Machine::new(daemon.name, unpacked));
        // One that panics must not keep the others from being run.
        let result = thread::scope(|scope| {
            let thread = thread::Builder::new().name(daemon.name.into()).spawn_scoped(scope, work);
            thread.expect("a thread").join()
        });
        all_work &= result.is_ok();
        line([package, &version, daemon.uses, result.unwrap_or("FAILED, as said above")]);
    }
    all_work
}

/// Unpacks what is needed, and runs it. True if all work.
fn outside(daemons: &[&'static Daemon]) -> Result<bool, String> {
    let directory = scratch();
    let [prefix, root, libsystemd] = [PREFIX, ROOT, LIBSYSTEMD].map(|part| directory.path().join(part));
    // Daemons that are not root must find their libraries.
    run(Command::new("chmod").arg("755").arg(directory.path()));
    support::install::make("install", &[("PREFIX", prefix.to_str().expect("a path that is text"))]);

    println!("Unpacking {} daemons of Debian ...", daemons.len());
    let packages: Vec<_> = daemons.iter().flat_map(|daemon| daemon.packages).copied().collect();
    debian::unpack_with_libraries(&packages, &root)?;
    debian::unpack(&["libsystemd0".to_owned()], &libsystemd)?;

    let mut command = machine::namespaces(&root);
    command.arg(env::current_exe().expect("this program")).arg(INSIDE).arg(directory.path());
    let status = command.args(daemons.iter().map(|daemon| daemon.name)).status().expect("unshare");
    Ok(status.success())
}

/// The first argument where this program has started itself in the namespaces.
const INSIDE: &str = "--inside";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == INSIDE) {
        let unpacked = arguments.get(1).expect("what `outside` passes");
        let daemons = DAEMONS.iter().filter(|daemon| arguments.iter().any(|name| name == daemon.name));
        let daemons: Vec<_> = daemons.collect();
        return ExitCode::from(u8::from(!inside(&daemons, Path::new(unpacked))));
    }

    // Named, for the messages about what is missing.
    let test = thread::Builder::new().name("tests/daemons".into()).spawn(move || test(&arguments));
    test.expect("a thread").join().unwrap_or(ExitCode::FAILURE)
}

fn test(arguments: &[String]) -> ExitCode {
    let started = Instant::now();
    let named = |daemon: &&Daemon| arguments.iter().any(|argument| argument == daemon.name);
    let all = arguments.iter().any(|argument| argument == "all");
    let quick = arguments.iter().all(|argument| argument.starts_with('-'));
    let daemons: Vec<_> = DAEMONS.iter().filter(|daemon| all || quick && daemon.quick || named(daemon)).collect();
    if daemons.is_empty() || !can_be_run() {
        return ExitCode::SUCCESS;
    }
    match outside(&daemons) {
        Ok(true) => println!("All {} work, after {} s.", daemons.len(), started.elapsed().as_secs()),
        Ok(false) => return ExitCode::FAILURE,
        Err(reason) => left_out(&format!("Debian's packages: {reason}")),
    }
    ExitCode::SUCCESS
}

/// Whether there is everything that the daemons need around them.
fn can_be_run() -> bool {
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        left_out("root: the daemons have users of their own");
        return false;
    }
    if !has("apt-get", "apt") || !has("dpkg-deb", "dpkg") || !has("unshare", "util-linux") {
        return false;
    }
    let namespaces = machine::namespaces(Path::new("/nonexistent")).arg("true").output();
    let allowed = namespaces.is_ok_and(|output| output.status.success());
    if !allowed {
        left_out("namespaces of its own: in a container, one that may mount, such as docker run --privileged");
    }
    allowed
}
