//! Generates the headers, compiles the variadic functions, and gives the shared library its name and its version nodes.

use std::env;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn main() -> Result<(), Box<dyn Error>> {
    header("sd-daemon.toml", "sd-daemon.h", &["src/listen.rs", "src/is.rs", "src/notify.rs", "src/daemon.rs"])?;
    header("sd-journal.toml", "sd-journal.h", &["src/journal.rs"])?;
    variadic_functions();
    shared_library()
}

/// Writes a header below include/systemd/ from the doc comments and signatures of `sources`.
fn header(configuration: &str, name: &str, sources: &[&str]) -> Result<(), Box<dyn Error>> {
    let configuration = Path::new("include").join(configuration);
    println!("cargo:rerun-if-changed={}", configuration.display());
    let mut builder = cbindgen::Builder::new().with_config(cbindgen::Config::from_file(&configuration)?);
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
        builder = builder.with_src(source);
    }
    // Only written where it changes, so that a source tree that is read-only will do.
    let header = Path::new("include/systemd").join(name);
    println!("cargo:rerun-if-changed={}", header.display());
    builder.generate()?.write_to_file(header);
    Ok(())
}

fn variadic_functions() {
    println!("cargo:rerun-if-changed=src/variadic.c");
    cc::Build::new()
        .file("src/variadic.c")
        .warnings_into_errors(true)
        // The checking variants it calls are glibc's, and the archive has to link with musl too.
        .flag("-U_FORTIFY_SOURCE")
        // Calls through the global offset table, as Rust's are: no procedure linkage table is needed.
        .flag("-fno-plt")
        .cargo_metadata(false)
        .compile("variadic");
    println!("cargo:rustc-link-search=native={}", env::var("OUT_DIR").unwrap_or_default());
    println!("cargo:rustc-link-lib=static:+whole-archive=variadic");
}

fn shared_library() -> Result<(), Box<dyn Error>> {
    const VERSIONS: &str = "src/libsdlite.map";
    println!("cargo:rerun-if-changed={VERSIONS}");
    let versions = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(VERSIONS);
    println!("cargo:rustc-cdylib-link-arg=-nostartfiles");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsdlite.so.{}", env::var("CARGO_PKG_VERSION_MAJOR")?);
    let versions = format!("-Wl,--version-script={}", versions.display());
    if let Some(other_linker) = linker(&versions)? {
        println!("cargo:rustc-cdylib-link-arg={other_linker}");
    }
    println!("cargo:rustc-cdylib-link-arg={versions}");
    // The crate libc leaves this to std where any other member of the workspace has its feature `std` on.
    println!("cargo:rustc-cdylib-link-arg=-lc");
    Ok(())
}

/// The option that chooses a linker which takes version nodes beside the version script that rustc always makes; None where
/// the usual one does. GNU ld does not, and is the usual one before Rust 1.90 and on most architectures after it.
fn linker(versions: &str) -> Result<Option<&'static str>, Box<dyn Error>> {
    let mut refused = String::new();
    for option in [None, Some("-fuse-ld=lld"), Some("-fuse-ld=mold")] {
        let output = link(versions, option)?;
        if output.status.success() {
            return Ok(option);
        }
        refused += &String::from_utf8_lossy(&output.stderr);
    }
    eprintln!("{refused}");
    eprintln!("The symbols of libsdlite.so have versions, which the linker that is here cannot give them.");
    eprintln!("Install lld (the package of this name in Debian, Fedora and others) or mold, and build again.");
    Err("no linker that takes src/libsdlite.map".into())
}

/// Links a library of one function as cargo will link this one.
fn link(versions: &str, option: Option<&str>) -> Result<Output, Box<dyn Error>> {
    const LIBRARY: &[u8] = b"#![no_std]
        #[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
        #[unsafe(no_mangle)] pub extern \"C\" fn sd_listen_fds() {}";
    let mut rustc = Command::new(env::var_os("RUSTC").ok_or("RUSTC")?);
    rustc.args(["-", "--edition=2024", "--crate-type=cdylib", "--crate-name=linked", "-Cpanic=abort"]);
    rustc.args(["--target", &env::var("TARGET")?, "--out-dir", &env::var("OUT_DIR")?]);
    rustc.args(env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}")));
    rustc.args(env::var("CARGO_ENCODED_RUSTFLAGS")?.split('\x1f').filter(|flag| !flag.is_empty()));
    rustc.args(["-nostartfiles", versions].into_iter().chain(option).map(|argument| format!("-Clink-arg={argument}")));
    let mut rustc = rustc.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    rustc.stdin.take().ok_or("stdin")?.write_all(LIBRARY)?;
    Ok(rustc.wait_with_output()?)
}
