//! Programs that ask who is logged in where, and which session or unit a process is in.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Child, Command, Output};
use std::time::Duration;

use sdlite_test_support as support;
use support::activation::{eventually, kill};
use support::{run, text};

use crate::machine::{Machine, Service};

/// The user whom machine.rs calls guest.
const GUEST: u32 = 64903;

/// Starts with nobody logged in.
fn nobody_logged_in() {
    for directory in ["machines", "seats", "sessions", "users"] {
        let directory = Path::new("/run/systemd").join(directory);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(directory).expect("a /run of our own");
    }
    login("seats/seat0", "IS_SEAT0=1\nCAN_MULTI_SESSION=1\nCAN_TTY=1\nCAN_GRAPHICAL=1\n");
}

/// Writes one of logind's files, as it does itself: under another name first.
fn login(name: &str, content: &str) {
    let file = Path::new("/run/systemd").join(name);
    let written = file.with_file_name(".#written");
    fs::write(&written, content).expect("a file in /run");
    fs::rename(written, file).expect("a file in /run");
}

/// Writes the files of user guest, who has this session, c1, on seat0.
fn guest_logged_in(state: &str) {
    let active = u8::from(state == "active");
    let session = format!("UID={GUEST}\nUSER=guest\nACTIVE={active}\nIS_DISPLAY=1\nSTATE={state}\nREMOTE=0\n");
    login("sessions/c1", &(session + "TYPE=x11\nCLASS=user\nSEAT=seat0\nSERVICE=test\n"));
    let user = format!("NAME=guest\nSTATE={state}\nDISPLAY=c1\nSESSIONS=c1\nONLINE_SESSIONS=c1\nSEATS=seat0\n");
    login(&format!("users/{GUEST}"), &(user + "ONLINE_SEATS=seat0\n"));
}

/// Puts a process into a control group, as the library sees it.
fn put_into(process: u32, group: &str) {
    let file = format!("/run/cgroup-{process}");
    // As the hierarchy is of version 1 or 2, one line counts or the other.
    fs::write(&file, format!("1:name=systemd:{group}\n0::{group}\n")).expect("a file in /run");
    run(Command::new("mount").args(["--bind", &file, &format!("/proc/{process}/cgroup")]));
}

const SESSION: &str = "/user.slice/user-64903.slice/session-c1.scope";

/// A process of user guest in a control group. It ends when dropped.
struct Process(Child);

impl Process {
    fn of_guest(group: &str) -> Self {
        let process = Command::new("sleep").arg("600").uid(GUEST).spawn().expect("sleep, of coreutils");
        put_into(process.id(), group);
        Self(process)
    }

    fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        kill(self.0.id(), libc::SIGKILL);
        let _ = self.0.wait();
    }
}

const BUS: &str = "/run/dbus/system_bus_socket";

/// Starts a system bus, which has these rules beside those by which everybody may do everything.
fn bus<'a>(machine: &'a Machine, policy: &str) -> Service<'a> {
    let _ = fs::create_dir("/run/dbus");
    let configuration = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>system</type><listen>unix:path={BUS}</listen><auth>EXTERNAL</auth>\n\
         <policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"method_call\"/>\
         <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\
         <allow send_requested_reply=\"true\" send_type=\"error\"/>\
         <allow send_type=\"signal\"/><allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\
         <allow receive_type=\"error\"/><allow receive_type=\"signal\"/></policy>\n{policy}</busconfig>\n"
    );
    let configuration = machine.write("bus.conf", &configuration);
    let service = machine.start("dbus-daemon", &["--nofork", "--nopidfile", "--config-file", &configuration]);
    drop(service.connect(BUS));
    service
}

pub fn dbus(machine: &Machine) -> &'static str {
    const MEMBER: &str = "send_interface=\"org.freedesktop.DBus\" send_member=\"ListNames\"";
    nobody_logged_in();
    let policy = format!(
        "<policy context=\"default\"><deny {MEMBER}/></policy><policy at_console=\"true\"><allow {MEMBER}/></policy>\n"
    );
    let service = bus(machine, &policy);
    let call = |member: &str| -> Output {
        let method = format!("org.freedesktop.DBus.{member}");
        let message = ["--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus", &method];
        let mut client = machine.client("dbus-send", &[&format!("--bus=unix:path={BUS}")]);
        client.args(message).uid(GUEST).output().expect("timeout")
    };
    let is_refused =
        |answer: &Output| !answer.status.success() && text(answer).contains("org.freedesktop.DBus.Error.AccessDenied");
    let is_list = |answer: &Output| answer.status.success() && text(answer).contains("\"org.freedesktop.DBus\"");

    let answer = call("GetId");
    assert!(answer.status.success(), "{}{}", text(&answer), service.output());
    let answer = call("ListNames");
    assert!(is_refused(&answer), "at no seat: {}{}", text(&answer), service.output());
    guest_logged_in("online");
    let answer = call("ListNames");
    assert!(is_list(&answer), "at a seat: {}{}", text(&answer), service.output());
    fs::remove_file(format!("/run/systemd/users/{GUEST}")).expect("a file of guest_logged_in()");
    let answer = call("ListNames");
    assert!(is_refused(&answer), "logged out: {}{}", text(&answer), service.output());
    service.proven();
    "what at_console allows: at a seat, and else not"
}

