//! What is known about sessions, users, seats, machines and processes. The files that tell it are this test's own.

mod common;

use std::fmt::Debug;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sdlite::login::{self, Category, Machine, Monitor, Require, Seat, Session, User};
use sdlite::{Error, Result};
use sdlite_test_support as support;

const FILES: [(&str, &str); 6] = [
    (
        "sessions/3",
        "UID=1000\nUSER=alice\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=wayland\nCLASS=user\nSEAT=seat0\nTTY=tty2\nVTNR=2\n\
         SERVICE=gdm-password\nDESKTOP=GNOME\nDISPLAY=:0\nLEADER=4711\nREALTIME=1700000000123456\n\
         EXTRA_DEVICE_ACCESS=render audio\n",
    ),
    (
        "sessions/c1",
        "UID=1001\nUSER=bob\nACTIVE=0\nSTATE=online\nREMOTE=1\nREMOTE_HOST=192.0.2.1\nREMOTE_USER=bobby\nTYPE=tty\n\
         CLASS=user\nLEADER=4712\nREALTIME=1700000000000000\n",
    ),
    ("seats/seat0", "CAN_TTY=1\nCAN_GRAPHICAL=0\nACTIVE=3\nACTIVE_UID=1000\nSESSIONS=3 4\nUIDS=1000 1000\n"),
    ("seats/seat1", "CAN_TTY=0\nCAN_GRAPHICAL=1\n"),
    (
        "users/1000",
        "STATE=active\nDISPLAY=3\nREALTIME=1700000000000000\nSESSIONS=3 4 5\nONLINE_SESSIONS=3 4\nACTIVE_SESSIONS=3\n\
         SEATS=seat0 seat1\nONLINE_SEATS=seat0\n",
    ),
    ("machines/box", "CLASS=container\nNETIF=3 5\n"),
];

/// Runs a test with these files below /run/systemd, and a control group of its own.
fn with_files(test: &str) {
    let directory = support::scratch();
    let systemd = directory.path().join("systemd");
    for (name, content) in FILES {
        let path = systemd.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a new directory");
        fs::write(path, content).expect("a new file");
    }
    // As the hierarchy is of version 1 or 2, one line of a file counts or the other.
    for (name, cgroup) in [("cgroup", "/user.slice/user-1000.slice/session-3.scope"), ("cgroup1", "/init.scope")] {
        let lines = format!("1:name=systemd:{cgroup}\n0::{cgroup}\n");
        fs::write(directory.path().join(name), lines).expect("a new file");
    }
    let Some(mut command) = support::with_run(directory.path()) else { return };
    let mounts =
        "mount --bind /run/cgroup /proc/$$/cgroup && mount --bind /run/cgroup1 /proc/1/cgroup && exec \"$0\" \"$@\"";
    command.args(["sh", "-c", mounts]);
    common::run_test(command, test);
}

fn errno<T: Debug>(result: Result<T>) -> i32 {
    result.expect_err("nothing is there").errno()
}

fn time(microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds)
}

#[test]
fn sessions_users_seats_and_machines_are_what_their_files_say() {
    with_files("inner_files");
}

#[test]
#[ignore = "run by the test above, with files of its own"]
fn inner_files() {
    sessions().expect("sessions");
    users().expect("users");
    seats_and_machines().expect("seats and machines");
}

fn sessions() -> Result<()> {
    let mut all = Session::all()?;
    all.sort();
    assert_eq!(all, [Session::new("3"), Session::new("c1")]);

    let [local, remote] = [&all[0], &all[1]];
    assert_eq!((local.is_active()?, local.is_remote()?, local.state()?.as_str()), (true, false, "active"));
    assert_eq!((local.user()?, local.username()?.as_str(), local.leader()?), (User::new(1000), "alice", 4711));
    assert_eq!((local.start_time()?, local.vt()?), (time(1_700_000_000_123_456), Some(2)));
    assert_eq!((local.kind()?, local.class()?), ("wayland".into(), "user".into()));
    assert_eq!(local.seat()?, Some(Seat::new("seat0")));
    assert_eq!(local.service()?.as_deref(), Some("gdm-password"));
    assert_eq!(local.desktop()?.as_deref(), Some("GNOME"));
    assert_eq!(local.display()?.as_deref(), Some(":0"));
    assert_eq!(local.tty()?.as_deref(), Some("tty2"));
    assert_eq!((local.remote_host()?, local.remote_user()?), (None, None));
    assert_eq!(local.extra_device_access()?, ["render", "audio"]);

    assert_eq!((remote.is_active()?, remote.is_remote()?), (false, true));
    assert_eq!(
        (remote.remote_host()?.as_deref(), remote.remote_user()?.as_deref()),
        (Some("192.0.2.1"), Some("bobby"))
    );
    assert_eq!((remote.seat()?, remote.service()?, remote.desktop()?), (None, None, None));
    assert_eq!((remote.display()?, remote.tty()?, remote.vt()?), (None, None, None));
    assert_eq!(remote.extra_device_access()?, [""; 0]);

    assert_eq!(errno(Session::new("5").state()), libc::ENXIO);
    for id in ["", "../seats/seat0", "a\0b"] {
        assert_eq!(errno(Session::new(id).state()), libc::EINVAL, "{id:?}");
    }
    Ok(())
}

