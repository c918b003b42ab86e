//! The comparison with libsystemd notices when something is wrong: this library, with one mistake at a time put into it, is
//! compared as ever, and every mistake has to show.
//!
//! Run by `make check-mutants`. Each mistake is a text that stands once in a source file, and what is put in its place. Builds
//! are of a copy of the tree, below target/tmp, whose files are all new: the last run may have ended with a mistake built.

mod mistakes;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs};

use mistakes::{MISTAKES, Mistake};
use sdlite_test_support as support;

/// How many cases the comparison has to notice a mistake; and how many, as in `make check`, where it has not, as what some mistakes
/// show in is rare.
const CASES: [&str; 2] = ["100_000", "1_100_000"];

/// What the comparison said of one build.
struct Verdict {
    /// The first difference: the function, and its how manyth case it was.
    noticed: Option<(String, String)>,
    output: String,
}

/// A copy of the source tree, and where it is built.
struct Copy {
    source: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
        let copy = Self { source: directory.join("source"), target: directory.join("target") };
        let _ = fs::remove_dir_all(&copy.source);
        fs::create_dir_all(&copy.source).expect("a directory below target/tmp");
        let script = "tar -c -C \"$0\" --exclude=target --exclude=.git . | tar -x --touch -C \"$1\"";
        support::run(Command::new("sh").args(["-c", script]).arg(support::source()).arg(&copy.source));
        copy
    }

    /// Builds the library, without what makes building slow.
    fn build(&self) -> PathBuf {
        support::run(
            support::make(&self.source)
                .arg("library")
                .env("CARGO_TARGET_DIR", &self.target)
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                // The mistake may leave something that nobody uses.
                .env("RUSTFLAGS", "--cap-lints=allow"),
        );
        self.target.join("release/libsdlite.so")
    }

    /// Builds it with a mistake, and puts the file back.
    fn build_with(&self, mistake: &Mistake) -> PathBuf {
        let file = self.source.join(mistake.file);
        let right = mistake.read_right(&file);
        fs::write(&file, right.replace(mistake.right, mistake.wrong)).expect("a source file");
        let library = self.build();
        fs::write(&file, right).expect("a source file");
        library
    }
}

impl Mistake {
    /// What the file holds, in which the mistake can be made at one place.
    fn read_right(&self, file: &Path) -> String {
        let right = fs::read_to_string(file).expect("a source file");
        let times = right.matches(self.right).count();
        assert_eq!(times, 1, "{}: {:?} has to be in {} once", self.what, self.right, self.file);
        right
    }
}

/// The comparison, as `make check` runs it but for the library and the number of cases.
fn compare(library: &Path, cases: &str) -> Verdict {
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["test", "--quiet", "--package", "libsdlite", "--test", "compare"])
        .current_dir(support::source())
        .env("SDLITE_LIBRARY", library)
        .env("SDLITE_CASES", cases)
        .output()
        .expect("cargo");
    let text = support::text(&output);
    let noticed = text.lines().find_map(|line| {
        let (function, rest) = line.split_once(": a difference in case ").or(line.split_once(": killed by signal "))?;
        let case = rest.split_once(" case ").map_or(rest, |(_, case)| case);
        Some((function.to_owned(), case.split([';', ' ']).next()?.to_owned()))
    });
    assert_eq!(noticed.is_none(), output.status.success(), "the comparison failed otherwise:\n{text}");
    Verdict { noticed, output: text }
}

fn main() -> ExitCode {
    // As a part of `cargo test` it would take longer than all of the others.
    if env::args().nth(1).as_deref() != Some("all") {
        for mistake in MISTAKES {
            mistake.read_right(&support::source().join(mistake.file));
        }
        println!("{} mistakes to be noticed: run by make check-mutants", MISTAKES.len());
        return ExitCode::SUCCESS;
    }
    let (copy, start) = (Copy::new(), Instant::now());
    let verdict = compare(&copy.build(), CASES[0]);
    assert!(verdict.noticed.is_none(), "there is a difference without any mistake:\n{}", verdict.output);
    println!("{:<64} {:<38} case", "mistake", "noticed by");

    let mut missed = 0;
    for mistake in MISTAKES {
        let library = copy.build_with(mistake);
        let noticed = CASES.iter().find_map(|cases| compare(&library, cases).noticed);
        let (function, case) = noticed.unwrap_or_else(|| {
            missed += 1;
            ("NOT NOTICED".to_owned(), "-".to_owned())
        });
        println!("{:<64} {function:<38} {case}", mistake.what);
    }
    println!("{} mistakes, {missed} not noticed, {} s", MISTAKES.len(), start.elapsed().as_secs());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
