//! Files whose size, inode number or time has more than 32 bits, which is nothing special where a word has 64.

use std::fs;

use sdlite_test_support as support;
use support::{scratch, source, text};

/// Has an overlay of two file systems, and inode numbers that say in their highest bits which, where the program runs.
const OVERLAY: &str = r#"
    mkdir near far both && mount -t tmpfs tmpfs near && mount -t tmpfs tmpfs far && mkdir near/upper near/work || exit 3
    for i in $(seq 0 63); do : >"far/f$i"; done
    mount -t overlay -o lowerdir=far,upperdir=near/upper,workdir=near/work,xino=on overlay both || exit 3
    cd both && exec "$0"
"#;

const ANSWERS: &str = r#"sd_is_special(file, "file"): 1
sd_is_special(file, "file"): 1
sd_is_fifo(file, NULL): 0
sd_is_socket(file, 0, 0, -1): 0
sd_is_socket(file, 0, SOCK_STREAM, -1): 0
sd_is_mq(file, NULL): 0
sd_is_fifo(fifo, "fifo"): 1
sd_is_fifo(fifo, "file"): 0
sd_is_socket(unix_socket, 0, 0, -1): 1
sd_is_socket_unix(unix_socket, SOCK_STREAM, 0, "socket", 0): 1
sd_is_socket(opened("socket", O_PATH), 0, 0, -1): 1
sd_is_special(file, "socket"): 0
sd_is_special(near, "near"): 1
sd_is_special(far, twin): 1
sd_is_special(near, twin): 0
sd_is_special(far, "near"): 0
sd_booted(): 1
"#;

#[test]
fn a_file_is_known_whatever_its_size_its_inode_number_and_its_time() {
    let directory = scratch();
    let program = |name: &str| directory.path().join(name);
    let source = source().join("tests/programs/files.c");
    support::compile(&source, &program("ours"), ["-Wall", "-Wextra", "-Werror"]);
    // Debian's libsystemd for i386 has times of 32 bits: it fails with EOVERFLOW for what is of 2100.
    let theirs = !cfg!(target_arch = "x86")
        && support::compile_with_libsystemd(&source, &program("theirs"), ["-Wall", "-Wextra", "-Werror"]);
    for name in ["ours", "theirs"].into_iter().take(1 + usize::from(theirs)) {
        let place = scratch();
        fs::create_dir_all(place.path().join("systemd/system")).expect("a directory");
        let Some(mut command) = support::with_run(place.path()) else { return };
        command.args(["sh", "-c", OVERLAY]).arg(program(name)).current_dir(place.path());
        let output = command.output().expect("sh");
        if output.status.code() == Some(3) {
            return support::not_here(&format!("overlayfs with 64-bit inode numbers: {}", text(&output)));
        }
        assert_eq!((text(&output), output.status.success()), (ANSWERS.to_owned(), true), "{name}");
    }
}
