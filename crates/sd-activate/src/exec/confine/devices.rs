//! PrivateDevices=: a /dev with devices that are no hardware.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::mount::{Made, Mount, NO_EXEC, NO_SUID, READ_ONLY, What};
use super::mounts::{Mounts, outside, text};
use crate::error::Error;

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
    ("log", "/run/systemd/journal/dev-log"),
];
/// What has a file system of its own there.
const FILE_SYSTEMS: [&str; 4] = ["pts", "shm", "mqueue", "hugepages"];

/// Adds what it takes.
pub(super) fn add(mounts: &mut Mounts, root: Option<&Path>) -> Result<(), Error> {
    let dev = Path::new("/dev");
    let host = |name: &str| outside(&dev.join(name), root);
    // Those that are there before are opened, which takes no capability to make devices.
    let step = |mounts: &mut Mounts, path: &Path, what| {
        mounts.steps.push(Mount { at: text(path.as_os_str())?, what, optional: true });
        Ok::<(), Error>(())
    };
    let trees: Vec<(&str, usize, bool)> = DEVICES
        .iter()
        .map(|name| (*name, false))
        .chain(FILE_SYSTEMS.iter().map(|name| (*name, true)))
        .filter(|(name, _)| host(name).exists())
        .map(|(name, is_directory)| Ok((name, mounts.tree(&dev.join(name), is_directory, true, true)?, is_directory)))
        .collect::<Result<_, Error>>()?;
    let options = text("mode=0755,size=4m,nr_inodes=64k".as_ref())?;
    mounts.steps.push(Mount {
        at: text(dev.as_os_str())?,
        what: What::New { kind: c"tmpfs", options, not: NO_SUID | NO_EXEC },
        optional: false,
    });
    step(mounts, &dev.join("char"), What::Directory)?;
    for (name, number, is_directory) in trees {
        let not = if is_directory { 0 } else { READ_ONLY | NO_SUID | NO_EXEC };
        let made = Some(Made { parents: Vec::new(), is_directory });
        step(mounts, &dev.join(name), What::Tree { number, not, made })?;
        if let Some(device) = fs::metadata(host(name)).ok().filter(|_| !is_directory) {
            let number = format!("{}:{}", libc::major(device.rdev()), libc::minor(device.rdev()));
            let target = text(Path::new("..").join(name).as_os_str())?;
            step(mounts, &dev.join("char").join(number), What::Link(target))?;
        }
    }
    for (name, target) in LINKS {
        step(mounts, &dev.join(name), What::Link(text(target.as_ref())?))?;
    }
    step(mounts, dev, What::Alone { not: READ_ONLY })
}
