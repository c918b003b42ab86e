//! Where unit files are looked for: "Unit File Load Path" in systemd.unit(5).

use std::collections::HashSet;
use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::spec::Scope;

/// The directories of the machine's units, those that win first.
const SYSTEM: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// The unit path: $SYSTEMD_UNIT_PATH, and the usual one where that is not set or ends in a colon.
pub fn unit_path(scope: &Scope) -> Vec<PathBuf> {
    let usual = || if scope.user { user(scope) } else { SYSTEM.iter().map(PathBuf::from).collect() };
    match env::var_os("SYSTEMD_UNIT_PATH") {
        None => usual(),
        Some(path) => {
            let mut directories = split(&path);
            if path.as_bytes().ends_with(b":") {
                directories.extend(usual());
            }
            directories
        }
    }
}

/// The directories between the colons.
pub fn split(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path).filter(|directory| !directory.as_os_str().is_empty()).collect()
}

fn user(scope: &Scope) -> Vec<PathBuf> {
    let list = |name: &str, usual: &[&str]| match env::var_os(name) {
        Some(value) if !value.is_empty() => split(&value),
        _ => usual.iter().map(PathBuf::from).collect(),
    };
    let data_home = env::var_os("XDG_DATA_HOME").map_or_else(|| scope.home.join(".local/share"), PathBuf::from);
    // Without the variable there is no such directory.
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(|_| scope.runtime.join("systemd"));
    let below_runtime = |name: &str| runtime.as_ref().map(|directory| directory.join(name));
    let below = |directories: Vec<PathBuf>| directories.into_iter().map(|directory| directory.join("systemd/user"));

    let mut path = vec![scope.configuration.join("systemd/user.control")];
    path.extend(["user.control", "transient", "generator.early"].iter().filter_map(|name| below_runtime(name)));
    path.push(scope.configuration.join("systemd/user"));
    path.extend(below(list("XDG_CONFIG_DIRS", &["/etc/xdg"])));
    path.push("/etc/systemd/user".into());
    path.extend(below_runtime("user"));
    path.push("/run/systemd/user".into());
    path.extend(below_runtime("generator"));
    path.push(data_home.join("systemd/user"));
    path.extend(below(list("XDG_DATA_DIRS", &["/usr/local/share", "/usr/share"])));
    path.extend(["/usr/local/lib/systemd/user", "/usr/lib/systemd/user"].map(PathBuf::from));
    path.extend(below_runtime("generator.late"));
    once(path)
}

/// Each directory once, where it stands first.
pub fn once(directories: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    directories.into_iter().filter(|directory| seen.insert(directory.clone())).collect()
}

/// A path without `.`, `..` and repeated slashes, from what it says alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::CurDir => (),
            std::path::Component::ParentDir => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_many_files_are_in_is_read_once() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(once(paths(&["/b", "/a", "/b", "/c", "/a"])), paths(&["/b", "/a", "/c"]));
    }
}
