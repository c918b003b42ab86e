//! The linkers that compilers can be told to use.

use crate::has;

/// A linker, and the package that it is in.
pub struct Linker {
    /// As `ld.NAME` has it.
    pub name: &'static str,
    package: &'static str,
    /// musl-gcc -static names a dynamic linker even so, which some put into the program: it would crash.
    musl: Option<&'static str>,
}

const LINKERS: [Linker; 4] = [
    Linker { name: "bfd", package: "binutils", musl: None },
    Linker { name: "gold", package: "binutils", musl: None },
    Linker { name: "lld", package: "lld", musl: Some("-Wl,--no-dynamic-linker") },
    Linker { name: "mold", package: "mold", musl: Some("-Wl,--no-dynamic-linker") },
];

impl Linker {
    /// What a compiler is told.
    pub fn option(&self) -> String {
        format!("-fuse-ld={}", self.name)
    }

    /// What else this compiler has to be told for a static program.
    pub fn with(&self, compiler: &str) -> Option<&'static str> {
        self.musl.filter(|_| compiler == "musl-gcc")
    }
}

/// Those that are here.
pub fn linkers() -> impl Iterator<Item = &'static Linker> {
    LINKERS.iter().filter(|linker| has(&format!("ld.{}", linker.name), linker.package))
}
