//! The same command lines for systemd-notify(1) and for sd-notify: the service manager gets the same.

#[path = "../common/mod.rs"]
mod common;
mod random;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Original, without_numbers, words};
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use sdlite_test_support::scratch;

const OURS: &str = env!("CARGO_BIN_EXE_sd-notify");
const ORIGINAL: &str = "systemd-notify";

/// What systemd 252 has.
const CASES: &[&[&str]] = &[
    &["--ready"],
    &["--ready", "--status=x"],
    &["--ready", "--ready"],
    &["A=B"],
    &["A=B", "--ready", "--pid", "--status=hi"],
    &["--pid=self"],
    &["--pid=parent"],
    &["--pid=auto"],
    &["--pid="],
    &["--pid", "5"],
    &["--pid=1"],
    &["--pid= 1"],
    &["--pid=0x1"],
    &["--pid=0"],
    &["--pid=abc"],
    &["--pid=1:"],
    &["--pid=99999999999"],
    &["--pid", "--pid=self"],
    &["--pid=0", "--pid"],
    &["--no-block", "--ready"],
    &["--uid=daemon", "--ready"],
    &["--uid=1", "--pid", "A=1"],
    &["--uid=0", "A=1"],
    &["--uid=nobody", "A=1"],
    &["--uid=65534", "A=1"],
    &["--uid=54321", "A=1"],
    &["--uid=1", "--uid=54321", "A=1"],
    &["--uid=no-such-user", "--ready"],
    &["--uid=", "--ready"],
    &["--uid=-1", "--ready"],
    &["--uid=01", "--ready"],
    &["--uid=4294967295", "--ready"],
    &["--uid=65535", "--ready"],
    &["foo"],
    &[""],
    &["=x"],
    &["A="],
    &["a b=c"],
    &["A=b\nc"],
    &["\u{e4}=\u{f6}"],
    &["--status="],
    &["--status=a\nb"],
    &["--stat=x", "--no-b"],
    &["--ready", "--status=x", "READY=2", "B=2", "STATUS=7", "B=3"],
    &["A", "A=1", "A", "A=2"],
    &["AB=1", "A"],
    &["A=1", "A", "", "B=2", ""],
    &["--ready", "A=1", "--", "--status=x"],
    &["--", "-h"],
    &["-"],
    &["--booted"],
];

