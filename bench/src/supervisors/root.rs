//! A root directory over the machine's own, with the supervisors in it, and containers in which each of them is process 1.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use sdlite_test_support as support;
use support::activation::{children, eventually, kill};
use support::{TempDir, debian, release, run, scratch};

use crate::programs::Programs;

/// Names inside: of what is supervised, of the FIFO into which that says what happens, and of the supervisor's own directory.
pub const SERVICE: &str = "/bench/supervised";
pub const REPORT: &str = "/bench/report";
pub const CONFIGURATION: &str = "/bench/configuration";
pub const DEBIAN: [&str; 6] = ["s6", "execline", "runit", "tini", "catatonit", "dumb-init"];
const PYPI: &str = "docker-systemctl-replacement";
/// Nothing that is measured takes as long.
pub const LIMIT: Duration = Duration::from_secs(30);

pub struct Root {
    directory: TempDir,
    unpacked: TempDir,
    cgroups: Vec<PathBuf>,
    reports: Receiver<Report>,
}

/// What a service says, and when: on the clock that everybody has, in nanoseconds.
pub struct Report {
    pub what: String,
    pub time: u64,
}

/// A supervisor that runs. It ends with all that it has started when dropped.
pub struct Running<'a> {
    root: &'a Root,
    outside: Child,
    /// Its number as others see it.
    pub process: u32,
    pub executed: u64,
}

pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it fills in the time, which is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Fetches what Debian and PyPI have: before /run is one of our own, as resolving a mirror's name may take what is in there.
pub fn fetch() -> TempDir {
    let unpacked = scratch();
    debian::unpack_with_libraries(&DEBIAN, unpacked.path()).unwrap_or_else(|error| panic!("no peers: {error}"));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--quiet", "install", "--root-user-action=ignore", "--no-deps", "--no-compile", "--target"]);
    run(pip.arg(unpacked.path().join("opt/systemctl")).arg(PYPI));
    unpacked
}

impl Root {
    pub fn new(unpacked: TempDir) -> Self {
        let directory = scratch();
        let place = |name: &str| directory.path().join(name);
        run(Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(directory.path()));
        for name in ["upper", "work", "root"] {
            fs::create_dir(place(name)).expect("a directory");
        }
        let [upper, work] = ["upper", "work"].map(|name| place(name).display().to_string());
        let options = format!("lowerdir=/,upperdir={upper},workdir={work}");
        run(Command::new("mount").args(["-t", "overlay", "-o", &options, "overlay"]).arg(place("root")));
        // Directories at the top may be links, which the copy has to follow.
        for entry in fs::read_dir(unpacked.path()).expect("what was unpacked").flatten() {
            if entry.path().is_dir() {
                let into = place("root").join(entry.file_name());
                fs::create_dir_all(&into).expect("a directory");
                run(Command::new("cp").arg("-a").arg(entry.path().join(".")).arg(into));
            }
        }
        let bench = place("root/bench");
        fs::create_dir(&bench).expect("a directory");
        fs::copy(Programs::new().r#static("supervised"), bench.join("supervised")).expect("what is supervised");
        fs::copy(release().join("sd-activate"), bench.join("sd-activate")).expect("sd-activate");
        let report = place("root").join(REPORT.trim_start_matches('/'));
        run(Command::new("mkfifo").arg(&report));
        Self { reports: reports(&report), directory, unpacked, cgroups: cgroups() }
    }

    /// Where a path of inside is.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join("root").join(inside.trim_start_matches('/'))
    }

    /// The version of one of Debian's packages, without what Debian has changed.
    pub fn version(&self, package: &str) -> String {
        let version = debian::version(package, self.unpacked.path());
        version.rsplit_once('-').map_or(&*version, |(upstream, _)| upstream).to_owned()
    }

    pub fn version_of_systemctl(&self) -> String {
        let directory = fs::read_dir(self.unpacked.path().join("opt/systemctl")).expect("what pip has unpacked");
        let names = directory.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let version = |name: String| Some(name.strip_suffix(".dist-info")?.rsplit_once('-')?.1.to_owned());
        names.filter_map(version).next().expect("a version")
    }

