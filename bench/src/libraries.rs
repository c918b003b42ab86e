//! The libraries that are compared, and programs that are run with them.

use std::path::PathBuf;
use std::process::Command;

use sdlite_test_support as support;
use support::run;

/// A release of libsystemd.
pub struct Release {
    /// As `libsystemd 252`.
    pub name: String,
    pub library: PathBuf,
    /// The directory with the C library that belongs to it, where that is not the system's.
    pub directory: Option<PathBuf>,
}

/// What is installed; and where SDLITE_LIBSYSTEMD names a directory, what is in there.
pub fn releases() -> Vec<Release> {
    [None].into_iter().chain(support::reference().map(Some)).map(Release::new).collect()
}

impl Release {
    fn new(directory: Option<PathBuf>) -> Self {
        let library = support::libsystemd_of(directory.as_deref()).canonicalize().expect("libsystemd.so.0");
        // The release in which it got its newest functions, which all have brought some.
        let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&library)).stdout;
        let symbols = String::from_utf8_lossy(&symbols);
        let nodes =
            symbols.lines().filter_map(|line| line.split_once(" A LIBSYSTEMD_")?.1.split('@').next()?.parse().ok());
        let newest: u32 = nodes.max().expect("version nodes");
        Self { name: format!("libsystemd {newest}"), library, directory }
    }

    /// The dynamic linker to run programs with it, and its arguments before the program; none where it is the system's.
    pub fn linker(&self) -> Vec<PathBuf> {
        let Some(directory) = &self.directory else { return Vec::new() };
        vec![support::linker(directory), "--library-path".into(), directory.clone()]
    }

    /// The static library, which Debian has in newer releases' libsystemd-dev, where it is in the directory too.
    pub fn archive(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.join("libsystemd.a")).filter(|archive| archive.exists())
    }
}