pub fn ps(machine: &Machine) -> &'static str {
    nobody_logged_in();
    guest_logged_in("active");
    login("machines/box", "NAME=box\nCLASS=container\nSCOPE=machine-box.scope\n");
    symlink("box", "/run/systemd/machines/unit:machine-box.scope").expect("a link in /run");
    let groups = [
        (SESSION, "session-c1.scope - user-64903.slice c1 seat0 64903 -"),
        ("/system.slice/cron.service", "cron.service - system.slice - - - -"),
        (
            "/user.slice/user-64903.slice/user@64903.service/app.slice/music.service",
            "user@64903.service music.service user-64903.slice - - 64903 -",
        ),
        ("/machine.slice/machine-box.scope", "machine-box.scope - machine.slice - - - box"),
    ];
    let processes = groups.map(|(group, _)| Process::of_guest(group));
    let list = processes.each_ref().map(Process::id).join(",");
    // No headings. The others than the four are the rest of what procps asks.
    let columns = ["unit", "uunit", "slice", "lsession", "seat", "ouid", "machine"].map(|name| format!("{name}="));
    let arguments = ["-o", &columns.join(","), "-p", &list].map(|argument| argument.replace("=,", "= -o "));
    let arguments: Vec<_> = arguments.iter().flat_map(|argument| argument.split(' ')).collect();
    let shown = |libsystemd: &Path| {
        let output = run(machine.client_on(libsystemd, "ps", &arguments).env("LD_BIND_NOW", "1"));
        let output = String::from_utf8(output.stdout).expect("text");
        output.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(shown(&machine.drop_in()), groups.map(|(_, line)| line));
    assert_eq!(shown(&machine.libsystemd()), groups.map(|(_, line)| line), "by libsystemd");
    // The library by which ps asks, in a program that lasts.
    machine.start("top", &["-b", "-d", "600"]).loaded();
    "unit, slice, lsession, machine, as with libsystemd"
}

pub fn polkit(machine: &Machine) -> &'static str {
    const ACTION: &str = "org.example.test";
    const IS_AUTHORIZED: i32 = 0;
    const IS_NOT: i32 = 1;
    const IS_A_QUESTION: i32 = 2;
    nobody_logged_in();
    let policy = format!(
        "<!DOCTYPE policyconfig PUBLIC \"-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd\">\n\
         <policyconfig><action id=\"{ACTION}\"><description>a</description><message>a</message><defaults>\
         <allow_any>auth_admin</allow_any><allow_inactive>no</allow_inactive><allow_active>yes</allow_active>\
         </defaults></action></policyconfig>\n"
    );
    // The test's own, as machine.rs has them.
    fs::write("/usr/share/polkit-1/actions/org.example.test.policy", policy).expect("the package's directory");
    let _bus = bus(machine, "");
    let service = machine.start("polkit-1/polkitd", &[]);
    eventually("polkitd has its name", || service.output().contains("Acquired the name").then_some(()));

    let process = Process::of_guest(SESSION);
    let check = |expected: i32, why: &str| {
        let mut client = machine.client("pkcheck", &["--action-id", ACTION, "--process", &process.id()]);
        let answer = client.output().expect("timeout");
        assert_eq!(answer.status.code(), Some(expected), "{why}: {}{}", text(&answer), service.output());
    };
    check(IS_A_QUESTION, "a session that is not there");
    guest_logged_in("online");
    check(IS_NOT, "a session in the background");
    guest_logged_in("active");
    check(IS_AUTHORIZED, "an active session");
    guest_logged_in("closing");
    check(IS_NOT, "a session that closes");
    service.proven();
    "CheckAuthorization: no session, one in the background, an active one"
}