/// What newer ones have. 252 answers to some of it, but otherwise.
const NEWER: &[&[&str]] = &[
    &[],
    &["--no-block"],
    &["--reloading"],
    &["A=B", "--ready", "--pid", "--status=hi", "--reloading", "--stopping"],
    &["--pid=999999999"],
    &["--booted", "x"],
    &["--booted", "--ready"],
    &["--booted", "--status="],
    &["--booted", "--quiet"],
    &["--exec", "--ready", ";", "echo", "hi"],
    &["--exec", "--ready", "--", ";", "sh", "-c", "echo $NOTIFY_SOCKET >/dev/null; exit 7"],
    &["--exec", "--ready", ";"],
    &["--exec", "--ready", "A=1"],
    &["--exec", ";", "echo"],
    &["--exec"],
    &["--exec", "--", "A=1", ";", "echo", "--help", ";"],
    &["A=1", "--exec", ";", "echo", "x", "--ready"],
    &["A=1", "--exec", ";", "no-such-command", "x"],
    &["A=1", "--exec", ";", "/"],
    &["A=1", "--exec", ";", ""],
    &["A=1", "--exec", ";", "--", "--", "x"],
    &["--exec", "A=1", "--pid", ";", "ls", "/proc/self/fd"],
    &["--exec", "A=1", "--uid=1", ";", "--", "id", "-ru"],
    &["--fd=0", "A=1"],
    &["--fd=0", "--fd=2"],
    &["--fd=0", "--fd=0"],
    &["--fd=107", "A=1"],
    &["--fd=107", "--fd=107"],
    &["--fd=0x6b", "--fd=108"],
    &["--fd=107", "--fd=108", "--exec", "--ready", ";", "ls", "/proc/self/fd"],
    &["--fd=9", "A=1"],
    &["--fd=x"],
    &["--fd="],
    &["--fd=99999999999"],
    &["--fdname=a", "A=1"],
    &["--fdname=a"],
    &["--fdname=a", "--exec"],
    &["--fd=0", "--fdname=a"],
    &["--fd=0", "--fdname="],
    &["--fd=0", "--fdname=a", "--fdname=b"],
    &["--fd=0", "--fdname=a:b"],
    &["--fd=0", "--fdname=a\nb"],
    &["--fd=0", "--fdname=\u{e4}"],
    &["--fd=0", "--ready", "--fdname=a", "--status=x", "B=1"],
    &["--fd=0", "FDSTORE=1", "FDNAME=x", "--fdname=a"],
    &["--quiet", "A=1"],
    &["--fork"],
    &["--fork", "--ready", "true"],
    &["--fork", "--pid=1", "true"],
    &["--fork", "--booted"],
    &["--fork", "--booted", "true"],
    &["--booted", "--fork"],
    &["--booted", "--fork", "true"],
    &["--fork", "true"],
    &["--fork", "--quiet", "--", "true"],
    &["--fork", "false"],
    &["--fork", "--", "sh", "-c", "exit 3"],
    &["--fork", "--", "sh", "-c", "kill -9 $$"],
    &["--fork", "--", "no-such-command", "x"],
    &["--fork", "--", "/"],
    &["--fork", "--exec", "A=1", ";", "true"],
    &["--fork", "--uid=no-such-user", "true"],
    &["--fork", "--", "sh", "-c", "readlink /proc/self/fd/0 >&2; readlink /proc/self/fd/1 2>&1 >&2; exit 4"],
    // Ready, not ready, and ready in a message of somebody else.
    &["--fork", "--", "sh", "-c", "NOTIFIER --ready --no-block; sleep 1; exit 5"],
    &["--fork", "--", "sh", "-c", "NOTIFIER STATUS=x READY=1 --no-block; sleep 1; exit 5"],
    &["--fork", "--", "sh", "-c", "NOTIFIER READY=0 XREADY=1 --no-block; exit 5"],
    &["--fork", "--", "sh", "-c", "NOTIFIER --ready --no-block --pid=self; exit 5"],
    &["--help"],
];

/// What is wrong in the words of whoever reads options.
const UNUSABLE: &[&[&str]] =
    &[&["--nonsense"], &["-x"], &["--ready=1"], &["--uid"], &["--status"], &["--ready", "--nonsense"]];

/// What a program has done, and what came of it.
struct Observed {
    status: String,
    /// What it has said.
    words: Vec<String>,
    messages: Vec<String>,
}

/// Who has started whom.
struct Processes {
    caller: u32,
    program: u32,
}

impl Processes {
    fn name(&self, pid: i32) -> String {
        match pid as u32 {
            pid if pid == self.caller => "the caller".into(),
            pid if pid == self.program => "itself".into(),
            1 => "the first process".into(),
            _ => "another process".into(),
        }
    }

