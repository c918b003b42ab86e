//! What the tests share: the build that is tested, other programs, and what happens where one is missing.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::{Ipv6Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs, thread};

pub use tempfile::TempDir;

pub mod activation;
pub mod api;
pub mod calls;
pub mod debian;
pub mod growth;
pub mod install;
mod linker;
pub mod passing;
pub mod random;
mod sanitizer;
mod surroundings;
pub mod trace;
pub mod va_list;

pub use api::functions;
pub use linker::linkers;
pub use sanitizer::sanitizer;

/// The top of the source tree.
pub fn source() -> &'static Path {
    static SOURCE: OnceLock<PathBuf> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).expect("tests/support is two directories below the top").to_path_buf()
    })
}

/// Where `make` leaves libsdlite.so, libsdlite.a and sd-activate; it has been run when this returns.
///
/// What is tested is what is installed. Where cargo builds for another kind of machine, CARGO_BUILD_TARGET says so.
pub fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        run(make(source()).arg("all"));
        builds().join(env::var_os("CARGO_BUILD_TARGET").unwrap_or_default()).join("release")
    })
}

/// The command make, in a source tree: this one, or a copy.
pub fn make(tree: &Path) -> Command {
    let mut command = Command::new("make");
    command.arg("--silent").current_dir(tree).env("CARGO_TARGET_DIR", builds());
    command
}

/// The directory that everything is built in.
pub fn builds() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| source().join("target"), PathBuf::from)
}

/// An empty directory that is removed when dropped.
pub fn scratch() -> TempDir {
    tempfile::Builder::new().prefix("sdlite-test-").tempdir().expect("a directory for temporary files")
}

/// Copies a program that is to be executed, by another process: a child of another test that has the copy open for writing would keep
/// it from being executed.
pub fn copy_program(program: impl AsRef<OsStr>, to: &Path) {
    run(Command::new("cp").arg(program).arg(to));
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
        env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    if !found {
        left_out(&format!("{program}, which is not installed (Debian: apt-get install {package})"));
    }
    found
}

/// What `has` does where something is missing, for what is no program: says what the test `needs`.
pub fn left_out(needs: &str) {
    let Some(report) = env::var_os("SDLITE_LEFT_OUT") else { panic!("{} needs {needs}", test()) };
    write_line(Path::new(&report), needs);
}

/// For what a test `needs` that nobody could install, such as another kernel: no reason to fail, but `make check` says at its
/// end that it was left out, from the file that SDLITE_REPORT names.
pub fn not_here(needs: &str) {
    match env::var_os("SDLITE_REPORT") {
        Some(report) => write_line(Path::new(&report), needs),
        None => writeln!(std::io::stderr(), "Left out: {} needs {needs}", test()).expect("stderr"),
    }
}

fn write_line(report: &Path, needs: &str) {
    let mut report = OpenOptions::new().append(true).create(true).open(report).expect("the report");
    writeln!(report, "{} needs {needs}", test()).expect("a line in the report");
}

fn test() -> String {
    thread::current().name().unwrap_or("a test").to_owned()
}

/// Compiles a C program against the headers and links it with the shared library that was built, to be found at run time.
///
/// Where there is to be a `sanitizer` the program has that, and so has its library. Where SDLITE_STATIC names a compiler, such as
/// `cc` or `musl-gcc`, that links the program with the archive and all else it needs. Where SDLITE_LIBC says `musl`, program and library
/// are those of musl.
pub fn compile(source: &Path, program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) {
    let arguments: Vec<OsString> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    let statically = env::var_os("SDLITE_STATIC");
    let compiler = || {
        let dynamically = if env::var_os("SDLITE_LIBC").is_some() { "musl-gcc" } else { "cc" };
        let mut command = Command::new(statically.as_deref().unwrap_or(OsStr::new(dynamically)));
        command.arg("-I").arg(self::source().join("include")).args(&arguments);
        command
    };
    let mut command = compiler();
    command.arg("-o").arg(program);
    if let Some(sanitizer) = sanitizer() {
        // Compiled and then linked, as the runtime to link may not be the compiler's own.
        let object = program.with_extension("o");
        run(compiler().arg("-c").arg(source).arg("-o").arg(&object).args(sanitizer.compile));
        command.arg(object).args(&sanitizer.link).arg(sanitizer.directory.join("libsdlite.so.0"));
        command.arg("-Wl,-rpath").arg(&sanitizer.directory);
    } else if statically.is_some() {
        command.arg(source).arg("-static").arg(release().join("libsdlite.a"));
    } else {
        command.arg(source).arg(shared_library()).arg("-Wl,-rpath").arg(soname_directory());
    }
    run(&mut command);
}

