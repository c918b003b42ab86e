//! What `make install` puts where, and that programs can be built from that and from nothing else.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sdlite_test_support as support;
use support::activation::activated;
use support::install::{ANSWER, Prefix, Variables, make};
use support::{has, needed, run, scratch, source};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything below a directory: the mode of each file, what each link leads to, and nothing of directories but their names.
fn installed(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(inside) = directories.pop() {
        for entry in fs::read_dir(inside).expect("a directory").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(directory).expect("below it").display().to_string();
            let metadata = path.symlink_metadata().expect("what it is");
            if metadata.is_dir() {
                directories.push(path);
                found.insert(name + "/", String::new());
            } else if metadata.is_symlink() {
                found.insert(name, fs::read_link(path).expect("where it leads").display().to_string());
            } else {
                found.insert(name, format!("{:o}", metadata.permissions().mode() & 0o7777));
            }
        }
    }
    found
}

/// A program's page in a section of the manual, and what shells complete it by.
fn documents(name: &str, section: u8) -> [String; 4] {
    [
        format!("man/man{section}/{name}.{section}"),
        format!("bash-completion/completions/{name}"),
        format!("zsh/site-functions/_{name}"),
        format!("fish/vendor_completions.d/{name}.fish"),
    ]
}

/// The manual pages, one for each function and each program, and what shells complete the programs by.
fn manuals(share: &str) -> impl Iterator<Item = (String, String)> {
    let pages = support::functions().into_iter().map(|name| format!("man/man3/{name}.3sdlite"));
    let programs = [("sd-activate", 1), ("sdctl", 1), ("sd-notify", 1), ("sd-cat", 1), ("sd-proxy", 8)];
    let programs = programs.into_iter().flat_map(|(name, section)| documents(name, section));
    pages.chain(programs).map(move |name| (format!("{share}/{name}"), "644".to_owned()))
}

/// The layout, with the directories that can be chosen in braces.
fn layout([bin, include, lib, share]: [&str; 4]) -> BTreeMap<String, String> {
    let so = format!("libsdlite.so.{VERSION}");
    let headers = support::api::headers().into_iter();
    let headers = headers.map(|name| (format!("{include}/sdlite/systemd/{name}"), "644".to_owned()));
    let files = [
        (format!("{bin}/sd-activate"), "755"),
        (format!("{bin}/sd-cat"), "755"),
        (format!("{bin}/sdctl"), "755"),
        (format!("{bin}/sd-notify"), "755"),
        (format!("{bin}/sd-proxy"), "755"),
        (format!("{lib}/{so}"), "755"),
        (format!("{lib}/libsdlite.so.0"), &*so),
        (format!("{lib}/libsdlite.so"), "libsdlite.so.0"),
        (format!("{lib}/libsdlite.a"), "644"),
        (format!("{lib}/pkgconfig/sdlite.pc"), "644"),
        (format!("{lib}/sdlite/libsdlite.so.0"), "../libsdlite.so.0"),
        (format!("{lib}/sdlite/libsystemd.so.0"), "../libsdlite.so.0"),
        (format!("{lib}/sdlite/libsystemd.so"), "libsystemd.so.0"),
        (format!("{lib}/sdlite/libsystemd.a"), "../libsdlite.a"),
        (format!("{lib}/sdlite/pkgconfig/libsystemd.pc"), "644"),
        (format!("{lib}/sdlite/pkgconfig/systemd.pc"), "644"),
    ];
    files.into_iter().map(|(name, what)| (name, what.to_owned())).chain(headers).chain(manuals(share)).collect()
}

fn without_directories(mut installed: BTreeMap<String, String>) -> BTreeMap<String, String> {
    installed.retain(|name, _| !name.ends_with('/'));
    installed
}

