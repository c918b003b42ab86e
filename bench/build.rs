//! Compiles what calls the libraries.

fn main() {
    println!("cargo:rerun-if-changed=src/calls.c");
    cc::Build::new()
        .file("src/calls.c")
        .include("../include")
        .opt_level(2)
        .warnings_into_errors(true)
        // The calls that take nothing need not use what they are given.
        .flag("-Wno-unused-parameter")
        .compile("calls");
}
