//! What supervisors have in memory, and from which files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sdlite_test_support::activation::eventually;

use super::figures::{exchange, start};
use super::root::{LIMIT, Root, Running};
use super::supervisor::{Role, Supervisor, Task, socket};

/// In KiB, of all processes that supervise.
pub struct Memory {
    pub resident: u64,
    /// What is in no file.
    pub anonymous: u64,
}

/// Files that are mapped, in bytes.
#[derive(Default)]
pub struct Size {
    pub programs: u64,
    pub libraries: u64,
}

/// As soon as all is quiet. Whoever holds sockets has one service that runs, and of a hundred none if it can.
pub fn memory(root: &Root, supervisor: &Supervisor, task: &Task) -> Option<Memory> {
    let running = start(root, supervisor, task)?;
    quiet(root, &running, task)?;
    let (_, supervising) = running.services();
    let sum = |name: &str| -> u64 {
        let field = |process: &u32| -> Option<u64> {
            let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
            rollup.lines().find_map(|line| line.strip_prefix(name)?.trim().trim_end_matches(" kB").parse().ok())
        };
        supervising.iter().filter_map(field).sum()
    };
    // Where the supervisor has become the service there is none.
    (!supervising.is_empty()).then(|| Memory { resident: sum("Rss:"), anonymous: sum("Anonymous:") })
}

/// None where it cannot do that.
fn quiet(root: &Root, running: &Running, task: &Task) -> Option<()> {
    if task.sockets {
        eventually("it listens", || (0..task.services).all(|number| root.path(&socket(number)).exists()).then_some(()));
        if task.services == 1 {
            eventually("it answers", || exchange(&root.path(&socket(0))).ok());
        }
    } else {
        for _ in 0..task.services {
            running.next(LIMIT)?;
        }
    }
    thread::sleep(Duration::from_secs(1));
    Some(())
}

/// What is loaded by that which runs, beside the C library.
pub fn size(root: &Root, supervisor: &Supervisor) -> Size {
    let Some(running) = [false, true]
        .into_iter()
        .find_map(|sockets| start(root, supervisor, &Task { role: Role::Wait, services: 1, sockets }))
    else {
        return Size::default();
    };
    thread::sleep(Duration::from_secs(1));
    let (_, supervising) = running.services();
    let mut programs = BTreeSet::new();
    let mut mapped = BTreeSet::new();
    for process in supervising {
        let program = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        mapped.extend(maps.lines().filter_map(|line| Some(PathBuf::from(&line[line.find('/')?..]))));
        // What an interpreter reads is not mapped; its name is one of inside.
        let arguments = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let scripts = arguments.split('\0').filter(|argument| argument.ends_with(".py"));
        programs.extend(scripts.map(|script| root.path(script)));
        programs.insert(program);
    }
    let libc = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        ["libc.", "ld-linux", "libm.", "libdl.", "libpthread.", "librt."].iter().any(|prefix| name.starts_with(prefix))
    };
    let bytes = |path: &PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let is_library = |path: &&PathBuf| path.to_string_lossy().contains(".so") && !libc(path);
    Size { programs: programs.iter().map(bytes).sum(), libraries: mapped.iter().filter(is_library).map(bytes).sum() }
}
