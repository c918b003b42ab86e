//! Debian's packages, unpacked into a directory: nothing is installed, so no service is started or enabled by it.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{run, scratch, text};

/// What must be the system's own, as its dynamic linker is; and what the drop-in stands in for.
const NEVER: &[&str] = &["libc6", "libc-bin", "libsystemd0", "libsystemd-shared"];

fn apt_get(arguments: &[&str], packages: &[String], directory: &Path) -> Result<String, String> {
    let mut command = Command::new("apt-get");
    let output = command.args(arguments).args(packages).current_dir(directory).output().expect("apt-get");
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}", text(&output).trim()))
    }
}

/// Brings apt's lists up to date where they know nothing of these packages, or only versions that are gone.
fn update_and_again<T>(ask: impl Fn() -> Result<T, String>) -> Result<T, String> {
    ask().or_else(|_| {
        apt_get(&["update", "--quiet"], &[], Path::new("/"))?;
        ask()
    })
}

/// Unpacks these packages into `root`, with the libraries that they need: the same ones wherever apt has the same lists, whatever
/// is installed there.
pub fn unpack_with_libraries(packages: &[&str], root: &Path) -> Result<(), String> {
    let packages: Vec<_> = packages.iter().map(|&package| package.to_owned()).collect();
    let nothing = scratch();
    let status = nothing.path().join("status");
    fs::write(&status, "").expect("a list of what is installed");
    // As where nothing is installed, and without a trace of that in apt's cache.
    let status = format!("Dir::State::Status={}", status.display());
    let private = ["Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", &status];
    let mut arguments = vec!["install", "--simulate", "--no-install-recommends"];
    arguments.extend(private.iter().flat_map(|option| ["--option", option]));
    let simulated = update_and_again(|| apt_get(&arguments, &packages, Path::new("/")))?;
    let dependencies = simulated.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    // The rest is there for installing.
    let libraries = dependencies.filter(|name| name.starts_with("lib") && !NEVER.contains(name)).map(str::to_owned);
    let all: BTreeSet<_> = packages.iter().cloned().chain(libraries).collect();
    unpack(&all.into_iter().collect::<Vec<_>>(), root)
}

/// Unpacks these packages alone.
pub fn unpack(packages: &[String], root: &Path) -> Result<(), String> {
    let archives = scratch();
    // apt downloads as a user of its own where that may write.
    fs::set_permissions(archives.path(), fs::Permissions::from_mode(0o777)).expect("a directory that is ours");
    update_and_again(|| apt_get(&["download", "--quiet"], packages, archives.path()))?;
    fs::create_dir_all(root).expect("a directory");
    let mut versions = String::new();
    for file in fs::read_dir(archives.path()).expect("what was downloaded").flatten() {
        run(Command::new("dpkg-deb").arg("--extract").arg(file.path()).arg(root));
        let show = ["--show", "--showformat", "${Package} ${Version}\n"];
        let version = run(Command::new("dpkg-deb").args(show).arg(file.path()));
        versions += &String::from_utf8_lossy(&version.stdout);
    }
    // For who asks later, when the archives are gone.
    fs::write(root.join("versions"), versions).expect("a list of versions");
    Ok(())
}

/// The version of a package that was unpacked.
pub fn version(package: &str, root: &Path) -> String {
    let versions = fs::read_to_string(root.join("versions")).expect("the list of versions");
    let version = versions.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix(' '));
    version.expect("a package that was unpacked").to_owned()
}

/// The directories with shared libraries in `root`: first those for everybody, then the private ones of programs.
pub fn libraries(root: &Path) -> Vec<PathBuf> {
    let mut directories: VecDeque<_> = ["lib", "usr/lib"].map(|directory| root.join(directory)).into();
    let mut found = Vec::new();
    while let Some(directory) = directories.pop_front() {
        let entries: Vec<_> = fs::read_dir(&directory).into_iter().flatten().flatten().collect();
        let is_library = |name: OsString| name.to_string_lossy().starts_with("lib");
        if entries.iter().any(|entry| is_library(entry.file_name()) && !entry.path().is_dir()) {
            found.push(directory);
        }
        directories.extend(entries.iter().filter(|entry| is_directory(entry)).map(DirEntry::path));
    }
    found
}

fn is_directory(entry: &DirEntry) -> bool {
    // Not a symbolic link to one.
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// A program in `root`. One that only other programs start has a name with the directory below usr/lib that it is in.
pub fn program(name: &str, root: &Path) -> PathBuf {
    let mut places =
        ["usr/sbin", "usr/bin", "sbin", "bin", "usr/lib"].iter().map(|directory| root.join(directory).join(name));
    places.find(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is in none of the unpacked packages"))
}
