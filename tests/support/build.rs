//! Compiles what the tests cannot say in Rust.

fn main() {
    println!("cargo::rerun-if-changed=src/va_list.c");
    cc::Build::new().file("src/va_list.c").compile("sdlite_va_list");
}
