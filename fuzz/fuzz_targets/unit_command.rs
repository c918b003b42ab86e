//! Command lines of units: the commands of a line, written out with every argument quoted, are read as the same.
#![no_main]

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sd_activate::spec::Scope;
use sd_activate::spec::{Command, Origin, Privileges, UnitName};
use sd_activate::unit::given::Given;
use sd_activate::unit::specifier::Specifiers;

fuzz_target!(|data: &[u8]| {
    // A zero byte ends a line of a file.
    let Some(line) = std::str::from_utf8(data).ok().filter(|line| !line.contains('\0')) else { return };
    let commands = read(line);
    for command in &commands {
        assert!(!command.arguments.is_empty() && !command.path.as_os_str().is_empty(), "{line:?}");
    }
    // Behind a specifier that stands for nothing, a path may begin as a prefix does: that cannot be written otherwise.
    let is_prefix = |command: &Command| {
        matches!(command.path.as_os_str().as_bytes().first(), Some(b'-' | b':' | b'+' | b'!' | b'@'))
    };
    if commands.iter().any(is_prefix) {
        return;
    }
    let lines: Vec<String> = commands.iter().map(written).collect();
    assert_eq!(read(&lines.join(" ; ")), commands, "{line:?}");
});

fn read(line: &str) -> Vec<Command> {
    let name = UnitName::new("a-b@x\\x20y.service").expect("a valid name");
    let scope = Scope::system();
    let specifiers = Specifiers::new(&name, Some(Path::new("/a-b@.service")), &scope);
    let given = Given::new(line.trim(), Origin::option("line"), &specifiers);
    let mut commands = Vec::new();
    // Those before one that cannot be read stay.
    let _ = given.commands(&mut commands);
    commands
}

fn written(command: &Command) -> String {
    let mut line = String::new();
    for (prefix, set) in [
        ("-", command.ignore_failure),
        (":", !command.expand),
        ("+", command.privileges == Privileges::Full),
        ("!", command.privileges == Privileges::OwnCredentials),
        // It changes nothing, but for that a path may begin with either of these then.
        ("!!", command.privileges == Privileges::Restricted),
    ] {
        if set {
            line += prefix;
        }
    }
    // Last, so that what a path begins with is no part of the others.
    line += "@";
    line += &quoted(command.path.as_os_str().as_bytes());
    for argument in &command.arguments {
        line += " ";
        line += &quoted(argument.as_bytes());
    }
    line
}

/// Every byte escaped, and specifiers kept from being any.
fn quoted(bytes: &[u8]) -> String {
    let escaped = bytes.iter().map(|byte| match byte {
        b'%' => "%%".to_owned(),
        byte => format!("\\x{byte:02x}"),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