#[test]
fn make_install_puts_everything_in_its_place_and_make_uninstall_leaves_nothing_behind() {
    let cases: &[(Variables, [&str; 4])] = &[
        (&[], ["usr/local/bin", "usr/local/include", "usr/local/lib", "usr/local/share"]),
        (&[("PREFIX", "/usr")], ["usr/bin", "usr/include", "usr/lib", "usr/share"]),
        (
            &[("PREFIX", "/usr"), ("LIBDIR", "/usr/lib/x86_64-linux-gnu")],
            ["usr/bin", "usr/include", "usr/lib/x86_64-linux-gnu", "usr/share"],
        ),
        (
            &[("BINDIR", "/b"), ("INCLUDEDIR", "/i"), ("LIBDIR", "/l"), ("DATADIR", "/s"), ("MANDIR", "/s/man")],
            ["b", "i", "l", "s"],
        ),
    ];
    for (variables, directories) in cases {
        let directory = scratch();
        // A blank in it, as only the prefix, which compilers see, must not have one.
        let root = directory.path().join("image of a package");
        let destination = root.display().to_string();
        let variables = [*variables, &[("DESTDIR", &destination)]].concat();

        make("install", &variables);
        assert_eq!(without_directories(installed(&root)), layout(*directories), "{variables:?}");
        let pc_files = ["pkgconfig/sdlite.pc", "sdlite/pkgconfig/libsystemd.pc", "sdlite/pkgconfig/systemd.pc"];
        for pc in pc_files.map(|pc| fs::read_to_string(root.join(directories[2]).join(pc)).expect("a .pc file")) {
            assert!(!pc.contains("image") && !pc.contains('@'), "{pc}");
        }

        // Once more upon itself, as for the next version.
        make("install", &variables);
        assert_eq!(without_directories(installed(&root)), layout(*directories), "{variables:?}");

        make("uninstall", &variables);
        let mut left = installed(&root);
        // Above the prefix nothing is known about who made it, and other places than below it are the user's own.
        left.retain(|name, _| name.starts_with("usr/local/") || !name.ends_with('/'));
        assert_eq!(left, BTreeMap::new(), "{variables:?}");
        make("uninstall", &variables);
    }
}

#[test]
fn what_programs_run_with_is_installed_apart_from_what_they_are_built_with() {
    let directories = ["usr/local/bin", "usr/local/include", "usr/local/lib", "usr/local/share"];
    let mut together = BTreeMap::new();
    let development = 7 + support::api::headers().len();
    for (target, count) in [
        ("install-runtime", 4),
        ("install-dev", development),
        ("install-activate", 2),
        ("install-tools", 3),
        ("install-manuals", manuals("").count()),
    ] {
        let root = scratch();
        make(target, &[("DESTDIR", root.path().to_str().expect("text"))]);
        let mut part = without_directories(installed(root.path()));
        assert_eq!(part.len(), count, "{target}: {part:?}");
        together.append(&mut part);
    }
    assert_eq!(together, layout(directories));
}

#[test]
fn the_one_program_is_installed_with_its_own_page_and_completions_and_make_uninstall_removes_them() {
    let directory = scratch();
    let (built, root) = (directory.path().join("built"), directory.path().join("root"));
    // Where it is installed, and not what it does: newer than its sources, it is not built.
    fs::create_dir(&built).expect("a directory");
    fs::write(built.join("sdlite"), "").expect("a file");
    let variables = [("BUILT", built.to_str().expect("text")), ("DESTDIR", root.to_str().expect("text"))];
    let documents = documents("sdlite", 1).map(|name| (format!("usr/local/share/{name}"), "644".to_owned()));
    let layout = [("usr/local/bin/sdlite".to_owned(), "755".to_owned())].into_iter().chain(documents).collect();

    make("install-box", &variables);
    assert_eq!(without_directories(installed(&root)), layout);
    make("uninstall", &variables);
    assert_eq!(without_directories(installed(&root)), BTreeMap::new());
}

