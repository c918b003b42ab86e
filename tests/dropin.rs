//! The drop-in: builds that ask for libsystemd find it, bindings made for libsystemd run on it, and its ABI is the same.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sdlite_test_support as support;
use support::activation::activated;
use support::install::{ANSWER, Prefix};
use support::{TempDir, api, has, needed, release, run, scratch, source, text};

/// The release of libsystemd whose answers are given.
const RELEASE: &str = "262";

#[test]
fn abidiff_finds_no_change_in_the_symbols_and_versions_that_libsystemd_has_too() {
    let theirs = support::libsystemd();
    if !has("abidiff", "abigail-tools") || !has(&theirs.display().to_string(), "libsystemd-dev") {
        return;
    }
    let directory = scratch();
    // Neither library has debugging information to compare types by: that is the next test. What is not in here is not
    // compared, and it may have what libsystemd got after the release that is installed.
    let ours = functions(&release().join("libsdlite.so"));
    let left_out: Vec<_> = functions(&theirs).difference(&ours).cloned().collect();
    let suppressions = directory.path().join("suppressions");
    let rules = format!(
        "[suppress_function]\nsymbol_name_regexp = ^({})$\n[suppress_variable]\nsymbol_name_regexp = ^sd_",
        left_out.join("|")
    );
    fs::write(&suppressions, rules).expect("a file in a directory of this test's own");
    let abidiff = |library: &Path| {
        let mut command = Command::new("abidiff");
        command.args(["--ignore-soname", "--no-added-syms", "--suppressions"]).arg(&suppressions);
        command.arg(&theirs).arg(library).output().expect("abidiff, which is installed")
    };
    let output = abidiff(&release().join("libsdlite.so"));
    assert!(output.status.success(), "{}", text(&output));

    // It finds what it looks for: a function that is gone, and one at another version node.
    let versions = "LIBSYSTEMD_209 { global: sd_booted; }; LIBSYSTEMD_214 { global: sd_notify; } LIBSYSTEMD_209;";
    fs::write(directory.path().join("versions"), versions).expect("a file");
    let wrong = directory.path().join("wrong.so");
    compile_library(
        "int sd_booted(void) { return 0; } int sd_notify(void) { return 0; }",
        &wrong,
        &[&format!("-Wl,--version-script={}", directory.path().join("versions").display())],
    );
    let output = text(&abidiff(&wrong));
    assert!(output.contains("[D] sd_notify@@LIBSYSTEMD_209"), "{output}");
    assert!(output.contains("[D] sd_journal_print@@LIBSYSTEMD_209"), "{output}");
    assert!(!output.contains("[D] sd_booted"), "{output}");
}

#[test]
fn every_function_is_at_the_version_node_where_libsystemd_has_it() {
    let theirs = support::libsystemd();
    if !has(&theirs.display().to_string(), "libsystemd0") {
        return;
    }
    let theirs = text(&run(Command::new("nm").args(["-D", "--defined-only"]).arg(theirs)));
    let theirs: Vec<_> = theirs.lines().filter_map(|line| line.rsplit(' ').next()?.split_once("@@")).collect();
    let node_of = |function: &str| theirs.iter().find(|(name, _)| *name == function).map(|(_, node)| *node);
    let nodes = api::nodes();
    let newest = theirs.iter().map(|(_, node)| *node).max().expect("version nodes");
    for node in &nodes {
        for function in &node.functions {
            match node_of(function) {
                Some(theirs) => assert_eq!(theirs, node.name, "{function}"),
                None => assert!(node.name.as_str() > newest, "{function} is not in libsystemd, which has {newest}"),
            }
        }
    }
    let theirs: BTreeSet<_> = theirs.iter().map(|(_, node)| *node).collect();
    let ours: BTreeSet<_> = nodes.iter().map(|node| node.name.as_str()).filter(|node| *node <= newest).collect();
    assert_eq!(ours, theirs);
}

