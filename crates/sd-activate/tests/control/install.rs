//! `enable`, `disable` and `is-enabled` do to files what those of systemctl do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use sdlite_test_support as support;

use super::common::Directory;

use super::SDCTL;

/// A root directory with units.
fn make_root(root: &Path) {
    for directory in
        ["etc/systemd/system", "usr/lib/systemd/system/multi-user.target.wants", "run/systemd/system", "opt"]
    {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    let vendor = root.join("usr/lib/systemd/system");
    let unit = |name: &str, install: &str| {
        fs::write(vendor.join(name), format!("[Service]\nExecStart=/bin/true\n{install}")).unwrap();
    };
    unit(
        "a.service",
        "[Install]\nWantedBy=multi-user.target graphical.target\nRequiredBy=x.target\nAlias=al.service\nAlso=b.socket\n",
    );
    unit("b.socket", "[Install]\nWantedBy=sockets.target\n");
    unit("c.service", "[Install]\nAlso=b.socket\n");
    unit("s.service", "");
    unit("t@.service", "[Install]\nWantedBy=multi-user.target\n");
    unit("d@.service", "[Install]\nWantedBy=multi-user.target\nDefaultInstance=7\n");
    unit("i@.service", "[Install]\nWantedBy=foo-%i.target\nAlias=ali@%i.service\n");
    unit("v.service", "[Install]\nWantedBy=multi-user.target\n");
    unit("w.service", "[Install]\nWantedBy=a.target b.target\nWantedBy=\nWantedBy=c.target\n");
    unit("q@.service", "[Install]\nWantedBy=q2@.service\nAlias=al2@.service\n");
    unit("dropped.service", "");
    fs::create_dir(vendor.join("dropped.service.d")).unwrap();
    fs::write(vendor.join("dropped.service.d/1.conf"), "[Install]\nWantedBy=multi-user.target\n").unwrap();
    fs::write(vendor.join("multi-user.target"), "[Unit]\n").unwrap();
    symlink("../v.service", vendor.join("multi-user.target.wants/v.service")).unwrap();
    symlink("/dev/null", root.join("etc/systemd/system/m.service")).unwrap();
    symlink("/dev/null", root.join("run/systemd/system/mr.service")).unwrap();
    symlink("a.service", vendor.join("other.service")).unwrap();
    fs::write(vendor.join("empty.service"), "").unwrap();
    fs::copy(vendor.join("v.service"), root.join("opt/out.service")).unwrap();
    symlink("/opt/out.service", root.join("etc/systemd/system/out.service")).unwrap();
}

/// Every path below a directory, and where it leads.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            let name = entry.path().strip_prefix(root).unwrap().display().to_string();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                waiting.push(entry.path());
            }
            let target = if kind.is_symlink() { fs::read_link(entry.path()).unwrap() } else { "".into() };
            found.insert(name, target.display().to_string());
        }
    }
    found
}

/// The exit status, and the lines that were printed, in no order.
fn run(program: &str, root: &Path, arguments: &str) -> (Option<i32>, Vec<String>, String) {
    let output = Command::new(program).arg("--root").arg(root).args(arguments.split(' ')).output().expect(program);
    let said = String::from_utf8(output.stderr).unwrap().replace(root.to_str().unwrap(), "ROOT");
    let mut said: Vec<String> = said.lines().map(str::to_owned).collect();
    said.sort();
    (output.status.code(), said, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn units_are_enabled_and_disabled_as_by_systemctl() {
    if !support::has("systemctl", "systemd") {
        return;
    }
    let directories = [Directory::new(), Directory::new()];
    let roots = directories.each_ref().map(|directory| directory.path("root"));
    roots.iter().for_each(|root| make_root(root));
    const UNITS: [&str; 24] = [
        "a",
        "b.socket",
        "c",
        "s",
        "t@",
        "t@1",
        "d@",
        "d@7",
        "d@8",
        "i@x",
        "i@",
        "v",
        "m",
        "mr",
        "al",
        "other",
        "empty",
        "out",
        "nope",
        "w",
        "q@",
        "q@1",
        "dropped",
        "multi-user.target",
    ];
    let check = |arguments: &str| {
        let [theirs, ours] =
            [("systemctl", &roots[0]), (SDCTL, &roots[1])].map(|(program, root)| run(program, root, arguments));
        assert_eq!(ours, theirs, "{arguments}");
        assert_eq!(tree(&roots[1]), tree(&roots[0]), "after {arguments}");
    };
    let all = |verb: &str| UNITS.iter().for_each(|unit| check(&format!("{verb} {unit}")));
    all("is-enabled");
    check("is-enabled s nope");
    check("is-enabled m nope");
    check("is-enabled -q a");
    all("enable");
    all("enable");
    all("is-enabled");
    check("enable out b.socket");
    all("disable");
    all("is-enabled");
    check("enable --runtime v a");
    all("is-enabled");
    check("disable v");
    check("disable --runtime v");
    check("disable --runtime a");
    check("enable d@8 t@1 a");
    check("disable d@7 t@ other");
    for root in &roots {
        let system = root.join("etc/systemd/system");
        fs::create_dir_all(system.join("sockets.target.wants")).unwrap();
        symlink("/nowhere", system.join("sockets.target.wants/b.socket")).unwrap();
        symlink("/nowhere", system.join("al.service")).unwrap();
    }
    check("is-enabled b.socket");
    check("enable b.socket");
    check("enable a");
    check("enable -f a");
    check("disable a");
    for root in &roots {
        fs::write(root.join("etc/systemd/system/al.service"), "[Unit]\n").unwrap();
    }
    check("enable a");
    check("enable --force a");
}
