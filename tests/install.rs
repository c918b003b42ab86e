//! What `make install` puts where, and that programs can be built from that and from nothing else.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use sdlite_test_support as support;
use support::activation::activated;
use support::install::{ANSWER, Prefix, Variables, make};
use support::{has, needed, run, scratch, source};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything below a folder: the mode of each file, what each link leads to, and nothing of folders but their names.
fn installed(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).expect("below it").display().to_string();
            let metadata = path.symlink_metadata().expect("what it is");
            if metadata.is_dir() {
                folders.push(path);
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

/// The layout, with the folders that can be chosen in braces.
fn layout(bin: &str, include: &str, lib: &str) -> BTreeMap<String, String> {
    let so = format!("libsdlite.so.{VERSION}");
    let headers = support::api::headers().into_iter();
    let headers = headers.map(|name| (format!("{include}/sdlite/systemd/{name}"), "644".to_owned()));
    let files = [
        (format!("{bin}/sd-activate"), "755"),
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
    ];
    files.into_iter().map(|(name, what)| (name, what.to_owned())).chain(headers).collect()
}

fn without_folders(mut installed: BTreeMap<String, String>) -> BTreeMap<String, String> {
    installed.retain(|name, _| !name.ends_with('/'));
    installed
}

#[test]
fn make_install_puts_everything_in_its_place_and_make_uninstall_leaves_nothing_behind() {
    let cases: &[(Variables, [&str; 3])] = &[
        (&[], ["usr/local/bin", "usr/local/include", "usr/local/lib"]),
        (&[("PREFIX", "/usr")], ["usr/bin", "usr/include", "usr/lib"]),
        (
            &[("PREFIX", "/usr"), ("LIBDIR", "/usr/lib/x86_64-linux-gnu")],
            ["usr/bin", "usr/include", "usr/lib/x86_64-linux-gnu"],
        ),
        (&[("BINDIR", "/b"), ("INCLUDEDIR", "/i"), ("LIBDIR", "/l")], ["b", "i", "l"]),
    ];
    for (variables, [bin, include, lib]) in cases {
        let folder = scratch();
        // A blank in it, as only the prefix, which compilers see, must not have one.
        let root = folder.path().join("image of a package");
        let destination = root.display().to_string();
        let variables = [*variables, &[("DESTDIR", &destination)]].concat();

        make("install", &variables);
        assert_eq!(without_folders(installed(&root)), layout(bin, include, lib), "{variables:?}");
        let pc_files = ["pkgconfig/sdlite.pc", "sdlite/pkgconfig/libsystemd.pc"];
        for pc in pc_files.map(|pc| fs::read_to_string(root.join(lib).join(pc)).expect("a .pc file")) {
            assert!(!pc.contains("image") && !pc.contains('@'), "{pc}");
        }

        // Once more upon itself, as for the next version.
        make("install", &variables);
        assert_eq!(without_folders(installed(&root)), layout(bin, include, lib), "{variables:?}");

        make("uninstall", &variables);
        let mut left = installed(&root);
        // Above the prefix nothing is known about who made it, and other places than below it are the user's own.
        left.retain(|name, _| name.starts_with("usr/local/") || !name.ends_with('/'));
        assert_eq!(left, BTreeMap::new(), "{variables:?}");
        make("uninstall", &variables);
    }
}

#[test]
fn make_uninstall_leaves_what_is_not_its_own() {
    let folder = scratch();
    let prefix = folder.path().join("prefix");
    let variables = [("PREFIX", prefix.to_str().expect("text"))];
    make("install", &variables);
    let foreign = ["lib/pkgconfig/other.pc", "lib/sdlite/other", "include/sdlite/systemd/other.h", "bin/other"];
    for file in foreign {
        fs::write(prefix.join(file), "").expect("a file");
    }
    make("uninstall", &variables);
    let left = without_folders(installed(&prefix)).into_keys();
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
    assert_eq!(prefix.pkg_config("--modversion libsystemd"), "262");
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

#[test]
fn a_finished_program_that_needs_libsystemd_runs_with_the_drop_in() {
    if !has("/usr/include/systemd/sd-daemon.h", "libsystemd-dev") {
        return;
    }
    let prefix = Prefix::new();
    let line = "cc -o activated activated.c -l:libsystemd.so.0";
    let program = prefix.build("activated.c", line, "--cflags sdlite");
    assert!(needed(&program).contains(&"libsystemd.so.0".to_owned()));

    let drop_in = format!("LD_LIBRARY_PATH={}", prefix.path("usr/lib/sdlite"));
    assert_eq!(activated(&program, &["-E", &drop_in]), ANSWER);
    // And it is the drop-in that it runs with.
    let loaded = run(Command::new("env").arg(drop_in).arg("LD_TRACE_LOADED_OBJECTS=1").arg(program));
    let loaded = support::text(&loaded);
    assert!(
        loaded.contains(&format!("libsystemd.so.0 => {}", prefix.path("usr/lib/sdlite/libsystemd.so.0"))),
        "{loaded}"
    );
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
            let folder = prefix.folder();
            run(Command::new("sh")
                .args(["-c", &line])
                .current_dir(folder)
                .env("PREFIX", prefix.path("usr"))
                .env("PKG_CONFIG_PATH", prefix.path(pc)));
            let needed = needed(&folder.join(program));
            let expected = fs::read_to_string(&listing).expect("a listing").contains("sd_");
            assert_eq!(needed.contains(&"libsdlite.so.0".to_owned()), expected, "{line}: {needed:?}");
            fs::remove_file(folder.join(program)).expect("what was linked");
        }
    }
}
