//! Conditions, beside what systemd-analyze(1) says of them on the same machine.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::Directory;
use sd_activate::conditions::unmet;
use sd_activate::spec::{Scope, UnitName};
use sd_activate::unit::load::Loader;
use sdlite_test_support::{has, not_here};

/// What is asked, behind `Condition`; each is asked with a `!`, too.
const ASKED: &[&str] = &[
    "Architecture=x86-64",
    "Architecture=arm64",
    "Architecture=native",
    "Architecture=foo",
    "Capability=CAP_SYS_ADMIN",
    "Capability=cap_sys_time",
    "Capability=CAP_SYS_RESOURCE",
    "Capability=sys_admin",
    "ControlGroupController=v1",
    "ControlGroupController=v2",
    "ControlGroupController=cpu",
    "ControlGroupController=cpu memory",
    "ControlGroupController=io",
    "ControlGroupController=pids",
    "ControlGroupController=foo",
    "ControlGroupController=foo cpu",
    "CPUs=1",
    "CPUs==1",
    "CPUs=!=1",
    "CPUs=>=2",
    "CPUs=> 2",
    "CPUs=<1000",
    "CPUs=== 2",
    "CPUs=x",
    "DirectoryNotEmpty=/etc",
    "DirectoryNotEmpty=/etc/passwd",
    "Environment=PATH",
    "Environment=PATH=x",
    "Environment=NOBODY_SETS_THIS",
    "FileIsExecutable=/bin/sh",
    "FileIsExecutable=/etc",
    "FileIsExecutable=/etc/passwd",
    "FileNotEmpty=/etc/passwd",
    "FileNotEmpty=/etc",
    "FileNotEmpty=/nonexistent",
    "Group=root",
    "Group=0",
    "Group=adm",
    "Group=12345",
    "Group=no-such-group",
    "Host=*",
    "Host=no-such-host",
    "Host=00000000000000000000000000000001",
    "KernelCommandLine=quiet",
    "KernelCommandLine=root",
    "KernelCommandLine=no-such-word",
    "KernelVersion=*",
    "KernelVersion=>3",
    "KernelVersion=>3 <4",
    "KernelVersion=>= 3",
    "KernelVersion=\"> 3\" \"<99\"",
    "KernelVersion==6*",
    "KernelVersion=$=[4-9]*",
    "KernelVersion=!$=[4-9]*",
    "KernelVersion=[0-9]*",
    "KernelVersion=<>3",
    "Memory=>1",
    "Memory=1M",
    "Memory==1G",
    "Memory=>= 64M",
    "Memory=<1E",
    "Memory=!=5",
    "Memory=>=10%",
    "Memory=x",
    "OSRelease=ID=debian",
    "OSRelease=ID!=debian",
    "OSRelease=VERSION_ID>=11",
    "OSRelease=VERSION_ID<11",
    "OSRelease=ID=debian VERSION_ID>1",
    "OSRelease=NOBODY_SETS_THIS=",
    "OSRelease=NOBODY_SETS_THIS!=x",
    "OSRelease=ID",
    "OSRelease=ID$=d*",
    "OSRelease=\"ID=debian\"",
    "OSRelease=VERSION_ID = 12",
    "PathExists=/etc",
    "PathExists=/nonexistent",
    "PathExistsGlob=/{etc,nonexistent}/passw*",
    "PathExistsGlob=/nonexistent*",
    "PathIsDirectory=/etc",
    "PathIsDirectory=/etc/passwd",
    "PathIsMountPoint=/",
    "PathIsMountPoint=/proc",
    "PathIsMountPoint=/etc",
    "PathIsMountPoint=/nonexistent",
    "PathIsReadWrite=/proc",
    "PathIsReadWrite=/sys",
    "PathIsReadWrite=/tmp",
    "PathIsReadWrite=/nonexistent",
    "PathIsSymbolicLink=/proc/self",
    "PathIsSymbolicLink=/etc",
    "User=root",
    "User=0",
    "User=daemon",
    "User=12345",
    "User=no-such-user",
    "User=@system",
    "Virtualization=yes",
    "Virtualization=no",
    "Virtualization=vm",
    "Virtualization=container",
    "Virtualization=docker",
    "Virtualization=podman",
    "Virtualization=systemd-nspawn",
    "Virtualization=kvm",
    "Virtualization=qemu",
    "Virtualization=private-users",
];

fn is_met(condition: &str) -> bool {
    let directory = Directory::new();
    fs::write(directory.path("a.service"), format!("[Unit]\n{condition}\n[Service]\nExecStart=/bin/true\n")).unwrap();
    let loader = Loader::new(Scope::system(), vec![PathBuf::from(directory.text(""))], []);
    let loaded = loader.load_all(&[UnitName::new("a.service").unwrap()]);
    let spec = loaded.iter().find_map(|loaded| loaded.spec.as_ref()).unwrap();
    unmet(spec).is_none()
}

#[test]
fn each_condition_is_met_where_systemd_says_so() {
    if !has("/usr/bin/systemd-analyze", "systemd") {
        return;
    }
    let mut asked: Vec<_> = ASKED.to_vec();
    if !nix::unistd::getuid().is_root() {
        // systemd asks which of them its user has been left.
        asked.retain(|asked| !asked.starts_with("ControlGroupController="));
        not_here("root, for the conditions on control groups");
    }
    let mut differences = Vec::new();
    for asked in asked {
        let (name, parameter) = asked.split_once('=').unwrap();
        for condition in [format!("Condition{name}={parameter}"), format!("Condition{name}=!{parameter}")] {
            let output = Command::new("systemd-analyze").args(["condition", &condition]).output().unwrap();
            let own = is_met(&condition);
            if own != output.status.success() {
                differences.push(format!("{condition}: {own}, {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}
