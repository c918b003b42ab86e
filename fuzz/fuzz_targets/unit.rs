//! Unit files: what was read and is written out again is read as the same, and whatever stands in a file becomes a unit, or
//! something is said that keeps it from being started.
//!
//! The input: a line that says whether it is a socket or a service, and the file.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sd_activate::spec::Scope;
use sd_activate::spec::{Kind, UnitName};
use sd_activate::unit::diagnostic::Level;
use sd_activate::unit::load::{Loader, State};
use sd_activate::unit::syntax::{Content, parse};

fuzz_target!(|data: &[u8]| {
    let (name, text) = match data {
        [b's', text @ ..] => ("a-b@x\\x20y.socket", text),
        [_, text @ ..] => ("a-b@x\\x20y.service", text),
        [] => return,
    };
    round_trip(text);

    let name = UnitName::new(name).expect("a valid name");
    let loader = Loader::new(Scope::system(), Vec::new(), []);
    let loaded = loader.load_text(&name, Path::new("/a-b@.unit"), text);
    let good = loaded.diagnostics.iter().all(|said| said.level > Level::Refused);
    assert_eq!(loaded.spec.is_some(), good, "{:?}", loaded.diagnostics);
    assert_eq!(loaded.spec.is_some(), loaded.state == State::Loaded);
    for said in &loaded.diagnostics {
        assert!(!said.to_string().contains("a-b@.unit:0"), "{said}");
    }
    match loaded.spec.as_ref().map(|spec| &spec.kind) {
        None => (),
        Some(Kind::Socket(socket)) => assert!(!socket.listen.is_empty()),
        Some(Kind::Service(service)) => assert!(!service.start.is_empty() || !service.stop.is_empty()),
        Some(Kind::Target) => panic!("neither a socket nor a service"),
    }
});

/// Sections and assignments, each on a line of its own.
fn round_trip(text: &[u8]) {
    let read = |text: &[u8]| -> Vec<Content> {
        let lines = parse(text).into_iter().map(|line| line.content);
        lines.filter(|content| matches!(content, Content::Section(_) | Content::Assignment { .. })).collect()
    };
    let contents = read(text);
    // What looks like a byte order mark is one at the start of a file alone: no line stands there.
    let mut written = String::from("\n");
    for content in &contents {
        match content {
            Content::Section(name) => written += &format!("[{name}]\n"),
            // A value may end in a backslash, which a blank keeps from going on in the next line.
            Content::Assignment { key, value } => written += &format!("{key}={value} \n"),
            Content::Ignored(_) | Content::Invalid(_) => (),
        }
    }
    assert_eq!(read(written.as_bytes()), contents, "{}", written.escape_debug());
}
