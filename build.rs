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
    header(&public.join("sd-id128.h"), &["src/id128.rs"])?;
    header(&public.join("sd-journal.h"), &["src/journal.rs"])?;
    header(&public.join("sd-login.h"), LOGIN)?;
    header(&out.join("variadic.h"), &["src/variadic.rs"])?;
    variadic_functions(&out)
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

fn variadic_functions(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/arguments.h");
    let mut build = cc::Build::new();
    build.include(out).warnings_into_errors(true).cargo_metadata(false);
    for name in ["variadic", "arguments"] {
        let (source, object) = (format!("src/{name}.c"), out.join(name).with_extension("o"));
        println!("cargo:rerun-if-changed={source}");
        let mut compiler = build.try_get_compiler()?.to_command();
        compiler.args(["-c", &source, "-o"]).arg(&object);
        // Behind what $CFLAGS says, as the archive is for every compiler and linker, and for musl too: without the checking variants of
        // functions that glibc has, and what only one compiler can go on with.
        compiler.args(["-U_FORTIFY_SOURCE", "-fno-lto"]);
        // Calls through the global offset table, as Rust's are: no procedure linkage table is needed.
        compiler.arg("-fno-plt");
        if !compiler.status()?.success() {
            return Err(format!("{compiler:?} failed").into());
        }
        build.object(object);
    }
    build.try_compile("variadic")?;
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static:+whole-archive=variadic");
    Ok(())
}
