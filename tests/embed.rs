//! What libsdlite.a can become a part of: programs that calculate, plugins, libraries of other languages; and what libsdlite.so is to a
//! program that loads it beside them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support as support;
use support::install::Prefix;
use support::{TempDir, api, has, release, run, scratch, source, text};

fn archive() -> PathBuf {
    release().join("libsdlite.a")
}

/// A compiler, set up to find the headers.
fn compiler(name: &str) -> Command {
    let mut command = Command::new(name);
    command.args(["-Wall", "-Wextra", "-Werror", "-I"]).arg(source().join("include"));
    command
}

fn program(name: &str) -> PathBuf {
    source().join("tests/programs").join(name)
}

/// What a file defines for others, by nm(1) with these options: the type and the name of each.
fn defined(options: &[&str], file: &Path) -> BTreeSet<(String, String)> {
    let output = text(&run(Command::new("nm").args(options).arg("--defined-only").arg(file)));
    let symbol = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    output.lines().filter_map(symbol).collect()
}

#[test]
fn the_archive_has_the_functions_and_nothing_else_for_others() {
    // What one of its objects has for another is hidden.
    let symbols = defined(&["-g"], &archive()).into_iter().filter(|(_, name)| !name.starts_with("sdlite_"));
    let functions = api::functions().into_iter().map(|name| ("T".to_owned(), name));
    assert_eq!(symbols.collect::<BTreeSet<_>>(), functions.collect());
    let symbols = text(&run(Command::new("readelf").args(["-sW"]).arg(archive())));
    for line in
        symbols.lines().filter(|line| line.contains(" sdlite_") && line.contains(" GLOBAL ") && !line.contains(" UND "))
    {
        assert!(line.contains(" HIDDEN "), "{line}");
    }
}

#[test]
fn programs_that_calculate_are_linked_with_the_archive_by_every_compiler_and_linker() {
    const KINDS: &[(&str, &str, &[&str])] = &[
        ("gcc", "gcc", &[]),
        ("gcc", "gcc", &["-static"]),
        ("gcc", "gcc", &["-fsanitize=undefined"]),
        ("gcc", "gcc", &["-fsanitize=undefined", "-static"]),
        ("clang", "clang", &[]),
        ("clang", "clang", &["-static"]),
        // Its runtime is in another package; with traps none is needed.
        ("clang", "clang", &["-fsanitize=undefined", "-fsanitize-trap=undefined"]),
        ("musl-gcc", "musl-tools", &["-static"]),
    ];
    let directory = scratch();
    let built = directory.path().join("arithmetic");
    for (name, _, options) in KINDS.iter().filter(|(name, package, _)| has(name, package)) {
        for linker in support::linkers() {
            let mut command = compiler(name);
            command
                .args(["-O0", "-ffp-contract=off"])
                .arg(linker.option())
                .args(*options)
                .args(linker.with(name))
                .arg("-o")
                .arg(&built);
            run(command.arg(program("arithmetic.c")).arg(archive()).arg("-lm"));
            assert_eq!(text(&run(&mut Command::new(&built))), "1 1 0\n", "{name} {} {options:?}", linker.name);
        }
    }
}

/// A service manager and an empty /run, for what host.c loads.
struct Manager {
    run: TempDir,
    host: PathBuf,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let run_directory = scratch();
        let socket = UnixDatagram::bind(run_directory.path().join("notify")).expect("a new path");
        socket.set_nonblocking(true).expect("a socket");
        let host = run_directory.path().join("host");
        run(compiler("cc").arg("-o").arg(&host).arg(program("host.c")).arg("-ldl"));
        Self { run: run_directory, host, socket }
    }

    /// Loads, calls and unloads these so many times, which all fit into the socket: ten. What the manager hears, and how many descriptors stay open. None where nobody here
    /// can have a /run of their own.
    fn load(&self, rounds: u32, objects: &[&Path]) -> Option<(Vec<String>, u32)> {
        let mut command = support::with_run(self.run.path())?;
        command.arg(&self.host).arg(rounds.to_string()).args(objects).env("NOTIFY_SOCKET", "/run/notify");
        let left = text(&run(&mut command)).trim().parse().expect("a number of descriptors");
        let mut buffer = [0; 4096];
        let next =
            || self.socket.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned());
        Some((std::iter::from_fn(next).collect(), left))
    }
}

