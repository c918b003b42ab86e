//! The library with a sanitizer in it, for C programs that have it too: where SDLITE_SANITIZER says `address` or `thread`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use crate::{builds, left_out, make, run, source, text};

/// What SDLITE_SANITIZER says. Without one where what it takes is left out.
pub fn sanitizer() -> Option<&'static Sanitizer> {
    static SANITIZER: OnceLock<Option<Sanitizer>> = OnceLock::new();
    SANITIZER.get_or_init(|| Sanitizer::new(&env::var("SDLITE_SANITIZER").ok()?)).as_ref()
}

/// A build of the library.
pub struct Sanitizer {
    /// What the C compiler is told.
    pub compile: &'static [&'static str],
    /// What the program is linked with.
    pub link: Vec<String>,
    /// Where the library is, under its soname.
    pub directory: PathBuf,
}

impl Sanitizer {
    fn new(name: &str) -> Option<Self> {
        let (compile, rust_flags, link): (&[_], _, _) = match name {
            "address" => {
                let flags: &[_] = &["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
                (flags, "-Zsanitizer=address", flags.iter().map(|flag| String::from(*flag)).collect())
            }
            "thread" => {
                (&["-g", "-fsanitize=thread"], "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer", runtime()?)
            }
            other => panic!("SDLITE_SANITIZER is address or thread, not {other}"),
        };
        let target = builds().join("sanitized");
        let host = host();
        run(make(source())
            // There may be one with the other sanitizer: cargo knows.
            .args(["--always-make", "library"])
            .env("CARGO_TARGET_DIR", &target)
            // Where it is named, cargo leaves build scripts as they are.
            .env("CARGO_BUILD_TARGET", &host)
            // The compiler of the day has the sanitizers, though it does not promise to keep their flags.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", rust_flags)
            .env("CFLAGS", compile.join(" "))
            // The program has the sanitizer's functions.
            .env("LDFLAGS", "-Wl,-z,undefs"));
        let directory = target.join(name);
        fs::create_dir_all(&directory).expect("a directory");
        // Under another name first: tests run at the same time.
        let copy = directory.join(std::process::id().to_string());
        fs::copy(target.join(host).join("release/libsdlite.so"), &copy).expect("a copy");
        fs::rename(&copy, directory.join("libsdlite.so.0")).expect("its name");
        Some(Self { compile, link, directory })
    }
}

/// The compiler's own machine, as rustc calls it.
fn host() -> String {
    let version = text(&run(Command::new("rustc").arg("-vV")));
    version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

/// The runtime that belongs to what rustc puts into a library for the thread sanitizer: gcc's own may be older.
fn runtime() -> Option<Vec<String>> {
    let directory = text(&run(Command::new("rustc").args(["--print", "target-libdir"])));
    let files = fs::read_dir(Path::new(directory.trim())).expect("rustc's libraries").flatten();
    let runtime = files.map(|file| file.path()).find(|path| path.to_string_lossy().ends_with("_rt.tsan.a"));
    let Some(runtime) = runtime else {
        left_out("the thread sanitizer's runtime, librustc-stable_rt.tsan.a, which a toolchain of rustup has");
        return None;
    };
    let whole = format!("-Wl,--whole-archive,{},--no-whole-archive", runtime.display());
    Some([&whole, "-Wl,--export-dynamic", "-pthread", "-ldl", "-lm", "-lrt", "-lresolv"].map(String::from).into())
}