/// How many functions releases after Debian 12's have added.
const LATER: usize = 19;

#[test]
fn abidiff_finds_no_change_in_the_types_that_the_headers_declare() {
    let headers = api::headers();
    let theirs = Path::new("/usr/include/systemd");
    if !has("abidiff", "abigail-tools") || !has("/usr/include/systemd/sd-journal.h", "libsystemd-dev") {
        return;
    }
    let directory = scratch();
    let ours = source().join("include/systemd");
    let declared = api::functions();
    // A library whose functions do nothing, and have the types of a header: compilers write these down.
    let library = |directory_of_headers: &Path, name: &str, change: (&str, &str)| {
        let declarations =
            headers.iter().map(|name| fs::read_to_string(directory_of_headers.join(name)).expect("a header"));
        let declarations: String = declarations.collect();
        let known = declared.iter().filter_map(|function| {
            let declared = |kind: &&str| declarations.contains(&format!("\n{kind}{function}("));
            let kind = ["int ", "char *"].into_iter().find(declared)?;
            let (_, after) = declarations.split_once(&format!("\n{kind}{function}("))?;
            let (parameters, _attributes) = after.split_once(')')?;
            Some(format!("{kind}{function}({parameters}) {{ return 0; }}\n"))
        });
        // Those of later releases than the one that is installed have nothing to be compared with.
        let known: Vec<_> = known.collect();
        let code = format!(
            "#include <stdarg.h>\n#include <stdint.h>\n#include <sys/socket.h>\n#include <sys/uio.h>\n\
             #include \"{}/sd-id128.h\"\ntypedef struct sd_login_monitor sd_login_monitor;\n{}",
            directory_of_headers.display(),
            known.concat()
        );
        let library = directory.path().join(name);
        compile_library(&code.replace(change.0, change.1), &library, &["-g", "-Wno-unused-parameter"]);
        (library, known.len())
    };
    let abidiff = |one: &Path, other: &Path| -> Output {
        let mut command = Command::new("abidiff");
        command.args(["--ignore-soname", "--no-added-syms"]).arg(one).arg(other);
        command.output().expect("abidiff, which is installed")
    };
    let (their_library, compared) = library(theirs, "theirs.so", ("", ""));
    // One returns no int.
    assert!(compared + LATER + 1 >= declared.len(), "{compared} of {declared:?}");
    let (our_library, _) = library(&ours, "ours.so", ("", ""));
    let output = abidiff(&their_library, &our_library);
    assert!(output.status.success(), "{}", text(&output));

    let (wrong, _) = library(&ours, "wrong.so", ("uint64_t timeout", "uint32_t timeout"));
    let output = abidiff(&their_library, &wrong);
    assert!(text(&output).contains("sd_notify_barrier"), "{}", text(&output));
}

/// The functions that a library exports, without their versions.
fn functions(library: &Path) -> BTreeSet<String> {
    let output = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let name = |line: &str| Some(line.split_once(" T ")?.1.split('@').next()?.to_owned());
    text(&output).lines().filter_map(name).collect()
}

fn compile_library(code: &str, library: &Path, arguments: &[&str]) {
    let source = library.with_extension("c");
    fs::write(&source, code).expect("a file in a directory of this test's own");
    run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).arg(source).args(arguments));
}