#[test]
fn plugins_with_the_archive_in_them_are_loaded_twice_and_beside_the_drop_in() {
    let (manager, prefix, directory) = (Manager::new(), Prefix::new(), scratch());
    let drop_in = PathBuf::from(prefix.path("usr/lib/sdlite/libsystemd.so.0"));
    let [plugin, copy] = ["plugin.so", "copy.so"].map(|name| directory.path().join(name));
    for linker in support::linkers() {
        for hidden in [false, true] {
            run(compiler("cc")
                .args(["-shared", "-fPIC", &linker.option()])
                .args(hidden.then_some("-Wl,--exclude-libs,ALL"))
                .arg("-o")
                .arg(&plugin)
                .arg(program("plugin.c"))
                .arg(archive()));
            let exported = defined(&["-D"], &plugin).into_iter().filter(|(kind, _)| kind == "T").map(|(_, name)| name);
            assert_eq!(exported.eq(["plug".to_owned()]), hidden, "{}: what the plugin exports", linker.name);
            fs::copy(&plugin, &copy).expect("a copy");
            let Some((heard, _)) = manager.load(2, &[&plugin, &copy, &drop_in]) else { return };
            let round = ["STATUS=Plugged by C", "STATUS=Plugged by C", "STATUS=The drop-in"];
            assert_eq!(heard, [round, round].concat(), "{}", linker.name);
        }
    }
}

#[test]
fn a_rust_library_has_the_archive_in_it() {
    let (manager, directory) = (Manager::new(), scratch());
    let plugin = directory.path().join("plugin.so");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    for linker in support::linkers() {
        run(Command::new(&rustc)
            .args(["--edition=2024", "--crate-type=cdylib", "-Dwarnings", "-L"])
            .arg(release())
            .arg(format!("-Clink-arg={}", linker.option()))
            .arg("-o")
            .arg(&plugin)
            .arg(program("plugin.rs")));
        let Some((heard, _)) = manager.load(1, &[&plugin]) else { return };
        assert_eq!(heard, ["STATUS=Plugged by Rust"], "{}", linker.name);
    }
}

#[test]
fn a_go_library_has_the_archive_in_it() {
    if Command::new("go").arg("version").output().is_err() {
        // 450 MB, which make check does not install for this alone.
        return support::not_here("go (Debian: apt-get install golang-go)");
    }
    let (manager, directory) = (Manager::new(), scratch());
    let plugin = directory.path().join("plugin.so");
    run(Command::new("go")
        .args(["build", "-buildmode=c-shared", "-o"])
        .arg(&plugin)
        .arg(program("plugin.go"))
        .current_dir(directory.path())
        .env("GO111MODULE", "off")
        .env("GOFLAGS", "")
        .env("GOCACHE", directory.path().join("cache"))
        .env("CGO_CFLAGS", format!("-I{}", source().join("include").display()))
        .env("CGO_LDFLAGS", archive()));
    let Some((heard, _)) = manager.load(1, &[&plugin]) else { return };
    assert_eq!(heard, ["STATUS=Plugged by Go"]);
}

#[test]
fn who_loads_the_shared_library_again_and_again_has_one_descriptor_of_it() {
    let (manager, prefix) = (Manager::new(), Prefix::new());
    for library in ["usr/lib/sdlite/libsystemd.so.0", "usr/lib/libsdlite.so.0"] {
        let Some((heard, left)) = manager.load(9, &[Path::new(&prefix.path(library))]) else { return };
        assert_eq!((heard.len(), left), (9, 1), "{library}");
    }
}