#[test]
fn the_library_for_programs_of_musl_is_installed_beside_that_for_those_of_glibc() {
    if !has("musl-gcc", "musl-tools") {
        return;
    }
    let machine = support::text(&run(Command::new("musl-gcc").arg("-dumpmachine"))).trim().replace("-gnu", "-musl");
    let glibc = layout(["usr/bin", "usr/include", "usr/lib", "usr/share"]);
    let mut musl = layout(["bin", &format!("usr/include/{machine}"), &format!("usr/lib/{machine}"), "share"]);
    musl.retain(|name, _| !name.starts_with("bin/") && !name.starts_with("share/"));
    let both: BTreeMap<_, _> = glibc.clone().into_iter().chain(musl).collect();

    let root = scratch();
    let variables = [("PREFIX", "/usr"), ("DESTDIR", root.path().to_str().expect("text"))];
    let of_musl = [&variables[..], &[("LIBC", "musl")]].concat();
    make("install", &variables);
    make("install", &of_musl);
    assert_eq!(without_directories(installed(root.path())), both);
    let library = |directory: &str| needed(&root.path().join(directory).join("libsdlite.so.0"));
    assert_eq!(library("usr/lib"), ["libc.so.6"]);
    assert_eq!(library(&format!("usr/lib/{machine}")), ["libc.so"]);
    make("uninstall", &of_musl);
    assert_eq!(without_directories(installed(root.path())), glibc);
}

#[test]
fn make_uninstall_leaves_what_is_not_its_own() {
    let directory = scratch();
    let prefix = directory.path().join("prefix");
    let variables = [("PREFIX", prefix.to_str().expect("text"))];
    make("install", &variables);
    let foreign = ["lib/pkgconfig/other.pc", "lib/sdlite/other", "include/sdlite/systemd/other.h", "bin/other"];
    for file in foreign {
        fs::write(prefix.join(file), "").expect("a file");
    }
    make("uninstall", &variables);
    let left = without_directories(installed(&prefix)).into_keys();
    assert!(left.eq(["bin/other", "include/sdlite/systemd/other.h", "lib/pkgconfig/other.pc", "lib/sdlite/other"]));
}

#[test]
fn pkg_config_finds_both_names_and_can_move_them() {
    if !has("pkg-config", "pkg-config") {
        return;
    }
    let prefix = Prefix::new();
    let usr = prefix.path("usr");
    assert_eq!(prefix.pkg_config("--modversion sdlite"), VERSION);
    for name in ["libsystemd", "systemd"] {
        assert_eq!(prefix.pkg_config(&format!("--modversion {name}")), "262");
    }
    for pc in ["pkgconfig/sdlite.pc", "sdlite/pkgconfig/libsystemd.pc"] {
        let pc = fs::read_to_string(prefix.path("usr/lib") + "/" + pc).expect("a .pc file");
        assert!(pc.contains("\nLicense: MIT OR Apache-2.0\n"), "{pc}");
    }
    let cases = [
        ("--cflags --libs sdlite", format!("-I{usr}/include/sdlite -L{usr}/lib -lsdlite")),
        ("--cflags --libs --static sdlite", format!("-I{usr}/include/sdlite -L{usr}/lib -lsdlite")),
        ("--cflags --libs libsystemd", format!("-I{usr}/include/sdlite -L{usr}/lib/sdlite -lsystemd")),
        (
            "--define-variable=prefix=/moved --cflags --libs sdlite",
            "-I/moved/include/sdlite -L/moved/lib -lsdlite".into(),
        ),
    ];
    for (arguments, answer) in cases {
        assert_eq!(prefix.pkg_config(arguments), answer, "{arguments}");
    }
}

#[test]
fn a_c_program_is_built_from_an_installed_prefix_with_every_linker_and_runs_activated() {
    // The compiler, the package that it is in, and how it links.
    const KINDS: &[(&str, &str, &str)] =
        &[("cc", "gcc", "-Wl,-rpath,$prefix/lib"), ("cc", "gcc", "-static"), ("musl-gcc", "musl-tools", "-static")];
    if !has("pkg-config", "pkg-config") {
        return;
    }
    let prefix = Prefix::new();
    for (compiler, package, options) in KINDS {
        for linker in support::linkers().filter(|_| has(compiler, package)) {
            for library in ["sdlite", "libsystemd"] {
                let (option, more) = (linker.option(), linker.with(compiler).unwrap_or_default());
                let line = format!(
                    "{compiler} {option} {options} {more} \
                     -Wall -Wextra -Werror -DFROM_PREFIX -o activated activated.c $flags"
                );
                let shared = !options.contains("-static");
                let kind = if shared { "" } else { "--static " };
                let program = prefix.build("activated.c", &line, &format!("{kind}--cflags --libs {library}"));
                let needed = needed(&program);
                let expected: &[_] = if shared { &["libsdlite.so.0", "libc.so.6"] } else { &[] };
                assert_eq!(needed, expected, "{line}");
                assert_eq!(activated(&program, &[]), ANSWER, "{line}");
            }
        }
    }
}