    /// A message, with what is different each time by what it is.
    fn text(&self, message: &[u8]) -> String {
        let text = String::from_utf8_lossy(message);
        let line = |line: &str| match line.split_once('=') {
            Some(("MAINPID", pid)) => {
                format!("MAINPID={}", pid.parse().map_or("no number".into(), |pid| self.name(pid)))
            }
            Some((name @ ("MAINPIDFDID" | "MONOTONIC_USEC"), value)) => format!("{name}={}", without_numbers(value)),
            _ => line.to_owned(),
        };
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The message that has come. Descriptors are closed at once, and so nobody waits for long.
fn receive(socket: &UnixDatagram, processes: &Processes) -> Option<String> {
    let mut text = vec![0; 65536];
    let mut parts = [IoSliceMut::new(&mut text)];
    let mut room = nix::cmsg_space!(libc::ucred, [RawFd; 253]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut room), MsgFlags::MSG_DONTWAIT).ok()?;
    let (mut sender, mut descriptors) = (String::new(), Vec::new());
    for part in message.cmsgs().expect("room for all") {
        match part {
            ControlMessageOwned::ScmCredentials(sent) => {
                sender = format!("{}, user {}, group {}", processes.name(sent.pid()), sent.uid(), sent.gid());
            }
            ControlMessageOwned::ScmRights(passed) => {
                for descriptor in passed {
                    let path = fs::read_link(format!("/proc/self/fd/{descriptor}")).expect("a descriptor");
                    descriptors.push(without_numbers(&path.display().to_string()));
                    // SAFETY: it was passed to this process just now.
                    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
                }
            }
            _ => (),
        }
    }
    // The original passes them in no order.
    descriptors.sort();
    let length = message.bytes;
    Some(format!("{:?} from {sender}, with {descriptors:?}", processes.text(&text[..length])))
}

/// What becomes of a command line. The program has two more descriptors, 107 and 108.
fn observe(command: &[impl AsRef<OsStr>], arguments: &[&str]) -> Observed {
    let directory = scratch();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    setsockopt(&socket, PassCred, &true).expect("credentials");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("everybody's");

    let null = File::open("/dev/null").expect("/dev/null");
    let (one, two) = (null.as_raw_fd(), socket.as_raw_fd());
    let mut program = Command::new(&command[0]);
    program.args(&command[1..]).args(arguments.iter().map(|argument| argument.replace("NOTIFIER", OURS)));
    program.env("NOTIFY_SOCKET", &path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let extra = arguments.iter().any(|argument| argument.starts_with("--fd"));
    // SAFETY: what is called is async-signal-safe, and changes nothing but the child.
    unsafe {
        program.pre_exec(move || {
            // Whatever else whoever runs this left open.
            libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int);
            if extra {
                libc::dup2(one, 107);
                libc::dup2(two, 108);
            }
            Ok(())
        })
    };
    let child = program.spawn().expect("a program");
    let processes = Processes { caller: std::process::id(), program: child.id() };
    let (messages, output) = serve(child, &socket, &processes);
    let [status, words @ ..] = &words(&output)[..] else { panic!("a status") };
    let forks = arguments.contains(&"--fork");
    let words = words.iter().map(|text| if forks { without_numbers(text) } else { text.clone() }).collect();
    Observed { status: status.clone(), words, messages }
}

/// Reads messages until the program has ended, and all output.
fn serve(mut child: Child, socket: &UnixDatagram, processes: &Processes) -> (Vec<String>, std::process::Output) {
    let mut messages = Vec::new();
    loop {
        // First: what it has sent before it ended is there.
        let ended = child.try_wait().expect("a child").is_some();
        messages.extend(std::iter::from_fn(|| receive(socket, processes)));
        if ended {
            return (messages, child.wait_with_output().expect("its output"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What becomes of a command line with ours, and with the original; without what that release does differently.
fn both(original: &Original, arguments: &[&str]) -> (Observed, Observed) {
    let (mut ours, mut theirs) = (observe(&[OURS], arguments), observe(original.command(), arguments));
    if !is_newest(original) {
        // From itself it says that it is done, and it tells no exit status and no other ids.
        ours.messages.retain(|message| !message.starts_with("\"EXIT_STATUS="));
        for message in &mut ours.messages {
            *message = message.replace("\\nMAINPIDFDID=N", "");
        }
        let without_sender = |message: &mut String| {
            if message.starts_with("\"BARRIER=1") {
                *message = "\"BARRIER=1\"".to_owned();
            }
        };
        ours.messages.iter_mut().chain(&mut theirs.messages).for_each(without_sender);
    }
    (ours, theirs)
}

/// Whether it has all that ours has.
fn is_newest(original: &Original) -> bool {
    original.version >= 258
}

#[test]
fn the_service_manager_gets_what_systemd_notify_sends() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    let newest = is_newest(&original);
    let newer = NEWER.iter().filter(|_| newest).copied();
    for arguments in CASES.iter().copied().chain(newer) {
        let (ours, theirs) = both(&original, arguments);
        assert_eq!(ours.messages, theirs.messages, "{arguments:?}");
        assert_eq!(ours.status, theirs.status, "{arguments:?}: {:?}", ours.words);
        // It had other words for some failures, and everybody has their own help.
        if newest && arguments != ["--help"] {
            assert_eq!(ours.words, theirs.words, "{arguments:?}");
        }
    }
}

#[test]
fn what_systemd_notify_does_not_understand_is_refused() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    for arguments in UNUSABLE {
        let (ours, theirs) = (observe(&[OURS], arguments), observe(original.command(), arguments));
        assert_eq!(ours.status, theirs.status, "{arguments:?}");
        assert_eq!(ours.messages[..1], theirs.messages[..1], "{arguments:?}");
        assert!(ours.words[1].len() > "stderr \n".len(), "{arguments:?}: {:?}", ours.words);
    }
}

#[test]
fn where_there_is_no_service_manager_that_is_said() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    let [command, before @ ..] = original.command() else { panic!("a command") };
    let addresses = [None, Some("/nonexistent/notify"), Some("rubbish"), Some("@"), Some("")];
    for address in addresses {
        for arguments in [&["--ready"][..], &["--no-block", "--ready"], &["--booted"], &["--version"]] {
            let status = |command: &OsStr, before: &[std::path::PathBuf]| {
                let mut command = Command::new(command);
                command.args(before).args(arguments);
                address.map(|address| command.env("NOTIFY_SOCKET", address));
                let output = command.output().expect("a program");
                let words = String::from_utf8_lossy(&output.stderr).replace("init system", "service manager");
                // In 252, an address that is none is an invalid argument.
                (output.status, words.replace("Protocol error", "Invalid argument"))
            };
            assert_eq!(status(OsStr::new(OURS), &[]), status(command.as_os_str(), before), "{address:?} {arguments:?}");
        }
    }
}

#[test]
fn an_ordinary_user_notifies_as_itself() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    if !nix::unistd::geteuid().is_root() {
        sdlite_test_support::not_here("root, to become an ordinary user");
        return;
    }
    // Copies where that user finds them.
    let directory = scratch();
    fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("everybody's");
    let copy = directory.path().join("sd-notify");
    sdlite_test_support::copy_program(OURS, &copy);
    let become_daemon = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"].map(std::path::PathBuf::from);
    for arguments in [&["--ready"][..], &["--ready", "--pid"], &["--pid=1"], &["--uid=1", "A=1"], &["--uid=2", "A=1"]] {
        let as_daemon = |command: &[std::path::PathBuf]| observe(&[&become_daemon, command].concat(), arguments);
        if original.command().len() > 1 {
            // Another release is below a directory that is not for everybody.
            return;
        }
        let (ours, theirs) = (as_daemon(std::slice::from_ref(&copy)), as_daemon(original.command()));
        let first = |observed: &Observed| observed.messages[0].replace("\\nMAINPIDFDID=N", "");
        assert_eq!(first(&ours), first(&theirs), "{arguments:?}");
        assert_eq!((&ours.status, &ours.words), (&theirs.status, &theirs.words), "{arguments:?}");
    }
}

/// Every option that only newer releases have, where only an older one is to compare with.
#[test]
fn what_newer_releases_have_is_there() {
    let text = |arguments: &[&str]| {
        let observed = observe(&[OURS], arguments);
        (observed.status, observed.words.concat(), observed.messages)
    };
    let (status, words, messages) = text(&["--exec", "--ready", ";", "echo", "hi"]);
    assert_eq!((&*status, &*words), ("exit status: 0", "stdout hi\nstderr "));
    assert!(messages[0].starts_with("\"READY=1\" from the caller"), "{messages:?}");
    let (status, words, messages) = text(&["--fd=107", "--fdname=a", "--fd=108"]);
    assert_eq!((&*status, &*words), ("exit status: 0", "stdout stderr "));
    assert!(messages[0].ends_with("with [\"/dev/null\", \"socket:[N]\"]"), "{messages:?}");
    let (status, words, _) = text(&["--fork", "--", "sh", "-c", "NOTIFIER --ready --no-block; sleep 1; exit 5"]);
    assert_eq!((&*status, &*words), ("exit status: 0", "stdout N\nstderr "));
    // The original does not let go of a barrier, which then fails.
    let (status, words, _) = text(&["--fork", "--", "sh", "-c", "NOTIFIER --status=x && exit 5"]);
    assert_eq!((&*status, &*words), ("exit status: 5", "stdout N\nstderr "));
}

#[test]
fn arguments_that_are_no_text_arrive_as_they_are() {
    let directory = scratch();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut command = Command::new(OURS);
    command.args(["--no-block", "--status"]).arg(OsStr::from_bytes(b"\xff")).arg(OsStr::from_bytes(b"\xfe=\xfd"));
    assert!(command.env("NOTIFY_SOCKET", &path).status().expect("a program").success());
    let mut text = [0; 100];
    let length = socket.recv(&mut text).expect("a message");
    assert_eq!(&text[..length], b"STATUS=\xff\n\xfe=\xfd");
}
