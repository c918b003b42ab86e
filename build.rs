//! Generates the headers, and compiles the variadic functions.

use std::env;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The sources of sd-login.h, in its order.
const LOGIN: &[&str] = &[
    "src/login/process.rs",
    "src/login/pidfd.rs",
    "src/login/peer.rs",
    "src/login/user.rs",
    "src/login/session.rs",
    "src/login/seat.rs",
    "src/login/machine.rs",
    "src/login/list.rs",
    "src/login/monitor.rs",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR")?);
    let public = Path::new("include/systemd");
    // Anew where somebody has changed one of those that are in the source tree.
    println!("cargo:rerun-if-changed={}", public.display());
    header(&public.join("sd-daemon.h"), &["src/listen.rs", "src/is.rs", "src/notify.rs", "src/daemon.rs"])?;
    header(&public.join("sd-journal.h"), &["src/journal.rs"])?;
    header(&public.join("sd-login.h"), LOGIN)?;
    header(&out.join("variadic.h"), &["src/variadic.rs"])?;
    variadic_functions(&out);
    Ok(())
}

/// Writes a header from the doc comments and signatures of `sources`, as the file below include/ says that is called like it.
fn header(header: &Path, sources: &[&str]) -> Result<(), Box<dyn Error>> {
    let name = header.with_extension("toml");
    let configuration = Path::new("include").join(name.file_name().ok_or("a header without a name")?);
    println!("cargo:rerun-if-changed={}", configuration.display());
    let mut builder = cbindgen::Builder::new().with_config(cbindgen::Config::from_file(&configuration)?);
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
        builder = builder.with_src(source);
    }
    let mut generated = Vec::new();
    builder.generate()?.write(&mut generated);
    if fs::read(header).is_ok_and(|there| there == generated) {
        return Ok(());
    }
    match fs::write(header, generated) {
        // Another release of cbindgen may write it otherwise.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            println!(
                "cargo:warning={} is not as cbindgen would write it, and stays as it is: {error}",
                header.display()
            );
            Ok(())
        }
        written => Ok(written?),
    }
}

fn variadic_functions(out: &Path) {
    const SOURCES: [&str; 2] = ["src/variadic.c", "src/arguments.c"];
    for file in SOURCES.iter().chain(&["src/arguments.h"]) {
        println!("cargo:rerun-if-changed={file}");
    }
    cc::Build::new()
        .files(SOURCES)
        .include(out)
        .warnings_into_errors(true)
        // The checking variants it calls are glibc's, and the archive has to link with musl too.
        .flag("-U_FORTIFY_SOURCE")
        // Calls through the global offset table, as Rust's are: no procedure linkage table is needed.
        .flag("-fno-plt")
        // The archive is for every compiler.
        .flag("-fno-lto")
        .cargo_metadata(false)
        .compile("variadic");
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static:+whole-archive=variadic");
}
