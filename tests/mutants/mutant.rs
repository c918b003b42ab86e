//! Run by `make mutants` where cargo-mutants has changed the behaviour in one place: the library is still to answer as libsystemd
//! does, which with most changes it will not.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use sdlite_test_support as support;

#[test]
fn answers_are_those_of_libsystemd() {
    let comparison = env::var_os("SDLITE_COMPARISON").expect("SDLITE_COMPARISON: the test `compare`, built");
    let target = PathBuf::from(env::var_os("CARGO_TARGET_DIR").expect("CARGO_TARGET_DIR"));
    support::run(support::make(support::source()).arg("library"));
    // Some mutants never return.
    support::run(
        Command::new("timeout")
            .args(["--kill-after=5", "90"])
            .arg(comparison)
            .env("SDLITE_LIBRARY", target.join("release/libsdlite.so"))
            .env("SDLITE_CASES", "20_000"),
    );
}
