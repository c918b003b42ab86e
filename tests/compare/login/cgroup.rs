//! What /proc/PID/cgroup says: of version 1, 2, both, or nothing that is right.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::bytes::Bytes;
use crate::strategy::mostly;

/// Where a manager and its units may be: the control group of process 1 is below.
#[rustfmt::skip]
const ROOTS: &[&str] = &["/docker/0123", "/machine.slice/machine-m.scope", "/a.slice/b.service", "/user.slice", "/x y"];

/// What stands behind the root for process 1.
#[rustfmt::skip]
const MANAGERS: &[&str] = &["", "/", "/system.slice", "/init.scope/", "/init.scope/x", "init.scope", "/user.slice"];

/// Paths that there are.
#[rustfmt::skip]
const PATHS: &[&str] = &[
    "/", "/init.scope", "/system.slice/ssh.service", "/system.slice/system-getty.slice/getty@tty1.service",
    "/user.slice/user-1000.slice/session-c1.scope", "/user.slice/user-1000.slice/session-2.scope",
    "/user.slice/user-1000.slice/user@1000.service/init.scope",
    "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope",
    "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-x\\x2dy-1.scope/sub",
    "/user.slice/user-0.slice/user@0.service/session.slice/dbus.service", "/machine.slice/machine-m.scope",
    "/machine.slice/machine-m.scope/payload/system.slice/a.service", "/machine.slice/systemd-nspawn@m.service/payload",
    "/user.slice/user-1000.slice/session-c1.scope/user-1000.slice/user@1000.service/a.slice/b.service",
    "/system.slice/a.mount", "/a.slice/a-b.slice/a-b-c.slice/d.service", "/system.slice/ssh.service/x/y",
];

#[rustfmt::skip]
const PARTS: &[&str] = &[
    "user.slice", "user-1000.slice", "user-0.slice", "user-4294967294.slice", "user-4294967295.slice",
    "user-65535.slice", "user-x.slice", "user-.slice", "user-01.slice", "user--1.slice", "user@1000.service",
    "user@.service", "user@x.service", "session-c1.scope", "session-1.scope", "session-.scope", "session-a-b.scope",
    "session-\u{e4}.scope", "session-a.b.scope", "session-c1.service", "init.scope", "app.slice", "app-x.scope",
    "system.slice", "machine.slice", "machine-m.scope", "machine-m\\x2dn.scope", "machine-.scope", "ssh.service",
    "getty@tty1.service", "getty@.service", "@x.service", "a@b@c.service", "-.slice", "-a.slice", "a-.slice",
    "a--b.slice", "a-b.slice", "a-b-c.slice", "a.slice", ".slice", "a@b.slice", "x.mount", "x.socket", "x.target",
    "x.device", "x.swap", "x.automount", "x.timer", "x.path", "x.busname", "x.snapshot", "x.y.service", ".service",
    "_ssh.service", "__x", "_", "_.hidden", "_cgroup.x", "_a.slice", "cgroup.procs", "a b.service", "a%b.service",
    "a:b.service", "a\\b.service", "a,b.service", "größe.service", "x.Service", "x.service ", "", ".", "..", "payload",
    "supervisor", "sub", "\x01.service", "(deleted)", "a.service (deleted)", "x.scope",
];

/// What stands before the path of a hierarchy.
#[rustfmt::skip]
const HIERARCHIES: &[&str] = &[
    "1:name=systemd:", "5:cpu,cpuacct:", "10:pids:", "0:", "0::x", "::", "", "00::", " 0::", "+0::", "0:::", "0:cpu:",
    "0x0::", "1::", "0:name=systemd:", "12:name=elogind:", "0 ::", "\t0::", "4294967296::",
];

#[rustfmt::skip]
const ENDS: &[&str] = &["", "\n\n", "\r\n", " \n", "/\n", "//\n", "\0\n", " (deleted)\n", "/../x\n", "\n0::/\n", ":\n"];

#[derive(Clone, Debug)]
struct Path {
    below_root: bool,
    path: &'static str,
    parts: Vec<&'static str>,
    long: usize,
}

impl Path {
    fn text(&self, root: &str) -> String {
        let mut text = if self.below_root { root.to_owned() } else { String::new() };
        text += self.path;
        for part in &self.parts {
            text += "/";
            text += part;
        }
        if self.long > 0 {
            text += "/";
            text += &"n".repeat(self.long);
            text += ".service";
        }
        text
    }
}

fn paths() -> impl Strategy<Value = Path> {
    let of_parts = || vec((0..PARTS.len()).prop_map(|i| PARTS[i]), 0..6);
    let path = prop_oneof![
        3 => ((0..PATHS.len()).prop_map(|i| PATHS[i]), Just(Vec::new())),
        1 => ((0..PATHS.len()).prop_map(|i| PATHS[i]), of_parts()),
        4 => (Just(""), of_parts()),
    ];
    let long = prop_oneof![300 => Just(0), 5 => 230..260_usize, 1 => 3000..9000_usize];
    (prop::bool::weighted(0.9), path, long).prop_map(|(below_root, (path, parts), long)| Path {
        below_root,
        path,
        parts,
        long,
    })
}

/// What process 1 has, and the process that is asked about.
#[derive(Clone, Debug)]
pub struct Cgroups {
    pub init: Bytes,
    pub process: Bytes,
}

pub fn cgroups() -> impl Strategy<Value = Cgroups> {
    let line = (mostly(2, "0::", HIERARCHIES), paths(), mostly(12, "\n", ENDS));
    let garbage = vec(prop_oneof![2 => proptest::sample::select(&b"0:/\n"[..]), 1 => any::<u8>()], 0..12);
    let garbage = prop_oneof![30 => Just(Vec::new()), 1 => garbage];
    let init = (mostly(6, "0::", HIERARCHIES), mostly(4, "/init.scope", MANAGERS), mostly(20, "\n", ENDS));
    (mostly(2, "", ROOTS), vec(line, 0..4), garbage, init).prop_map(|(root, lines, garbage, init)| {
        let mut process = garbage;
        for (hierarchy, path, end) in lines {
            process.extend([hierarchy, &path.text(root), end].concat().bytes());
        }
        let (hierarchy, manager, end) = init;
        let init = [hierarchy, root, manager, end].concat().into_bytes();
        Cgroups { init: Bytes(init), process: Bytes(process) }
    })
}

/// Those of a process in that session.
pub fn of_session(name: &str) -> Cgroups {
    let process = format!("0::/user.slice/user-1000.slice/session-{name}.scope\n");
    Cgroups { init: super::bytes("0::/init.scope\n"), process: super::bytes(&process) }
}