#[test]
fn pkg_config_cmake_and_meson_find_the_drop_in_and_build_with_it() {
    const CMAKE: &str = "
        cmake_minimum_required(VERSION 3.13)
        project(activated C)
        add_compile_definitions(FROM_PREFIX)
        find_package(PkgConfig REQUIRED)
        pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd>=@RELEASE@)
        message(STATUS \"libsystemd ${SYSTEMD_VERSION}\")
        add_executable(activated activated.c)
        target_link_libraries(activated PRIVATE PkgConfig::SYSTEMD)
    ";
    const MESON: &str = "
        project('activated', 'c')
        systemd = dependency('libsystemd', version: '>=@RELEASE@')
        message('libsystemd', systemd.version())
        executable('activated', 'activated.c', c_args: '-DFROM_PREFIX', dependencies: systemd)
    ";
    struct Way {
        name: &'static str,
        tools: &'static [(&'static str, &'static str)],
        command: &'static str,
        program: &'static str,
    }
    const WAYS: &[Way] = &[
        Way {
            name: "pkg-config",
            tools: &[],
            command: "pkg-config --modversion 'libsystemd >= @RELEASE@' | sed 's/^/libsystemd /' && \
                cc -DFROM_PREFIX activated.c $(pkg-config --cflags --libs libsystemd) \
                -Wl,-rpath,$(pkg-config --variable=libdir libsystemd) -o activated",
            program: "activated",
        },
        Way {
            name: "CMake",
            tools: &[("cmake", "cmake")],
            command: "cmake -S . -B built && cmake --build built",
            program: "built/activated",
        },
        Way {
            name: "Meson",
            tools: &[("meson", "meson"), ("ninja", "ninja-build")],
            command: "meson setup built && ninja -C built",
            program: "built/activated",
        },
    ];
    if !has("pkg-config", "pkg-config") {
        return;
    }
    let prefix = Prefix::new();
    for Way { name, tools, command, program } in WAYS {
        if !tools.iter().all(|(tool, package)| has(tool, package)) {
            continue;
        }
        let directory = scratch();
        let file = |file: &str| directory.path().join(file);
        fs::write(file("CMakeLists.txt"), CMAKE.replace("@RELEASE@", RELEASE)).expect("a file");
        fs::write(file("meson.build"), MESON.replace("@RELEASE@", RELEASE)).expect("a file");
        fs::copy(source().join("tests/programs/activated.c"), file("activated.c")).expect("a copy");
        let output = run(Command::new("sh")
            .args(["-c", &command.replace("@RELEASE@", RELEASE)])
            .current_dir(directory.path())
            .env("PKG_CONFIG_PATH", prefix.path("usr/lib/sdlite/pkgconfig")));
        assert!(text(&output).contains(&format!("libsystemd {RELEASE}\n")), "{name}: {}", text(&output));
        let program = file(program);
        assert_eq!(needed(&program), ["libsdlite.so.0", "libc.so.6"], "{name}");
        assert_eq!(activated(&program, &[]), ANSWER, "{name}");
    }
}

/// A manager and a journal, below a directory that is /run to the programs that are started with it.
struct Peers {
    directory: TempDir,
    manager: UnixDatagram,
    journal: UnixDatagram,
    streams: UnixListener,
}

impl Peers {
    fn new() -> Self {
        let directory = scratch();
        let journal = directory.path().join("systemd/journal");
        fs::create_dir_all(&journal).expect("a directory");
        let manager = UnixDatagram::bind(directory.path().join("notify")).expect("a new path");
        let streams = UnixListener::bind(journal.join("stdout")).expect("a new path");
        let journal = UnixDatagram::bind(journal.join("socket")).expect("a new path");
        for socket in [&manager, &journal] {
            socket.set_nonblocking(true).expect("a socket");
        }
        streams.set_nonblocking(true).expect("a socket");
        Self { directory, manager, journal, streams }
    }

    /// Runs a program with the drop-in. None where nobody here can have a /run of their own.
    fn run(&self, prefix: &Prefix, program: &[&str]) -> Option<()> {
        run(support::with_run(self.directory.path())?
            .args(program)
            .env("LD_LIBRARY_PATH", prefix.path("usr/lib/sdlite"))
            .env("NOTIFY_SOCKET", "/run/notify"));
        Some(())
    }
}

/// The datagrams that have come, as text.
fn received(socket: &UnixDatagram) -> Vec<String> {
    let mut buffer = [0; 4096];
    let next = || socket.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned());
    std::iter::from_fn(next).collect()
}

