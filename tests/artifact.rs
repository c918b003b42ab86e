//! The library as it is shipped: what it exports, what it needs, how large it is, and that it cannot panic.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sdlite_test_support as support;
use support::{api, growth, has, needed, release, run, scratch, source};

/// The shared library, stripped, is smaller. Nearly five of these are unwind tables: without them, threads could not be
/// cancelled in here as they can in libsystemd, nor debuggers tell who called. One and a half are the version nodes that have no
/// function.
const SHARED_SIZE: u64 = 71 * 1024;

/// What GNU ld and gold fill up with zeros, at most: a page, before what is read-only once it is relocated.
const PADDING: u64 = 4096;

/// What parts of the library a static program can use, and what less than that each adds to it, in code and data.
const PARTS: &[(&str, u64, &[&str])] = &[
    ("the listen API", 5 * 1024 + 768, growth::LISTEN),
    ("sd_notify()", 4 * 1024 + 256, growth::NOTIFY),
    ("sd_id128_get_machine_app_specific()", 3 * 1024 + 128, growth::MACHINE),
];

#[test]
fn the_library_exports_every_function_at_its_version_node_and_nothing_else() {
    let nodes = api::nodes();
    let at_node =
        |node: &api::Node| node.functions.iter().map(|name| format!("T {name}@@{}", node.name)).collect::<Vec<_>>();
    let expected: BTreeSet<_> = nodes.iter().flat_map(at_node).collect();
    for library in shared() {
        let symbols = output(Command::new("nm").args(["-D", "--defined-only"]).arg(&library.file));
        // Lines as `00000000000026a4 T sd_is_fifo@@LIBSYSTEMD_209`; GNU ld and gold have the nodes themselves too, of type A.
        let exported = symbols.lines().map(|line| line.splitn(3, ' ').skip(1).collect::<Vec<_>>().join(" "));
        let is_node = |symbol: &String| symbol.starts_with("A LIBSYSTEMD_");
        assert_eq!(exported.filter(|symbol| !is_node(symbol)).collect::<BTreeSet<_>>(), expected, "{}", library.how);
    }
}

#[test]
fn the_headers_declare_every_function_and_nothing_else() {
    let headers = api::headers();
    let declared: Vec<String> = headers.iter().flat_map(|name| api::declared(&api::header(name))).collect();
    assert_eq!(declared.iter().cloned().collect::<BTreeSet<_>>(), api::functions());
    assert_eq!(declared.len(), api::functions().len(), "one is declared twice: {declared:?}");
}

#[test]
fn the_version_nodes_are_all_there_in_their_order() {
    let nodes = api::nodes();
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    for library in shared() {
        let versions = output(Command::new("readelf").arg("-VW").arg(&library.file));
        let definitions = versions.split_once("Version definition section").expect("version nodes").1;
        let definitions = definitions.split("Version needs section").next().expect("the part before it");
        // Lines as `0x0038: Rev: 1  Flags: none  Index: 3  Cnt: 2  Name: LIBSYSTEMD_214`, then `0x0054: Parent 1: LIBSYSTEMD_209`.
        // The parents are there if GNU ld or gold has linked it; lld and mold know the order alone. Nothing looks at them at run time.
        let mut defined = Vec::new();
        for line in definitions.lines() {
            if let Some((_, name)) = line.split_once("Name: ") {
                defined.push(name.trim());
            } else if let Some((_, parent)) = line.split_once("Parent 1: ") {
                assert_eq!(Some(&parent.trim()), defined.iter().rev().nth(1), "{}: {definitions}", library.how);
            }
        }
        assert_eq!(defined, [vec!["libsdlite.so.0"], names.clone()].concat(), "{}", library.how);
    }
    let parents = nodes.iter().skip(1).map(|node| node.parent.as_deref().unwrap_or_default());
    assert!(parents.eq(names.iter().copied().take(nodes.len() - 1)), "{nodes:?}");
}

#[test]
fn the_library_is_named_libsdlite_so_0_and_needs_the_c_library_alone() {
    for library in shared() {
        let dynamic = output(Command::new("readelf").arg("-dW").arg(&library.file));
        assert!(dynamic.contains("Library soname: [libsdlite.so.0]"), "{}: {dynamic}", library.how);
        assert_eq!(needed(&library.file), [library.libc], "{}", library.how);
    }
}

#[test]
fn the_library_runs_nothing_by_itself_stays_where_it_is_loaded_and_has_what_is_not_to_be_written_to_read_only() {
    for library in shared() {
        let dynamic = output(Command::new("readelf").arg("-dlW").arg(&library.file));
        for entry in ["(INIT)", "(INIT_ARRAY)", "(FINI)", "(FINI_ARRAY)", "(TEXTREL)", " RWE "] {
            assert!(!dynamic.contains(entry), "{}: {dynamic}", library.how);
        }
        for entry in [" NODELETE", " NOW ", "GNU_RELRO", "GNU_STACK"] {
            assert!(dynamic.contains(entry), "{}: {dynamic}", library.how);
        }
    }
}