fn users() -> Result<()> {
    assert_eq!(User::all()?, [User::new(1000)]);
    let user = User::new(1000);
    assert_eq!((user.uid(), user.state()?.as_str()), (1000, "active"));
    assert_eq!((user.display()?, user.login_time()?), (Some(Session::new("3")), time(1_700_000_000_000_000)));
    let ids = |require| Ok::<_, Error>(user.sessions(require)?.iter().map(Session::id).collect::<Vec<_>>().join(" "));
    assert_eq!(
        (ids(Require::Active)?, ids(Require::Online)?, ids(Require::Any)?),
        ("3".into(), "3 4".into(), "3 4 5".into())
    );
    assert_eq!(user.seats(Require::Any)?, [Seat::new("seat0"), Seat::new("seat1")]);
    assert_eq!((user.seats(Require::Online)?, user.seats(Require::Active)?), (vec![Seat::new("seat0")], vec![]));
    assert!(user.is_on_seat(&Seat::new("seat0"), true)?);
    assert!(!user.is_on_seat(&Seat::new("seat1"), false)?);

    let stranger = User::new(2000);
    assert_eq!((stranger.state()?.as_str(), stranger.display()?), ("offline", None));
    assert!(!stranger.is_on_seat(&Seat::new("seat0"), false)?);
    assert_eq!(errno(stranger.login_time()), libc::ENXIO);
    Ok(())
}

fn seats_and_machines() -> Result<()> {
    let mut all = Seat::all()?;
    all.sort();
    assert_eq!(all.iter().map(Seat::name).collect::<Vec<_>>(), ["seat0", "seat1"]);
    let [used, free] = [&all[0], &all[1]];
    assert_eq!((used.can_tty()?, used.can_graphical()?), (true, false));
    assert_eq!((used.active_session()?, used.active_user()?), (Some(Session::new("3")), Some(User::new(1000))));
    assert_eq!(used.sessions()?, [Session::new("3"), Session::new("4")]);
    assert_eq!((free.active_session()?, free.active_user()?, free.sessions()?), (None, None, vec![]));
    assert_eq!(errno(Seat::new("seat2").can_tty()), libc::ENXIO);

    assert_eq!(Machine::all()?, [Machine::new("box")]);
    let machine = Machine::new("box");
    assert_eq!((machine.name(), machine.class()?.as_str(), machine.ifindices()?), ("box", "container", vec![3, 5]));
    assert_eq!(Machine::new(".host").class()?, "host");
    assert_eq!(errno(Machine::new("gone").class()), libc::ENXIO);
    Ok(())
}

#[test]
fn a_process_belongs_where_its_control_group_says_however_it_is_given() {
    with_files("inner_process");
}

#[test]
#[ignore = "run by the test above, with a control group of its own"]
fn inner_process() {
    let (socket, peer) = UnixStream::pair().expect("sockets");
    // SAFETY: it takes numbers alone.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) };
    assert!(pidfd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: it has just been opened.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd as i32) };
    let by_id = login::of_pid(std::process::id());
    for process in [login::of_pid(0), by_id, login::of_pidfd(pidfd.as_fd()), login::of_peer(socket.as_fd())] {
        assert_eq!(process.session(), Ok(Some(Session::new("3"))), "{process:?}");
        assert_eq!(process.owner(), Ok(Some(User::new(1000))), "{process:?}");
        assert_eq!(process.unit(), Ok(Some("session-3.scope".into())), "{process:?}");
        assert_eq!(process.slice(), Ok(Some("user-1000.slice".into())), "{process:?}");
        assert_eq!((process.user_unit(), process.machine()), (Ok(None), Ok(None)), "{process:?}");
        let cgroup = process.cgroup().expect("it has one");
        assert_eq!(cgroup, Path::new("/user.slice/user-1000.slice/session-3.scope"), "{process:?}");
    }
    std::os::unix::fs::symlink("box", "/run/systemd/machines/unit:session-3.scope").expect("a new link");
    assert_eq!(login::of_pid(0).machine(), Ok(Some(Machine::new("box"))));

    assert_eq!(login::of_pid(1).unit(), Ok(Some("init.scope".into())));
    assert_eq!(errno(login::of_pid(u32::MAX).session()), libc::EINVAL);
    assert_eq!(errno(login::of_pid(0x7fff_ffff).session()), libc::ESRCH);
    drop(peer);
}

#[test]
fn a_monitor_sees_what_it_is_asked_to_watch() {
    with_files("inner_monitor");
}

#[test]
#[ignore = "run by the test above, with files of its own"]
fn inner_monitor() {
    let [sessions, all] = [Some(Category::Session), None].map(|category| Monitor::new(category).expect("a monitor"));
    let readable = || {
        [&sessions, &all].map(|monitor| {
            let mut fd = libc::pollfd { fd: monitor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: the pointer is to one pollfd.
            unsafe { libc::poll(&raw mut fd, 1, 0) == 1 }
        })
    };
    assert_eq!(readable(), [false, false]);
    fs::remove_file("/run/systemd/seats/seat1").expect("the seat");
    assert_eq!(readable(), [false, true]);
    fs::remove_file("/run/systemd/sessions/c1").expect("the session");
    assert_eq!(readable(), [true, true]);
    for monitor in [&sessions, &all] {
        monitor.flush().expect("changes");
        monitor.flush().expect("no changes");
    }
    assert_eq!(readable(), [false, false]);

    for category in [Category::Seat, Category::Uid, Category::Machine] {
        assert!(Monitor::new(Some(category)).is_ok(), "{category:?}");
    }
    fs::remove_dir_all("/run/systemd").expect("everything");
    assert_eq!(errno(Monitor::new(None)), libc::ENOENT);
}
