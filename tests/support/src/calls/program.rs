//! Programs made of tests/programs/calls/ and the table, run under strace by the hundred.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use tempfile::TempDir;

use super::{Case, cases};
use crate::{compile, compile_with_libsystemd, libsystemd, run, scratch, source, with_run};

/// A program that makes the call of any row.
pub struct Program {
    directory: TempDir,
    /// The functions of the library that it is linked with, where that may be too old to have all.
    functions: Option<BTreeSet<String>>,
}

/// One run of a program.
#[derive(Default)]
pub struct Run {
    /// The number of the row.
    pub case: usize,
    /// For `inject=`.
    pub injections: Vec<String>,
    /// The variants of the system calls that are to be in the trace; all if there are none.
    pub traced: Vec<String>,
    /// The allocation that fails. With one, there is no trace.
    pub allocation: Option<usize>,
}

/// What came of it.
pub struct Observed {
    /// What the program printed.
    pub lines: Vec<String>,
    /// What strace wrote.
    pub trace: String,
}

impl Observed {
    /// Whether the allocation that was to fail was made.
    pub fn failed(&self) -> bool {
        self.lines.iter().any(|line| line == "an allocation failed")
    }
}

impl Program {
    /// The one with this library.
    pub fn ours() -> Self {
        let program = Self::with(None);
        compile(&program.source(), &program.path(), program.flags());
        program
    }

    /// The one with libsystemd. None where there is none.
    pub fn theirs() -> Option<Self> {
        let program = Self::with(fs::read(libsystemd()).ok().map(|library| functions(&library)));
        compile_with_libsystemd(&program.source(), &program.path(), program.flags()).then_some(program)
    }

    fn with(functions: Option<BTreeSet<String>>) -> Self {
        let program = Self { directory: scratch(), functions };
        let line = |case: &Case| {
            let call = if program.has(case) { case.call } else { "-ENOSYS" };
            format!("CASE({}, {call});\n", case.given)
        };
        fs::write(program.directory.path().join("cases.h"), cases().iter().map(line).collect::<String>())
            .expect("the cases");
        program
    }

    /// Whether its library has the function of that row.
    pub fn has(&self, case: &Case) -> bool {
        self.functions.as_ref().is_none_or(|functions| functions.contains(case.function()))
    }

    fn source(&self) -> PathBuf {
        source().join("tests/programs/calls/main.c")
    }

    fn flags(&self) -> [String; 5] {
        let cases = format!("-I{}", self.directory.path().display());
        // What is deprecated is tried, too.
        let [wall, werror, but] = ["-Wall", "-Werror", "-Wno-deprecated-declarations"].map(str::to_owned);
        [cases, wall, werror, but, "-lrt".to_owned()]
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("calls")
    }

    /// Runs them, as many at a time as there are processors. None where nobody may have a /run of its own.
    pub fn run(&self, runs: &[Run]) -> Option<Vec<Observed>> {
        let batches = Mutex::new(runs.chunks(100).enumerate());
        let done = Mutex::new(Vec::new());
        let work = || {
            loop {
                // The lock is not held while the batch runs.
                let next = batches.lock().expect("no panic").next();
                let Some((number, batch)) = next else { return Some(()) };
                let observed = self.run_batch(batch)?;
                done.lock().expect("no panic").push((number, observed));
            }
        };
        let complete = thread::scope(|scope| {
            let workers: Vec<_> =
                (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().all(|worker| worker.join().expect("no panic").is_some())
        });
        let mut done = done.into_inner().expect("no panic");
        done.sort_by_key(|(number, _)| *number);
        complete.then(|| done.into_iter().flat_map(|(_, observed)| observed).collect())
    }

    fn run_batch(&self, batch: &[Run]) -> Option<Vec<Observed>> {
        let (directory, run_directory) = (scratch(), scratch());
        let path = |kind: &str, number: usize| directory.path().join(format!("{kind}{number}"));
        let line = |(number, run): (usize, &Run)| {
            let program = self.path();
            let command = match run.allocation {
                Some(allocation) => format!("{} {} {allocation}", program.display(), run.case),
                None => format!("{} {} {}", strace(run, &path("trace", number)), program.display(), run.case),
            };
            format!("{command} >{} 2>&1 || echo \"exit status $?\" >>{0}\n", path("output", number).display())
        };
        fs::write(path("script", 0), batch.iter().enumerate().map(line).collect::<String>()).expect("a script");
        fs::create_dir_all(run_directory.path().join("systemd/journal")).expect("a directory");
        let receiver = run_directory.path().join("receiver");
        let socket = UnixDatagram::bind(&receiver).expect("a socket");
        // What std receives comes without its descriptors: the kernel has closed them.
        let receiving = thread::spawn(move || while socket.recv(&mut [0; 16]).is_ok_and(|length| length != 0) {});
        let command = with_run(run_directory.path())
            .map(|mut command| run(command.arg("sh").arg(path("script", 0)).current_dir(directory.path())));
        UnixDatagram::unbound().and_then(|socket| socket.send_to(b"", &receiver)).expect("the end");
        receiving.join().expect("the receiver");
        command?;
        let observed = |number| {
            let read = |kind| String::from_utf8_lossy(&fs::read(path(kind, number)).unwrap_or_default()).into_owned();
            Observed { lines: read("output").lines().map(str::to_owned).collect(), trace: read("trace") }
        };
        Some((0..batch.len()).map(observed).collect())
    }
}

fn strace(run: &Run, trace: &Path) -> String {
    let mut command = format!("strace -f -qq -a1 -o {}", trace.display());
    if !run.traced.is_empty() {
        // The kernel does not stop at others then.
        command += &format!(" --seccomp-bpf -e signal=none -e trace=write,{}", run.traced.join(","));
    }
    for injection in &run.injections {
        command += &format!(" -e inject={injection}");
    }
    command
}

/// The functions whose names a library of libsystemd has.
fn functions(library: &[u8]) -> BTreeSet<String> {
    let names = library.split(|byte| *byte == 0).filter(|text| text.starts_with(b"sd_"));
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}
