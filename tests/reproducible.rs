//! Whoever builds it gets the same bytes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sdlite_test_support as support;

/// Where cargo and rustup keep what is theirs.
fn home(variable: &str, directory: &str) -> PathBuf {
    let default = || Path::new(&env::var_os("HOME").expect("a home")).join(directory);
    env::var_os(variable).map_or_else(default, PathBuf::from)
}

#[test]
fn another_directory_home_time_umask_and_locale_give_the_same_bytes() {
    let cargo_home = home("CARGO_HOME", ".cargo");
    let scratch = support::scratch();
    let elsewhere = scratch.path().join("a-directory-whose-path-is-quite-a-bit-longer/sdlite");
    let its_home = scratch.path().join("home");
    let its_cargo_home = its_home.join("cargo");
    fs::create_dir_all(&elsewhere).expect("a directory");
    fs::create_dir_all(&its_cargo_home).expect("a home");
    // The same crates by other paths, and nothing downloaded.
    for name in ["registry", "config.toml"].iter().filter(|name| cargo_home.join(name).exists()) {
        std::os::unix::fs::symlink(cargo_home.join(name), its_cargo_home.join(name)).expect("a link");
    }
    // sd-activate names the sources of its crates, where one of them would panic, by their places in the home of cargo.
    let remap = format!("--remap-path-prefix={}={}", its_cargo_home.display(), cargo_home.display());
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    let script = "umask 027 && tar -c -C \"$0\" --exclude=./target --exclude=./.git . | tar -x --no-same-permissions -m && exec \"$@\"";
    support::run(
        Command::new("sh")
            .args(["-c", script])
            .arg(support::source())
            .args(["make", "--silent", "CARGOFLAGS=--offline --locked --quiet"])
            .current_dir(&elsewhere)
            .env_remove("CARGO_TARGET_DIR")
            .env("RUSTUP_HOME", home("RUSTUP_HOME", ".rustup"))
            .env("HOME", &its_home)
            .env("CARGO_HOME", &its_cargo_home)
            .env("RUSTFLAGS", format!("{flags} {remap}"))
            .envs([("LC_ALL", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati")]),
    );

    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for name in ["libsdlite.so", "libsdlite.a", "sd-activate"] {
        let (here, there) = (support::release().join(name), elsewhere.join("target/release").join(name));
        let (bytes, others) = (read(&here), read(&there));
        if bytes != others {
            let kept = scratch.keep();
            panic!(
                "{name} has other bytes where it was built elsewhere: compare it with what is below {}",
                kept.display()
            );
        }
        // The library names nobody's home, remapped or not.
        for place in [support::source(), &cargo_home] {
            let directory = place.as_os_str().as_encoded_bytes();
            let found = bytes.windows(directory.len()).any(|bytes| bytes == directory);
            let may_be = name == "sd-activate" && place == cargo_home;
            assert!(!found || may_be, "{name} has {} in it", place.display());
        }
    }
    for name in support::api::headers() {
        let path = Path::new("include/systemd").join(&name);
        assert!(
            read(&support::source().join(&path)) == read(&elsewhere.join(&path)),
            "{name} has other bytes elsewhere"
        );
    }
}
