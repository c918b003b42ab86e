//! What the tests share: the build that is tested, other programs, and what happens where one is missing.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, thread};

pub use tempfile::TempDir;

/// The top of the source tree.
pub fn source() -> &'static Path {
    static SOURCE: OnceLock<PathBuf> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).expect("tests/support is two folders below the top").to_path_buf()
    })
}

/// Where `cargo build --release` leaves libsdlite.so, libsdlite.a and sd-activate; it has been run when this returns.
///
/// What is tested is what is installed. The library that `cargo test` compiles is another one, with std in it.
pub fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        run(Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["build", "--release", "--workspace", "--quiet"])
            .current_dir(source()));
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| source().join("target"), PathBuf::from);
        target.join("release")
    })
}

/// An empty folder that is removed when dropped.
pub fn scratch() -> TempDir {
    tempfile::Builder::new().prefix("sdlite-test-").tempdir().expect("a folder for temporary files")
}

/// Runs a command that has to succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(&output));
    output
}

/// Both outputs of a command, for messages.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a test can be run that needs `program`, which Debian has in `package`.
///
/// Where it is missing the test fails and says what to install, unless `make check` has found that it cannot install
/// anything: then SDLITE_LEFT_OUT names the file from which it reports, at its end, what was left out.
pub fn has(program: &str, package: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = if program.contains('/') {
        Path::new(program).exists()
    } else {
        env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    if found {
        return true;
    }
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let missing = format!("{test} needs {program}, which is not installed (Debian: apt-get install {package})");
    let Some(report) = env::var_os("SDLITE_LEFT_OUT") else { panic!("{missing}") };
    let report = OpenOptions::new().append(true).create(true).open(report);
    writeln!(report.expect("the file that SDLITE_LEFT_OUT names"), "{missing}").expect("a line in it");
    false
}

/// Compiles a C program against the headers and links it with the shared library that was built, to be found at run time.
pub fn compile(source: &Path, program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) {
    run(Command::new("cc")
        .arg("-I")
        .arg(self::source().join("include"))
        .arg(source)
        .arg("-o")
        .arg(program)
        .args(arguments)
        .arg(release().join("libsdlite.so"))
        .arg("-Wl,-rpath")
        .arg(soname_folder()));
}

/// A folder in which the shared library has the name that programs look for.
pub fn soname_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = release().join("soname");
        std::fs::create_dir_all(&folder).expect("a folder beside the library");
        // Made under another name first: tests run at the same time.
        let link = folder.join(format!("{}", std::process::id()));
        std::os::unix::fs::symlink(release().join("libsdlite.so"), &link).expect("a link");
        std::fs::rename(&link, folder.join("libsdlite.so.0")).expect("its name");
        folder
    })
}