#[test]
fn a_dynamic_program_of_musl_is_built_from_an_installed_prefix_with_every_linker_and_runs_activated() {
    if !has("pkg-config", "pkg-config") || !has("musl-gcc", "musl-tools") {
        return;
    }
    let prefix = Prefix::of_musl();
    for linker in support::linkers() {
        for library in ["sdlite", "libsystemd"] {
            let line = format!(
                "musl-gcc {} -Wl,-rpath,$prefix/lib -Wall -Wextra -Werror -DFROM_PREFIX -o activated activated.c $flags",
                linker.option()
            );
            let program = prefix.build("activated.c", &line, &format!("--cflags --libs {library}"));
            assert_eq!(needed(&program), ["libsdlite.so.0", "libc.so"], "{line}");
            assert!(interpreter(&program).starts_with("/lib/ld-musl-"), "{line}");
            assert_eq!(activated(&program, &[]), ANSWER, "{line}");
        }
    }
}

#[test]
fn a_finished_dynamic_program_of_musl_that_needs_libsystemd_runs_with_the_drop_in() {
    // What it was linked with: it would say that it was that which ran.
    const OTHER: &str = "
        int sd_listen_fds(int unset) { return -unset - 1; }
        int sd_is_socket_inet(int fd, int family, int type, int listening, unsigned short port) { return -1; }
        int sd_journal_print_with_location(int priority, const char *file, const char *line, const char *function,
                                           const char *format, ...) { return -1; }
        int sd_journal_print(int priority, const char *format, ...) { return -1; }
    ";
    if !has("musl-gcc", "musl-tools") || !has("patchelf", "patchelf") || !has("pkg-config", "pkg-config") {
        return;
    }
    let prefix = Prefix::of_musl();
    let (code, library) = (prefix.path("other.c"), prefix.path("libsystemd.so.0"));
    fs::write(&code, OTHER).expect("a file");
    run(Command::new("musl-gcc").args(["-shared", "-Wl,-soname,libsystemd.so.0", "-o", &library, &code]));
    let line = "musl-gcc -DFROM_PREFIX $flags -o activated activated.c libsystemd.so.0";
    let program = prefix.build("activated.c", line, "--cflags sdlite");
    assert_eq!(needed(&program), ["libsystemd.so.0", "libc.so"]);
    let variable = |directory: &str| format!("LD_LIBRARY_PATH={directory}");
    let other = variable(prefix.directory().to_str().expect("text"));
    assert_ne!(activated(&program, &["-E", &other]), ANSWER);

    let drop_in = prefix.path("usr/lib/sdlite");
    assert_eq!(activated(&program, &["-E", &variable(&drop_in)]), ANSWER);
    run(Command::new("patchelf").args(["--add-rpath", &drop_in]).arg(&program));
    assert_eq!(activated(&program, &[]), ANSWER);
}

#[test]
fn a_rust_program_is_built_from_an_installed_prefix_and_runs_activated() {
    if !has("pkg-config", "pkg-config") {
        return;
    }
    let prefix = Prefix::new();
    let rustc = env::var("RUSTC").unwrap_or("rustc".into());
    let cases = [
        ("-l dylib=sdlite -C link-arg=-Wl,-rpath,$prefix/lib", true),
        ("-l static=sdlite", false),
        ("-l static=sdlite -C target-feature=+crt-static", false),
        ("-l static=sdlite -O -C panic=abort -C lto", false),
        ("-l sdlite -C link-arg=-fuse-ld=bfd -C link-arg=-Wl,-rpath,$prefix/lib", true),
    ];
    for (options, shared) in cases {
        let line = format!("{rustc} --edition=2024 -D warnings -L $prefix/lib {options} activated.rs");
        let program = prefix.build("activated.rs", &line, "--libs sdlite");
        let needed = needed(&program);
        assert_eq!(needed.iter().any(|name| name == "libsdlite.so.0"), shared, "{line}: {needed:?}");
        assert_eq!(activated(&program, &[]), ANSWER, "{line}");
    }
}