#[test]
fn the_stripped_library_is_small() {
    let directory = scratch();
    let stripped = directory.path().join("libsdlite.so");
    for library in shared() {
        run(Command::new("strip").arg("-o").arg(&stripped).arg(&library.file));
        let size = fs::metadata(&stripped).expect("what strip wrote").len();
        println!("libsdlite.so, stripped: {size} bytes with {}", library.how);
        let limit = if ["bfd", "gold"].contains(&library.how.as_str()) { SHARED_SIZE + PADDING } else { SHARED_SIZE };
        assert!(size < limit, "{}: {size} bytes, of {limit}", library.how);
    }
}

#[test]
fn no_panic_is_in_the_library() {
    for library in shared() {
        assert_eq!(panics(&library.file), [""; 0], "{}", library.how);
    }
    let directory = scratch();
    run(Command::new("ar").arg("x").arg(release().join("libsdlite.a")).current_dir(directory.path()));
    let objects = fs::read_dir(directory.path()).expect("the archive's members").flatten();
    let objects: Vec<_> = objects.map(|object| object.path()).collect();
    assert!(!objects.is_empty(), "no object in libsdlite.a");
    for object in objects {
        assert_eq!(panics(&object), [""; 0], "{}", object.display());
    }

    // The check finds what it looks for.
    let library = directory.path().join("libpanics.so");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    run(Command::new(rustc)
        .args([
            "--edition=2024",
            "--crate-type=cdylib",
            "-Copt-level=s",
            "-Cpanic=abort",
            "-Clink-arg=-nostartfiles",
            "-o",
        ])
        .arg(&library)
        .arg(source().join("tests/programs/panics.rs")));
    assert_ne!(panics(&library), [""; 0]);
    run(Command::new("strip").arg(&library));
    assert_ne!(panics(&library), [""; 0], "stripped");
}

/// Symbols and strings of a file that say that it can panic.
fn panics(file: &Path) -> Vec<String> {
    // Panics are reported with the place in the source that they come from; core's own in core's.
    const SIGNS: &[&str] =
        &["panic", "begin_unwind", "unwrap_failed", "expect_failed", "slice_index", "bounds", "overflow"];
    let is_place = |line: &str| line.contains(".rs") && !line.starts_with('.');
    let is_sign = |line: &str| SIGNS.iter().any(|sign| line.to_ascii_lowercase().contains(sign)) || is_place(line);
    let symbols = output(Command::new("nm").arg(file));
    let strings = output(Command::new("strings").arg("--data").arg(file));
    symbols.lines().chain(strings.lines()).filter(|line| is_sign(line)).map(str::to_owned).collect()
}

#[test]
fn a_static_program_grows_little_by_what_it_uses() {
    let mut too_much = Vec::new();
    for (compiler, package) in [("gcc", "gcc"), ("musl-gcc", "musl-tools")] {
        if !has(compiler, package) {
            continue;
        }
        for (part, limit, functions) in PARTS {
            for collected in [false, true] {
                let growth = growth::growth(compiler, &release().join("libsdlite.a"), functions, collected);
                println!("{part}, {compiler}{}: {growth}", if collected { " -Wl,--gc-sections" } else { "" });
                if collected && growth.library >= *limit {
                    too_much.push(format!("{part}, {compiler}: {growth}, of {limit}"));
                }
            }
        }
    }
    assert_eq!(too_much, [""; 0]);
}

/// A shared library that make has linked.
struct Shared {
    /// What it is linked with.
    how: String,
    file: PathBuf,
    libc: &'static str,
}

/// The one that is installed; and those that other linkers make, and the compiler of musl.
fn shared() -> &'static [Shared] {
    static LIBRARIES: OnceLock<Vec<Shared>> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let chosen =
            Shared { how: "what make takes".to_owned(), file: release().join("libsdlite.so"), libc: "libc.so.6" };
        let by_linkers = support::linkers().map(|linker| linked(linker.name, &linker.option()));
        let musl = has("musl-gcc", "musl-tools").then(|| Shared {
            how: "musl".to_owned(),
            file: support::library_of_musl(),
            libc: "libc.so",
        });
        [chosen].into_iter().chain(by_linkers).chain(musl).collect()
    })
}

/// Links it, without cargo.
fn linked(how: &str, option: &str) -> Shared {
    let directory = support::builds().join("linked").join(how);
    let built = directory.join("release");
    fs::create_dir_all(&built).expect("a directory");
    fs::copy(release().join("libsdlite_c.a"), built.join("libsdlite_c.a")).expect("a copy");
    let mut make = support::make(source());
    run(make
        .args(["library", "CARGO=false", &format!("LDFLAGS={option}")])
        .env("CARGO_TARGET_DIR", &directory)
        .env_remove("CARGO_BUILD_TARGET"));
    Shared { how: how.to_owned(), file: built.join("libsdlite.so"), libc: "libc.so.6" }
}

fn output(command: &mut Command) -> String {
    String::from_utf8_lossy(&run(command).stdout).into_owned()
}
