//! The C programs in programs/, compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support::{TempDir, has, run, scratch};

pub struct Programs(TempDir);

impl Programs {
    pub fn new() -> Self {
        Self(scratch())
    }

    /// Compiles a program that is static, so that whoever starts it is measured, and not the dynamic linker.
    pub fn r#static(&self, name: &str) -> PathBuf {
        has("musl-gcc", "musl-tools");
        let program = self.0.path().join(name);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(name).with_extension("c");
        run(Command::new("musl-gcc").args(["-Os", "-static", "-s", "-o"]).arg(&program).arg(source));
        program
    }
}
