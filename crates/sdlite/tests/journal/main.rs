//! What the journal gets. It is sockets of the same process, which has a /run of its own.

#[path = "../common/mod.rs"]
mod common;
#[cfg(all(feature = "log", feature = "tracing"))]
mod loggers;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::Command;

use sdlite::{
    Entry, EntryError, Error, Location, Priority, connected_to_journal, journal_print, journal_stream_fd,
    journal_stream_fd_with_namespace,
};
use sdlite_test_support as support;

/// Runs a test with an empty /run.
fn with_run(test: &str) {
    let directory = support::scratch();
    if let Some(command) = support::with_run(directory.path()) {
        common::run_test(command, test);
    }
}

/// Where journald listens.
struct Journal(UnixDatagram);

impl Journal {
    fn new() -> Self {
        fs::create_dir_all("/run/systemd/journal").expect("/run is this test's own");
        let journal = UnixDatagram::bind("/run/systemd/journal/socket").expect("a new path");
        journal.set_nonblocking(true).expect("a socket");
        Self(journal)
    }

    /// The entry that has come.
    fn datagram(&self) -> Vec<u8> {
        let mut buffer = vec![0; 4096];
        loop {
            let length = self.0.recv(&mut buffer).expect("an entry");
            // Some loggers ask in this way whether there is a journal.
            if length != 0 {
                buffer.truncate(length);
                return buffer;
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.recv(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// The entry that has come, without what every entry of this program has at its end.
fn received(journal: &Journal) -> String {
    let entry = String::from_utf8_lossy(&journal.datagram()).into_owned();
    let (entry, identifier) = entry.rsplit_once("SYSLOG_IDENTIFIER=").expect("the name of the program");
    assert!(identifier.starts_with("journal"), "{identifier}");
    entry.to_owned()
}

#[test]
fn an_entry_has_its_fields_in_order() {
    with_run("inner_entry");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_entry() {
    let entry = Entry::new(Priority::Warning, format_args!("{} is nearly full", "/"));
    // Where there is no journal nothing happens.
    assert_eq!(entry.send(), Ok(()));

    let journal = Journal::new();
    assert_eq!(entry.send(), Ok(()));
    assert_eq!(received(&journal), "MESSAGE=/ is nearly full\nPRIORITY=4\n");

    let entry = entry.field("DISK", "sda").field("DISK", String::from("sdb")).field("RAW_2", b"\n=");
    let entry = entry.location(Location { file: "f.rs", line: 7, function: "f" });
    assert_eq!(entry.send(), Ok(()));
    let own = "DISK=sda\nDISK=sdb\nRAW_2\n\x02\0\0\0\0\0\0\0\n=\nCODE_FILE=f.rs\nCODE_LINE=7\nCODE_FUNC=f\n";
    assert_eq!(received(&journal), format!("MESSAGE=/ is nearly full\nPRIORITY=4\n{own}"));

    journal_print!(Priority::Notice, "Port {}", 8080);
    let text = received(&journal);
    assert!(text.starts_with("MESSAGE=Port 8080\nPRIORITY=5\nCODE_FILE="), "{text}");
}

#[test]
fn a_field_with_an_invalid_name_is_an_error_and_nothing_is_sent() {
    with_run("inner_names");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_names() {
    let journal = Journal::new();
    let long = "X".repeat(65);
    for name in ["", "_PID", "1ST", "lower", "WITH SPACE", "A=B", "A\nMESSAGE=x", "\u{c9}TAT", &long] {
        let entry = Entry::new(Priority::Info, "x").field(name, "1").field("RIGHT", "1").field("also wrong", "1");
        let error = entry.send().expect_err("a name that is none");
        assert_eq!(error, EntryError::FieldName(name.to_owned()));
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        assert_eq!(io::Error::from(error).kind(), ErrorKind::InvalidInput);
        assert!(journal.is_empty(), "{name:?}");
    }
    for name in ["A", "A_1", &long[1..]] {
        assert_eq!(Entry::new(Priority::Info, "x").field(name, "1").send(), Ok(()));
        assert_eq!(received(&journal), format!("MESSAGE=x\nPRIORITY=6\n{name}=1\n"));
    }
    let many = (0..600).fold(Entry::new(Priority::Info, "x"), |entry, _| entry.field("A", "1"));
    let error = io::Error::from(many.send().expect_err("too many fields"));
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn a_stream_says_what_its_lines_are() {
    with_run("inner_stream");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_stream() {
    let errno = |result: sdlite::Result<_>| result.map(|_| ()).map_err(Error::errno);
    assert_eq!(errno(journal_stream_fd("helper", Priority::Info, true)), Err(libc::ENOENT));
    for (directory, namespace) in [("journal", None), ("journal.space", Some("space"))] {
        let directory = format!("/run/systemd/{directory}");
        fs::create_dir_all(&directory).expect("/run is this test's own");
        let journal = UnixListener::bind(format!("{directory}/stdout")).expect("a new path");
        let stream = match namespace {
            None => journal_stream_fd("helper", Priority::Info, true),
            Some(namespace) => journal_stream_fd_with_namespace(namespace, "helper", Priority::Info, true),
        };
        let mut stream = File::from(stream.expect("a stream"));
        writeln!(stream, "<3>Help!").expect("a journal that listens");
        drop(stream);
        let mut text = String::new();
        journal.accept().expect("a connection").0.read_to_string(&mut text).expect("a text");
        assert_eq!(text, "helper\n\n6\n1\n0\n0\n0\n<3>Help!\n");
    }
    assert_eq!(errno(journal_stream_fd("two\nlines", Priority::Info, true)), Err(libc::EINVAL));
    for namespace in ["", "..", "a/b", "a\0b"] {
        let stream = journal_stream_fd_with_namespace(namespace, "helper", Priority::Info, true);
        assert_eq!(errno(stream), Err(libc::EINVAL), "{namespace:?}");
    }
}

#[test]
fn the_journal_is_found_behind_either_output() {
    for (test, variable) in [
        ("inner_connected", "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)"),
        ("inner_connected", "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/3)"),
        ("inner_not_connected", "export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/null)"),
        ("inner_not_connected", "export JOURNAL_STREAM="),
        ("inner_not_connected", "unset JOURNAL_STREAM"),
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 3>&1; {variable}; exec \"$0\" \"$@\"")]);
        common::run_test(command, test);
    }
}

#[test]
#[ignore = "run by the test above, with a variable"]
fn inner_connected() {
    assert!(connected_to_journal());
}

#[test]
#[ignore = "run by the test above, with a variable"]
fn inner_not_connected() {
    assert!(!connected_to_journal());
}
