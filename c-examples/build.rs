//! Compiles the example programs against the library's headers. A warning is an error: people copy these programs.

const INCLUDE: &str = "../include";

fn main() {
    println!("cargo:rerun-if-changed={INCLUDE}");
    export_object("MYSERVICE", "myservice.c");
    export_object("MYSERVICE_ACCEPT", "myservice-accept.c");
    export_object("MYCLIENT", "myclient.c");
}

fn export_object(name: &str, source: &str) {
    println!("cargo:rerun-if-changed={source}");
    let objects = cc::Build::new()
        .file(source)
        .include(INCLUDE)
        .std("c99")
        .flag("-pedantic")
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .compile_intermediates();
    for object in objects {
        println!("cargo:rustc-env={name}={}", object.display());
    }
}