pub fn pulseaudio(machine: &Machine) -> &'static str {
    nobody_logged_in();
    let session = |name: &str| {
        login(
            &format!("sessions/{name}"),
            "UID=0\nUSER=root\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=x11\nCLASS=user\n",
        );
    };
    let user = |sessions: &str| {
        let sessions = format!("SESSIONS={sessions}\nONLINE_SESSIONS={sessions}\nACTIVE_SESSIONS={sessions}\n");
        login("users/0", &("NAME=root\nSTATE=active\nDISPLAY=c1\n".to_owned() + &sessions));
    };
    user("c1");
    session("c1");
    let socket = machine.path("native");
    let module = machine.library("module-systemd-login.so");
    let modules = module.parent().and_then(Path::to_str).expect("text");
    let protocol = format!("module-native-protocol-unix socket={socket} auth-anonymous=1");
    let options =
        ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm", "--realtime=no"];
    let load = ["-p", modules, "-L", "module-systemd-login", "-L", "module-null-sink", "-L", &protocol];
    let service = machine.start("pulseaudio", &[&options[..], &load].concat());
    drop(service.connect(&socket));

    let is_held = |name: &str| {
        let server = format!("unix:{socket}");
        let clients = text(&run(&mut machine.client("pactl", &["-s", &server, "list", "clients"])));
        clients.contains(&format!("systemd-login.session = \"{name}\""))
    };
    assert!(is_held("c1") && !is_held("c2"), "{}", service.output());
    user("c1 c2");
    session("c2");
    eventually("it notices a session", || is_held("c2").then_some(()));
    user("c2");
    fs::remove_file("/run/systemd/sessions/c1").expect("a file of ours");
    eventually("it notices the end of a session", || (!is_held("c1") && is_held("c2")).then_some(()));
    service.proven();
    "a client for each session: one that is there, comes and goes"
}

pub fn spice_vdagentd(machine: &Machine) -> &'static str {
    nobody_logged_in();
    guest_logged_in("online");
    let seat = |active: &str| login("seats/seat0", &format!("IS_SEAT0=1\nACTIVE={active}\nSESSIONS=c1 c2\n"));
    seat("c2");
    // The host has connected when the daemon opens the port, which it does for the agent of the seat's active session alone.
    let port = machine.path("port");
    let host = UnixListener::bind(&port).expect("a socket in /run");
    host.set_nonblocking(true).expect("a socket");
    let socket = machine.path("agents");
    let arguments = ["-x", "-d", "-f", "-s", &port, "-S", &socket, "-u", &machine.write("uinput", "")];
    let service = machine.start("spice-vdagentd", &arguments);
    drop(service.connect(&socket));

    // An agent is this process. It tells the daemon the size of its screen: type, two arguments, length, and one screen.
    put_into(process::id(), SESSION);
    const MESSAGE: [u32; 9] = [0, 640, 480, 20, 640, 480, 0, 0, 0];
    let agent = || {
        let mut connection = UnixStream::connect(&socket).expect("a daemon that listens");
        connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a duration that is not zero");
        connection.write_all(&MESSAGE.map(u32::to_ne_bytes).concat()).expect("a daemon that reads");
        connection
    };
    let mut outsider = agent();
    outsider.shutdown(Shutdown::Write).expect("a connection");
    outsider.read_to_end(&mut Vec::new()).expect("the end, as all is read");
    let opened = host.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(opened, Err(ErrorKind::WouldBlock), "{}", service.output());

    let _agent = agent();
    seat("c1");
    guest_logged_in("active");
    eventually(&format!("the port is opened: {}", service.output()), || host.accept().ok());
    run(Command::new("umount").arg(format!("/proc/{}/cgroup", process::id())));
    service.proven();
    "the host's port, for the agent of the active session"
}

/// The rest of libseat, which is where it asks for sessions, needs sd-bus.
pub fn seatd(machine: &Machine) -> &'static str {
    // Not the virtual terminal of whoever runs this.
    let daemon = machine.start_with(&["SEATD_VTBOUND=0"], "seatd", &["-l", "debug"]);
    drop(daemon.connect("/run/seatd.sock"));
    let program = machine.path("seat");
    let library = machine.library("libseat.so");
    run(Command::new("cc")
        .arg("-I")
        .arg(library.ancestors().nth(3).expect("usr").join("include"))
        .arg(support::source().join("tests/programs/seat.c"))
        .arg(library)
        // Those of sd-bus, which the linker would miss.
        .args(["-Wl,--allow-shlib-undefined", "-Wl,-z,lazy", "-o", &program]));
    // Each function is looked for when it is called.
    let mut service = machine.start_with(&["LD_BIND_NOW=", "LIBSEAT_BACKEND=seatd"], &program, &[]);
    eventually("it has a seat", || service.output().contains("enabled: seat0\n").then_some(()));
    service.proven();
    assert!(daemon.output().contains("Opened client"), "{}", daemon.output());
    drop(service.stdin());
    eventually("it closes the seat", || daemon.output().contains("Closed client").then_some(()));
    "a seat, by the backend that asks seatd"
}
