//! The C programs in programs/, compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support as support;
use support::{TempDir, compile, compile_with_libsystemd_of, has, run, scratch};

use crate::libraries::Release;

pub struct Programs(TempDir);

impl Programs {
    pub fn new() -> Self {
        Self(scratch())
    }

    /// Compiles a program that is static, so that whoever starts it is measured, and not the dynamic linker.
    pub fn r#static(&self, name: &str) -> PathBuf {
        self.link(name, "musl-gcc", &["-static"], None)
    }

    /// The same, with the library in an archive.
    pub fn with_archive(&self, name: &str, compiler: &str, archive: &Path) -> PathBuf {
        self.link(name, compiler, &["-static", "-Wl,--gc-sections"], Some(archive))
    }

    /// A program that calls none of the library's functions.
    pub fn alone(&self, name: &str, compiler: &str, flags: &[&str]) -> PathBuf {
        self.link(name, compiler, &[flags, &["-DNOBODY"]].concat(), None)
    }

    /// With the system's C library, or that in the directory of a release.
    pub fn with_libsdlite(&self, name: &str, directory: Option<&Path>) -> PathBuf {
        let program = self.program(name);
        let mut arguments = vec!["-Os".to_owned(), "-s".to_owned()];
        if let Some(directory) = directory {
            let linker = support::linker(directory);
            arguments.push(format!("-Wl,-rpath,{},--dynamic-linker,{}", directory.display(), linker.display()));
        }
        compile(&source(name), &program, arguments);
        program
    }

    pub fn with_libsystemd(&self, name: &str, release: &Release) -> PathBuf {
        let program = self.program(name);
        compile_with_libsystemd_of(release.directory.as_deref(), &source(name), &program, ["-Os", "-s"]);
        program
    }

    fn link(&self, name: &str, compiler: &str, flags: &[&str], archive: Option<&Path>) -> PathBuf {
        has(compiler, if compiler == "gcc" { "gcc" } else { "musl-tools" });
        let program = self.program(name);
        let mut command = Command::new(compiler);
        command.args(["-Os", "-s", "-o"]).arg(&program).arg("-I").arg(support::source().join("include"));
        run(command.args(flags).arg(source(name)).args(archive));
        program
    }

    /// Where no other program is.
    fn program(&self, name: &str) -> PathBuf {
        let names = (0..).map(|number| self.0.path().join(format!("{name}-{number}")));
        names.into_iter().find(|path| !path.exists()).expect("a number")
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(name).with_extension("c")
}
