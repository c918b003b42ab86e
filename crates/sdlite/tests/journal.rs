//! What the journal gets. It is sockets of the same process, which has a /run of its own.

mod common;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixListener};

use sdlite::{
    Entry, EntryError, Error, Location, Priority, journal_print, journal_stream_fd, journal_stream_fd_with_namespace,
};
use sdlite_test_support as support;

/// Runs a test with an empty /run.
fn with_run(test: &str) {
    let folder = support::scratch();
    if let Some(command) = support::with_run(folder.path()) {
        common::run_test(command, test);
    }
}

fn journal() -> UnixDatagram {
    fs::create_dir_all("/run/systemd/journal").expect("/run is this test's own");
    let journal = UnixDatagram::bind("/run/systemd/journal/socket").expect("a new path");
    journal.set_nonblocking(true).expect("a socket");
    journal
}

/// The entry that has come, without what every entry of this program has at its end.
fn received(journal: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = journal.recv(&mut buffer).expect("an entry");
    let entry = String::from_utf8_lossy(&buffer[..length]).into_owned();
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

    let journal = journal();
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
fn what_is_no_name_of_a_field_is_an_error_and_nothing_is_sent() {
    with_run("inner_names");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_names() {
    let journal = journal();
    let long = "X".repeat(65);
    for name in ["", "_PID", "1ST", "lower", "WITH SPACE", "A=B", "A\nMESSAGE=x", "\u{c9}TAT", &long] {
        let entry = Entry::new(Priority::Info, "x").field(name, "1").field("RIGHT", "1").field("also wrong", "1");
        let error = entry.send().expect_err("a name that is none");
        assert_eq!(error, EntryError::FieldName(name.to_owned()));
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        assert_eq!(journal.recv(&mut [0]).expect_err("nothing").kind(), io::ErrorKind::WouldBlock, "{name:?}");
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
    for (folder, namespace) in [("journal", None), ("journal.space", Some("space"))] {
        let folder = format!("/run/systemd/{folder}");
        fs::create_dir_all(&folder).expect("/run is this test's own");
        let journal = UnixListener::bind(format!("{folder}/stdout")).expect("a new path");
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

#[cfg(feature = "log")]
#[test]
fn what_is_logged_becomes_entries() {
    with_run("inner_log");
}

#[cfg(feature = "log")]
#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_log() {
    use log::{Level, LevelFilter};

    sdlite::JournalLogger::install(LevelFilter::Debug).expect("there is no logger yet");
    assert!(sdlite::JournalLogger::install(LevelFilter::Trace).is_err());
    let journal = journal();
    let levels = [(Level::Error, 3), (Level::Warn, 4), (Level::Info, 5), (Level::Debug, 6)];
    for (level, priority) in levels {
        log::log!(target: "a target", level, "Port {}", 8080);
        let location = format!("CODE_FILE={}\nCODE_LINE={}\nCODE_FUNC={}\n", file!(), line!() - 1, module_path!());
        assert_eq!(received(&journal), format!("MESSAGE=Port 8080\nPRIORITY={priority}\nTARGET=a target\n{location}"));
    }
    log::trace!("Not wanted");
    assert_eq!(journal.recv(&mut [0]).expect_err("nothing").kind(), io::ErrorKind::WouldBlock);
    log::set_max_level(LevelFilter::Trace);
    log::trace!("Wanted");
    assert!(received(&journal).starts_with("MESSAGE=Wanted\nPRIORITY=7\n"));
}

#[cfg(feature = "tracing")]
#[test]
fn events_become_entries_with_the_fields_of_their_spans() {
    with_run("inner_tracing");
}

#[cfg(feature = "tracing")]
#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_tracing() {
    use tracing::{Level, event};
    use tracing_subscriber::layer::SubscriberExt;

    let journal = journal();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(sdlite::JournalLayer));
    let outer = tracing::info_span!("outer", client = "a", later = tracing::field::Empty).entered();
    let inner = tracing::info_span!("inner", n = 1).entered();
    outer.record("later", true);
    event!(target: "a target", Level::INFO, http.status = 404, _own = ?Some(1), "Port {}", 8080);
    let location = format!("CODE_FILE={}\nCODE_LINE={}\nCODE_FUNC={}\n", file!(), line!() - 1, module_path!());
    let spans = "SPAN=outer\nCLIENT=a\nLATER=true\nSPAN=inner\nN=1\n";
    assert_eq!(
        received(&journal),
        format!("MESSAGE=Port 8080\nPRIORITY=5\nTARGET=a target\n{spans}HTTP_STATUS=404\nOWN=Some(1)\n{location}")
    );
    drop((inner, outer));
    for (expected, send) in [
        (3, (|| tracing::error!("x")) as fn()),
        (4, || tracing::warn!("x")),
        (6, || tracing::debug!("x")),
        (7, || tracing::trace!("x")),
    ] {
        send();
        let entry = received(&journal);
        assert!(entry.starts_with(&format!("MESSAGE=x\nPRIORITY={expected}\n")) && !entry.contains("SPAN"), "{entry}");
    }
    tracing::info!(text = "no message");
    assert!(received(&journal).starts_with("MESSAGE=\nPRIORITY=5\n"));
}