/// Compiles a C program as one of libsystemd's, with its headers, for comparison. False where there is no libsystemd.
///
/// Another release than the system's is taken where SDLITE_LIBSYSTEMD names a directory with its libsystemd.so.0 and the C
/// library that belongs to it, dynamic linker included.
pub fn compile_with_libsystemd(
    source: &Path,
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> bool {
    compile_with_libsystemd_of(reference().as_deref(), source, program, arguments)
}

/// The same, with the release in that directory, or the system's.
pub fn compile_with_libsystemd_of(
    directory: Option<&Path>,
    source: &Path,
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> bool {
    if !has("/usr/include/systemd/sd-journal.h", "libsystemd-dev") {
        return false;
    }
    let mut command = Command::new("cc");
    command.arg(source).arg("-o").arg(program).args(arguments);
    if let Some(directory) = directory {
        command.arg("-L").arg(directory).arg("-Wl,--allow-shlib-undefined,--disable-new-dtags,-rpath").arg(directory);
        command.arg("-Wl,--dynamic-linker").arg(linker(directory));
    }
    run(command.arg("-l:libsystemd.so.0"));
    true
}

/// The library that `compile_with_libsystemd` links with, where there is one.
pub fn libsystemd() -> PathBuf {
    libsystemd_of(reference().as_deref())
}

/// The same of the release in that directory, or of the system's.
pub fn libsystemd_of(directory: Option<&Path>) -> PathBuf {
    match directory {
        Some(directory) => directory.join("libsystemd.so.0"),
        None => {
            let path = run(Command::new("cc").arg("-print-file-name=libsystemd.so.0")).stdout;
            PathBuf::from(String::from_utf8_lossy(&path).trim())
        }
    }
}

/// The directory with another release than the system's.
pub fn reference() -> Option<PathBuf> {
    env::var_os("SDLITE_LIBSYSTEMD").map(PathBuf::from)
}

/// The dynamic linker in such a directory.
pub fn linker(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).expect("the directory that SDLITE_LIBSYSTEMD names").flatten();
    let mut linkers = files.filter(|file| file.file_name().to_string_lossy().starts_with("ld-linux"));
    linkers.next().expect("a dynamic linker in it").path()
}

/// Whether there is a libsystemd for `compile_with_libsystemd`, with that version node and so no older than that.
pub fn libsystemd_has(node: &str) -> bool {
    fs::read(libsystemd()).is_ok_and(|library| library.windows(node.len()).any(|bytes| bytes == node.as_bytes()))
}

/// Whether keys can be kept here: keyrings(7). In containers they mostly cannot.
pub fn has_keyrings() -> bool {
    const KEYCTL_GET_KEYRING_ID: i32 = 0;
    const KEY_SPEC_SESSION_KEYRING: i32 = -3;
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: it takes numbers alone.
        let keyring = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) };
        if keyring == -1 {
            not_here("keyrings, for the cases with keys");
        }
        keyring != -1
    })
}

/// Linux 6.9 and later tell processes apart by their pidfds. Where this one does not, that is reported.
pub fn has_pidfs() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
        let found = (numbers.next(), numbers.next()) >= (Some(6), Some(9));
        if !found {
            not_here("Linux 6.9 or later, for the cases with pidfds");
        }
        found
    })
}

/// Whether the loopback interface has ::1, which containers often lack. Where it has not, that is reported.
pub fn has_ipv6() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let found = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        if !found {
            not_here("IPv6 on the loopback interface, for the cases with it");
        }
        found
    })
}

/// Whether this process is root of the machine, and not of a container: free of the kernel's limit for send buffers. Where it is
/// not, that is reported.
pub fn is_root_of_the_machine() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        let socket = UnixDatagram::unbound().expect("a socket");
        let size: i32 = 1 << 20;
        // SAFETY: the pointer is to an int, and that is the size given.
        let set = unsafe {
            libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, (&raw const size).cast(), 4)
        };
        if set != 0 {
            not_here("the rights of the machine's root, for the cases with large send buffers and other processes' credentials");
        }
        set == 0
    })
}

/// A command that gets a program and its arguments added to it, and runs them where `directory` is /run, for ten minutes
/// at most. None where nobody here may have a mount namespace.
pub fn with_run(directory: &Path) -> Option<Command> {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    let command = || {
        let mut command = Command::new("unshare");
        // SAFETY: it takes nothing and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", "mount --bind \"$0\" /run && exec timeout 600 \"$@\""]).arg(directory);
        command
    };
    let allowed = ALLOWED.get_or_init(|| command().arg("true").output().is_ok_and(|output| output.status.success()));
    if !*allowed {
        left_out("a mount namespace of its own: to be run by root, or where user namespaces are allowed to everybody");
    }
    allowed.then(command)
}

/// The shared library that C programs are linked with: where SDLITE_LIBC says `musl`, that for programs of musl.
pub fn shared_library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| match env::var("SDLITE_LIBC").as_deref() {
        Err(_) => release().join("libsdlite.so"),
        Ok("musl") => library_of_musl(),
        Ok(other) => panic!("SDLITE_LIBC is musl, not {other}"),
    })
}

/// The shared library for programs of musl, as `make LIBC=musl` has it linked from the archive that is for both.
pub fn library_of_musl() -> PathBuf {
    let library = release().join("musl/libsdlite.so");
    run(make(source()).args(["LIBC=musl", "library"]));
    library
}

/// A directory in which the shared library has the name that programs look for.
pub fn soname_directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = shared_library().with_file_name("soname");
        std::fs::create_dir_all(&directory).expect("a directory beside the library");
        // Made under another name first: tests run at the same time.
        let link = directory.join(format!("{}", std::process::id()));
        std::os::unix::fs::symlink(shared_library(), &link).expect("a link");
        std::fs::rename(&link, directory.join("libsdlite.so.0")).expect("its name");
        directory
    })
}

/// The shared libraries that a program or a library asks for.
pub fn needed(file: &Path) -> Vec<String> {
    let output = run(Command::new("readelf").arg("-dW").arg(file));
    let output = text(&output);
    let name = |line: &str| Some(line.split_once("(NEEDED)")?.1.split_once('[')?.1.trim_end_matches(']').to_owned());
    output.lines().filter_map(name).collect()
}
