//! Generates the headers, compiles the variadic functions, and gives the shared library its name and its version nodes.

use std::env;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    header("sd-daemon.toml", "sd-daemon.h", &["src/listen.rs", "src/is.rs", "src/notify.rs", "src/daemon.rs"])?;
    header("sd-journal.toml", "sd-journal.h", &["src/journal.rs"])?;
    variadic_functions();
    Ok(())
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
