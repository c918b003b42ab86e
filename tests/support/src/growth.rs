//! What a static program grows by that uses some of the library.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{run, scratch, source, text};

/// The functions that ask about descriptors.
pub const LISTEN: &[&str] = &[
    "sd_listen_fds",
    "sd_listen_fds_with_names",
    "sd_is_fifo",
    "sd_is_special",
    "sd_is_socket",
    "sd_is_socket_inet",
    "sd_is_socket_sockaddr",
    "sd_is_socket_unix",
    "sd_is_mq",
];

/// The one that most daemons notify by.
pub const NOTIFY: &[&str] = &["sd_notify"];

/// The one by which an application tells machines apart.
pub const MACHINE: &[&str] = &["sd_id128_get_machine_app_specific"];

/// What some functions add to a static program, in bytes.
pub struct Growth {
    /// The library's code and data.
    pub library: u64,
    /// The library's unwind tables.
    pub tables: u64,
    /// With what the C library adds for it, where the program needs none of that itself.
    pub total: u64,
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { library, tables, total } = self;
        write!(f, "{library} bytes, {tables} of unwind tables; {total} with these and what is needed of the C library")
    }
}

/// What `functions` add to a program that `compiler` links; with `collected`, without what nobody calls.
pub fn growth(compiler: &str, archive: &Path, functions: &[&str], collected: bool) -> Growth {
    let directory = scratch();
    let map = directory.path().join("map");
    let functions: String = functions.iter().map(|name| format!(" f({name})")).collect();
    let program = |name: &str, arguments: &[&str]| {
        let program = directory.path().join(name);
        run(Command::new(compiler)
            .args(["-Os", "-static", "-I"])
            .arg(source().join("include"))
            .arg(format!("-DFUNCTIONS(f)={functions}"))
            .args(arguments)
            .args(collected.then_some("-Wl,--gc-sections"))
            .arg("-o")
            .arg(&program)
            .arg(source().join("tests/programs/growth.c"))
            .arg(archive)
            .arg(format!("-Wl,-Map={}", map.display())));
        // `text data bss dec hex filename`, and the numbers.
        let sizes = text(&run(Command::new("size").arg(&program)));
        let numbers = sizes.lines().nth(1).expect("a line of numbers").split_ascii_whitespace();
        numbers.take(3).map(|number| number.parse::<u64>().expect("a number")).sum::<u64>()
    };
    let without = program("without", &["-DSTUBS"]);
    assert_eq!(library_part(&map, archive), (0, 0));
    let with = program("with", &[]);
    let (library, tables) = library_part(&map, archive);
    Growth { library, tables, total: with - without }
}

/// How much in a program comes from the archive, by the linker's map: code and data, and unwind tables.
fn library_part(map: &Path, archive: &Path) -> (u64, u64) {
    let map = fs::read_to_string(map).expect("the linker's map");
    let (_, map) = map.split_once("Linker script and memory map").expect("a map of GNU ld");
    // ` .text.sd_is_fifo  0x0000000000401136  0x1b  …/libsdlite.a(….o)`, the name at times on a line of its own. What is not
    // loaded has the address 0, or is for debuggers, or is the name of the compiler.
    let member = format!("{}(", archive.file_name().unwrap_or_default().to_string_lossy());
    let (mut code_and_data, mut tables) = (0, 0);
    let mut section = "";
    for line in map.lines() {
        if let Some(name) = line.strip_prefix(" .") {
            section = name.split(' ').next().unwrap_or_default();
        }
        let Some((sizes, _)) = line.split_once(&member) else { continue };
        let numbers = sizes.split_ascii_whitespace().filter_map(|word| word.strip_prefix("0x"));
        let numbers: Vec<_> = numbers.filter_map(|number| u64::from_str_radix(number, 16).ok()).collect();
        let [(1..), size, ..] = *numbers else { continue };
        match section {
            "eh_frame" => tables += size,
            section if section.starts_with("debug") || section == "comment" => {}
            _ => code_and_data += size,
        }
    }
    (code_and_data, tables)
}
