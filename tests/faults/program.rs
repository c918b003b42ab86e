//! Programs made of faults.c, run under strace by the hundred.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use sdlite_test_support as support;
use support::TempDir;

use crate::cases::CASES;

/// A program for all the cases.
pub struct Program {
    folder: TempDir,
}

/// One run of a program.
#[derive(Default)]
pub struct Run {
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
    pub lines: Vec<String>,
    pub trace: String,
}

impl Observed {
    /// Whether the allocation that was to fail was made.
    pub fn failed(&self) -> bool {
        self.lines.iter().any(|line| line == "an allocation failed")
    }
}

impl Program {
    pub fn ours() -> Self {
        Self::new(|source, program, flags| {
            support::compile(source, program, flags);
            true
        })
        .expect("a program")
    }

    /// None where there is no libsystemd.
    pub fn theirs() -> Option<Self> {
        Self::new(|source, program, flags| support::compile_with_libsystemd(source, program, flags))
    }

    fn new(compile: impl FnOnce(&Path, &Path, [&str; 4]) -> bool) -> Option<Self> {
        let program = Self { folder: support::scratch() };
        let lines: String = CASES.iter().map(|case| format!("CASE({}, {});\n", case.given, case.call)).collect();
        fs::write(program.folder.path().join("cases.h"), lines).expect("the cases");
        let source = support::source().join("tests/programs/faults.c");
        let include = format!("-I{}", program.folder.path().display());
        compile(&source, &program.path(), [&include, "-Wall", "-Werror", "-lrt"]).then_some(program)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("faults")
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
        let (folder, run) = (support::scratch(), support::scratch());
        let path = |kind: &str, number: usize| folder.path().join(format!("{kind}{number}"));
        let line = |(number, run): (usize, &Run)| {
            let program = self.path();
            let command = match run.allocation {
                Some(allocation) => format!("{} {} {allocation}", program.display(), run.case),
                None => format!("{} {} {}", strace(run, &path("trace", number)), program.display(), run.case),
            };
            format!("{command} >{} 2>&1 || echo \"exit status $?\" >>{0}\n", path("output", number).display())
        };
        fs::write(path("script", 0), batch.iter().enumerate().map(line).collect::<String>()).expect("a script");
        fs::create_dir_all(run.path().join("systemd/journal")).expect("a folder");
        let receiver = run.path().join("receiver");
        let socket = UnixDatagram::bind(&receiver).expect("a socket");
        // What std receives comes without its descriptors: the kernel has closed them.
        let receiving = thread::spawn(move || while socket.recv(&mut [0; 16]).is_ok_and(|length| length != 0) {});
        let command = support::with_run(run.path())
            .map(|mut command| support::run(command.arg("sh").arg(path("script", 0)).current_dir(folder.path())));
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
