//! What make does: to a source tree, with the flags of distributions, and where something is not as it has to be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use sdlite_test_support as support;
use support::{api, release, run, scratch, source, text};

/// Where copies and other flags are built, one at a time.
static TARGET: LazyLock<Mutex<PathBuf>> =
    LazyLock::new(|| Mutex::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("tree-target")));

/// All of the source tree is built anew, elsewhere, its headers removed before.
#[test]
fn building_generates_the_committed_headers_and_changes_nothing_else() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tree");
    let _ = fs::remove_dir_all(&directory);
    let committed = files(source());
    for (file, content) in &committed {
        let copy = directory.join(file);
        fs::create_dir_all(copy.parent().expect("a directory")).expect("a directory");
        fs::write(&copy, content).expect("a copy");
    }
    for name in api::headers() {
        fs::remove_file(directory.join("include/systemd").join(name)).expect("the copy of a header");
    }
    let target = TARGET.lock().expect("the directory that it is built in");
    let build = || run(support::make(&directory).arg("library").env("CARGO_TARGET_DIR", &*target));
    // Once to generate them, once to leave them alone.
    for _ in 0..2 {
        build();
        let built = files(&directory);
        assert!(built.keys().eq(committed.keys()), "{:?}", built.keys());
        for (file, content) in &built {
            assert!(committed[file] == *content, "make changes {}", file.display());
        }
    }
    for artifact in ["libsdlite.so", "libsdlite.a"] {
        assert!(target.join("release").join(artifact).is_file(), "{artifact}");
    }

    // Where nothing can be written to the tree, what is there stays: here cbindgen is told to write another header.
    let configuration = directory.join("include/sd-journal.toml");
    let changed = fs::read_to_string(&configuration).expect("a configuration").replace(" * ", " *  ");
    fs::write(&configuration, &changed).expect("a change");
    let before = files(&directory);
    let run_directory = scratch();
    let Some(mut command) = support::with_run(run_directory.path()) else { return };
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && cd \"$0\" && make --silent library";
    command.args(["sh", "-c", script]).arg(&directory).env("CARGO_TARGET_DIR", &*target).env_remove("MAKEFLAGS");
    let output = run(&mut command);
    assert!(text(&output).contains("sd-journal.h is not as cbindgen would write it"), "{}", text(&output));
    assert!(files(&directory) == before, "make changes a tree that is read-only");
    fs::write(&configuration, changed).expect("the change once more");
    build();
    assert!(files(&directory) != before, "cbindgen would not write another header");
}

#[test]
fn the_archive_is_for_every_compiler_and_linker_whatever_cflags_say() {
    const CFLAGS: &str = "-O2 -g -flto=auto -Wp,-D_FORTIFY_SOURCE=2 -fstack-protector-strong";
    let target = TARGET.lock().expect("the directory that it is built in");
    let mut make = support::make(source());
    run(make.args(["--always-make", "library"]).env("CARGO_TARGET_DIR", &*target).env("CFLAGS", CFLAGS));
    let archive = target.join("release/libsdlite.a");
    let sections = text(&run(Command::new("objdump").arg("-h").arg(&archive)));
    assert!(sections.contains("variadic.o:") && !sections.contains("lto"), "{sections}");
    let undefined = text(&run(Command::new("nm").arg("-u").arg(&archive)));
    assert!(undefined.contains("vsnprintf") && !undefined.contains("_chk"), "{undefined}");
}

#[test]
fn rustc_refuses_to_make_a_library_that_unwinds() {
    // It would have std in it, which alone is ten times its size.
    release();
    let mut make = support::make(source());
    let output = make.args(["--always-make", "library"]).env("CARGO_PROFILE_RELEASE_PANIC", "unwind").output();
    let output = output.expect("make");
    assert!(!output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("unwinding panics are not supported without std"), "{}", text(&output));
}

#[test]
fn make_fails_where_cargo_makes_nothing() {
    let directory = scratch();
    let mut make = support::make(source());
    let output = make.args(["library", "CARGO=true"]).env("CARGO_TARGET_DIR", directory.path()).output().expect("make");
    assert!(!output.status.success(), "{}", text(&output));
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0, "{}", text(&output));
}

#[test]
fn a_function_in_the_table_that_nobody_defines_fails_the_build() {
    let tree = scratch();
    let directory = tree.path();
    for name in ["Cargo.toml", "Makefile", "include"] {
        std::os::unix::fs::symlink(source().join(name), directory.join(name)).expect("a link");
    }
    let map = fs::read_to_string(source().join("src/libsdlite.map")).expect("the table");
    fs::create_dir(directory.join("src")).expect("a directory");
    fs::write(directory.join("src/libsdlite.map"), map.replacen("sd_booted;", "sd_booted; sd_nothing;", 1))
        .expect("a table");
    let built = directory.join("target/release");
    fs::create_dir_all(&built).expect("a directory");
    fs::copy(release().join("libsdlite_c.a"), built.join("libsdlite_c.a")).expect("a copy");
    // mold only warns.
    for linker in support::linkers().filter(|linker| linker.name != "mold") {
        let mut make = support::make(directory);
        make.args(["library", "CARGO=false"])
            .arg(format!("LDFLAGS={}", linker.option()))
            .env("CARGO_TARGET_DIR", "target");
        let output = make.env_remove("CARGO_BUILD_TARGET").output().expect("make");
        assert!(!output.status.success(), "{}", linker.name);
        assert!(text(&output).contains("sd_nothing"), "{}: {}", linker.name, text(&output));
    }
}

/// Every file of a source tree but what builds and git have put there.
fn files(tree: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![tree.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the source tree").flatten() {
            let path = entry.path();
            let built = path.join("CACHEDIR.TAG").exists() || entry.file_name() == ".git";
            match entry.file_type().expect("what it is") {
                kind if kind.is_dir() && !built => directories.push(path),
                kind if kind.is_file() => {
                    let name = path.strip_prefix(tree).expect("a path below it").to_path_buf();
                    files.insert(name, fs::read(path).expect("a file of the source tree"));
                }
                _ => {}
            }
        }
    }
    files
}