    /// An empty directory for what supervisors are configured with.
    pub fn configuration(&self) -> PathBuf {
        let directory = self.path(CONFIGURATION);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).expect("a directory");
        directory
    }

    pub fn start(&self, command: &[String]) -> Running<'_> {
        while self.reports.try_recv().is_ok() {}
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/supervisors/container.sh");
        let cgroups: Vec<_> = self.cgroups.iter().map(|directory| directory.display().to_string()).collect();
        // Whatever becomes of the benchmark, no container is left.
        let mut outside = Command::new("setpriv");
        outside
            .args(["--pdeathsig", "KILL", "sh"])
            .arg(script)
            .arg(self.path(""))
            .args([SERVICE, REPORT, "execute"])
            .args(command);
        outside.env("CGROUPS", cgroups.join(" ")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let outside = outside.spawn().expect("sh");
        let mut running = Running { root: self, outside, process: 0, executed: 0 };
        running.executed = running.reported("executed");
        running.process = eventually("process 1", || children(running.outside.id()).first().copied());
        running
    }
}

impl Running<'_> {
    /// The next report of a service, which has to be this, and when it was.
    pub fn reported(&self, what: &str) -> u64 {
        let report = self.next(LIMIT).unwrap_or_else(|| panic!("not {what} within {LIMIT:?}"));
        assert_eq!(report.what, what);
        report.time
    }

    pub fn next(&self, limit: Duration) -> Option<Report> {
        self.root.reports.recv_timeout(limit).ok()
    }

    pub fn signal(&self, signal: i32) {
        kill(self.process, signal);
    }

    /// Waits until all of it has ended, and answers when that was; None where it goes on.
    pub fn ended(&self) -> Option<u64> {
        // SAFETY: it takes numbers alone.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, self.outside.id(), 0) };
        assert!(descriptor >= 0, "pidfd_open: {}", io::Error::last_os_error());
        // SAFETY: it is new, and nobody else's.
        let process = unsafe { OwnedFd::from_raw_fd(descriptor as i32) };
        let mut ends = libc::pollfd { fd: process.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: it is one.
        let ready = unsafe { libc::poll(&raw mut ends, 1, LIMIT.as_millis() as i32) };
        (ready == 1).then(now)
    }

    /// All processes of the container.
    pub fn processes(&self) -> Vec<u32> {
        let namespace = |process: u32| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
        let ours = namespace(self.process);
        assert!(ours.is_some(), "process 1 has ended");
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        processes.filter(|&process| namespace(process) == ours).collect()
    }

    /// Those that are supervised, and those that supervise.
    pub fn services(&self) -> (Vec<u32>, Vec<u32>) {
        let is_service = |process: &u32| {
            fs::read_link(format!("/proc/{process}/exe"))
                .is_ok_and(|program| program.ends_with(SERVICE.trim_start_matches('/')))
        };
        self.processes().into_iter().partition(is_service)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // With unshare goes process 1, and with that the container.
        let _ = self.outside.kill();
        let _ = self.outside.wait();
        for cgroup in &self.root.cgroups {
            // Until its last process is gone; what has made none has left nothing.
            eventually("its control groups are empty", || {
                let below = Command::new("find")
                    .arg(cgroup)
                    .args(["-mindepth", "1", "-depth", "-type", "d"])
                    .args(["-exec", "rmdir", "{}", "+"])
                    .output();
                below.is_ok_and(|output| output.status.success()).then_some(())
            });
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        for cgroup in &self.cgroups {
            let _ = fs::remove_dir(cgroup);
        }
        for directory in [self.path(""), self.directory.path().to_owned()] {
            run(Command::new("umount").arg("--lazy").arg(directory));
        }
    }
}

/// Reads what services say, from the beginning to the end of the benchmark.
fn reports(path: &Path) -> Receiver<Report> {
    // To write as well, so that it does not end with the service that writes.
    let file = OpenOptions::new().read(true).write(true).open(path).expect("a FIFO");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(file).lines() {
            let line = line.expect("a line");
            let (what, time) = line.split_once(' ').expect("what, and when");
            let report = Report { what: what.to_owned(), time: time.parse().expect("a time") };
            if sender.send(report).is_err() {
                return;
            }
        }
    });
    receiver
}

/// New ones, for containers, in the hierarchies in which systemd keeps its units.
fn cgroups() -> Vec<PathBuf> {
    let hierarchies = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"].map(Path::new);
    let mounted = hierarchies.into_iter().filter(|directory| directory.join("cgroup.procs").exists());
    let create = |directory: &Path| -> io::Result<PathBuf> {
        let new = directory.join(format!("sdlite-bench-{}", process::id()));
        fs::create_dir(&new)?;
        Ok(new)
    };
    mounted
        .map(|directory| create(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())))
        .collect()
}