/// The dynamic linker that a program names.
fn interpreter(program: &Path) -> String {
    let headers = support::text(&run(Command::new("readelf").arg("-lW").arg(program)));
    let (_, name) = headers.split_once("program interpreter: ").expect("a program for a dynamic linker");
    name.split(']').next().expect("the end of its name").to_owned()
}

#[test]
fn a_finished_program_that_needs_libsystemd_runs_with_the_drop_in() {
    if !has("/usr/include/systemd/sd-daemon.h", "libsystemd-dev") || !has("patchelf", "patchelf") {
        return;
    }
    let prefix = Prefix::new();
    let line = "cc -o activated activated.c -l:libsystemd.so.0";
    let program = prefix.build("activated.c", line, "--cflags sdlite");
    assert!(needed(&program).contains(&"libsystemd.so.0".to_owned()));
    let drop_in = prefix.path("usr/lib/sdlite");

    // A copy of it that looks there, a copy that needs the library by its own name, and its dynamic linker that looks there: none of that
    // is passed on to what it starts, as the variable is.
    let patched = |name: &str, patches: &[&[&str]]| {
        let copy = PathBuf::from(prefix.path(name));
        fs::copy(&program, &copy).expect("a copy");
        for patch in patches {
            run(Command::new("patchelf").args(*patch).arg(&copy));
        }
        copy
    };
    let looks = patched("looks", &[&["--add-rpath", &drop_in]]);
    // One after the other: glibc does not load what patchelf 0.14 writes if it is told both at once.
    let libraries = prefix.path("usr/lib");
    let renames: &[&[&str]] =
        &[&["--replace-needed", "libsystemd.so.0", "libsdlite.so.0"], &["--add-rpath", &libraries]];
    let renamed = patched("renamed", renames);
    let wrapper = PathBuf::from(prefix.path("wrapper"));
    let script =
        format!("#!/bin/sh\nexec {} --library-path {drop_in} {} \"$@\"\n", interpreter(&program), program.display());
    fs::write(&wrapper, script).expect("a script");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("its mode");
    let variable = format!("LD_LIBRARY_PATH={drop_in}");
    let ways: [(&Path, &[&str]); 4] = [(&looks, &[]), (&renamed, &[]), (&wrapper, &[]), (&program, &["-E", &variable])];
    for (program, arguments) in ways {
        assert_eq!(activated(program, arguments), ANSWER, "{} {arguments:?}", program.display());
    }

    // And it is the drop-in that they run with.
    let loaded = |command: &mut Command| support::text(&run(command));
    let of = |program: &Path| loaded(Command::new(program).env("LD_TRACE_LOADED_OBJECTS", "1"));
    let here = format!("libsystemd.so.0 => {drop_in}/libsystemd.so.0");
    assert!(of(&looks).contains(&here), "{}", of(&looks));
    assert!(of(&renamed).contains(&format!("libsdlite.so.0 => {libraries}/libsdlite.so.0")), "{}", of(&renamed));
    let by_linker =
        loaded(Command::new(interpreter(&program)).args(["--library-path", &drop_in, "--list"]).arg(&program));
    assert!(by_linker.contains(&here), "{by_linker}");
    let by_variable =
        loaded(Command::new(&program).env("LD_LIBRARY_PATH", &drop_in).env("LD_TRACE_LOADED_OBJECTS", "1"));
    assert!(by_variable.contains(&here), "{by_variable}");
}