#[test]
fn pythons_package_systemd_runs_on_the_drop_in() {
    const PYTHON: &str = "/usr/bin/python3";
    if !has("/usr/lib/python3/dist-packages/systemd/daemon.py", "python3-systemd") || !has(PYTHON, "python3") {
        return;
    }
    let (prefix, peers) = (Prefix::new(), Peers::new());
    let script = source().join("tests/programs/bindings.py");
    let Some(()) = peers.run(&prefix, &[PYTHON, "-B", script.to_str().expect("text")]) else { return };
    assert_eq!(received(&peers.manager), ["READY=1", "FDSTORE=1\nFDNAME=web"]);
    let entries = received(&peers.journal);
    let [first, sent, logged] = &entries[..] else { panic!("{entries:?}") };
    let binary = "BINARY\n\x02\0\0\0\0\0\0\0\n\u{fffd}\n";
    assert_eq!(*first, format!("MESSAGE=From Python\nPRIORITY=5\n{binary}SYSLOG_IDENTIFIER=python3\n"));
    assert!(sent.starts_with("MESSAGE=Sent from Python\n") && sent.contains("FIELD=x\n"), "{sent}");
    assert!(logged.contains("MESSAGE=Logged from Python\n"), "{logged}");
    assert!(logged.contains("SYSLOG_IDENTIFIER=handler\n"), "{logged}");
    let mut stream = String::new();
    let (mut connection, _) = peers.streams.accept().expect("a connection");
    connection.read_to_string(&mut stream).expect("a text");
    assert_eq!(stream, "python\n\n6\n0\n0\n0\n0\nA line from Python\n");
}

#[test]
fn the_crates_libsystemd_sys_and_systemd_build_with_the_drop_in_and_run() {
    const MANIFEST: &str = r#"
        [package]
        name = "bindings"
        version = "0.0.0"
        edition = "2021"

        [dependencies]
        libc = "0.2"
        libsystemd-sys = { version = "0.10", default-features = false, features = ["systemd_v240", "systemd_v254"] }
        systemd = { version = "0.11", default-features = false, features = ["systemd_v240", "systemd_v254"] }

        [workspace]
    "#;
    if !has("pkg-config", "pkg-config") {
        return;
    }
    let (prefix, peers) = (Prefix::new(), Peers::new());
    let sessions = peers.directory.path().join("systemd/sessions");
    fs::create_dir(&sessions).expect("a directory");
    fs::write(sessions.join("7"), "UID=1000\nUSER=somebody\nSEAT=seat0\nREALTIME=12345\n").expect("a session");
    let directory = scratch();
    let main = directory.path().join("src/main.rs");
    fs::create_dir(directory.path().join("src")).expect("a directory");
    fs::write(directory.path().join("Cargo.toml"), MANIFEST).expect("a file");
    fs::copy(source().join("tests/programs/bindings.rs"), main).expect("a copy");
    run(Command::new(env!("CARGO"))
        .args(["build", "--quiet"])
        .current_dir(directory.path())
        .env("CARGO_TARGET_DIR", directory.path().join("target"))
        .env("PKG_CONFIG_PATH", prefix.path("usr/lib/sdlite/pkgconfig")));
    let program: PathBuf = directory.path().join("target/debug/bindings");
    assert!(needed(&program).contains(&"libsdlite.so.0".to_owned()), "{:?}", needed(&program));
    let Some(()) = peers.run(&prefix, &[program.to_str().expect("text")]) else { return };
    assert_eq!(received(&peers.manager), ["STATUS=From Rust", "READY=1", "FDSTORE=1\nFDNAME=web"]);
    let identifier = "SYSLOG_IDENTIFIER=bindings\n";
    let entries = ["MESSAGE=From Rust\nPRIORITY=5\n", "MESSAGE=Printed from Rust: 7\nPRIORITY=4\n"];
    assert_eq!(received(&peers.journal), entries.map(|entry| entry.to_owned() + identifier));
}