#[test]
fn a_finished_program_that_does_not_come_to_call_what_is_missing_runs_with_the_drop_in() {
    const CODE: &str = r#"
        #include <systemd/sd-daemon.h>
        void *sd_bus_error_free(void *error);
        int main(int argc, char *argv[]) {
                (void) argv;
                if (argc > 1)
                        sd_bus_error_free(0);
                return sd_booted() < 0;
        }
    "#;
    if !has("/usr/include/systemd/sd-daemon.h", "libsystemd-dev") {
        return;
    }
    let prefix = Prefix::new();
    let (code, program) = (prefix.path("bus.c"), prefix.path("bus"));
    fs::write(&code, CODE).expect("a file");
    // Symbols that are looked for where they are called, and all of them at the start.
    for (binding, runs) in [("lazy", true), ("now", false)] {
        let option = format!("-Wl,-z,{binding}");
        run(Command::new("cc").args([&option, "-o", &program, &code]).args(["-fplt", "-l:libsystemd.so.0"]));
        let with_drop_in = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.args(arguments).env("LD_LIBRARY_PATH", prefix.path("usr/lib/sdlite")).output().expect("a program")
        };
        let output = with_drop_in(&[]);
        assert_eq!(output.status.success(), runs, "{binding}: {}", support::text(&output));
        let output = support::text(&with_drop_in(&["call"]));
        assert!(output.contains("undefined symbol: sd_bus_error_free, version LIBSYSTEMD_221"), "{binding}: {output}");
    }
}

#[test]
fn systemd_pc_names_the_directories_that_systemds_own_names() {
    const THEIRS: &str = "/usr/share/pkgconfig/systemd.pc";
    if !has("pkg-config", "pkg-config") || !has(THEIRS, "systemd") {
        return;
    }
    let prefix = Prefix::new();
    let ours = prefix.path("usr/lib/sdlite/pkgconfig/systemd.pc");
    let theirs = fs::read_to_string(THEIRS).expect("a .pc file");
    let variables: Vec<_> = theirs.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // By the name of a file pkg-config asks that one alone.
    let value = |file: &str, name: &str| {
        let output = run(Command::new("pkg-config").arg(format!("--variable={name}")).arg(file));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert!(variables.contains(&"systemdsystemunitdir"), "{theirs}");
    // Where / and /usr are two file systems, units are below /: since release 255 nowhere.
    let merged = |value: String| {
        let mut paths: Vec<_> = value.split(':').map(|path| path.strip_prefix("/usr").unwrap_or(path)).collect();
        let mut seen = Vec::new();
        paths.retain(|path| {
            !seen.contains(path) && {
                seen.push(path);
                true
            }
        });
        paths.join(":")
    };
    for name in variables.into_iter().filter(|name| !matches!(*name, "root_prefix" | "rootprefix")) {
        assert_eq!(merged(value(&ours, name)), merged(value(THEIRS, name)), "{name}");
    }
}

/// The listings of the tutorial that the examples follow, where they lie beside the source tree.
#[test]
fn the_listings_compile_and_link_as_they_are() {
    let listings = source().join("../shared/article");
    if !listings.is_dir() {
        support::not_here("the tutorial's listings beside the source tree, in ../shared/article");
        return;
    }
    if !has("pkg-config", "pkg-config") {
        return;
    }
    let prefix = Prefix::new();
    let libraries = [
        ("usr/lib/pkgconfig", "$(pkg-config --cflags --libs sdlite)"),
        ("usr/lib/sdlite/pkgconfig", "$(pkg-config --cflags --libs libsystemd)"),
        ("", "-I$PREFIX/include/sdlite -L$PREFIX/lib/sdlite -lsystemd"),
    ];
    for program in ["myservice", "myservice-accept", "myclient", "snippet"] {
        let listing = listings.join(program).with_extension("c");
        fs::copy(&listing, prefix.path(&format!("{program}.c"))).expect("a listing");
        for (pc, flags) in libraries {
            let line = format!("cc -o {program} {program}.c {flags}");
            let directory = prefix.directory();
            run(Command::new("sh")
                .args(["-c", &line])
                .current_dir(directory)
                .env("PREFIX", prefix.path("usr"))
                .env("PKG_CONFIG_PATH", prefix.path(pc)));
            let needed = needed(&directory.join(program));
            let expected = fs::read_to_string(&listing).expect("a listing").contains("sd_");
            assert_eq!(needed.contains(&"libsdlite.so.0".to_owned()), expected, "{line}: {needed:?}");
            fs::remove_file(directory.join(program)).expect("what was linked");
        }
    }
}
