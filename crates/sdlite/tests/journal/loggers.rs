//! What the journal gets from the logger, also beside systemd-journal-logger and tracing-journald.

use std::error::Error;
use std::io;

use log::{Level, LevelFilter, Log, Record};
use sdlite::{JournalLogger, Priority, PriorityMappings};
use systemd_journal_logger::JournalLog;
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use super::{Journal, with_run};

/// The fields of the entry that has come, each as its name, `=` and its value.
fn entry(journal: &Journal) -> Vec<String> {
    let datagram = journal.datagram();
    let mut rest = &*datagram;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let line = rest.iter().position(|byte| *byte == b'\n').expect("a line end");
        let (text, after) = (&rest[..line], &rest[line + 1..]);
        let field = if text.contains(&b'=') {
            rest = after;
            text.to_vec()
        } else {
            let (length, after) = after.split_first_chunk().expect("a length");
            let (value, after) = after.split_at(usize::try_from(u64::from_le_bytes(*length)).expect("a size"));
            rest = after.strip_prefix(b"\n").expect("a line end");
            [text, b"=", value].concat()
        };
        fields.push(String::from_utf8_lossy(&field).into_owned());
    }
    fields
}

#[test]
fn what_is_logged_becomes_entries() {
    with_run("loggers::inner_log");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_log() {
    // Where there is no journal nothing happens.
    let logger =
        JournalLogger::new().with_syslog_identifier("me").with_field("version", "1").with_field("RAW", b"\xff\n");
    logger.clone().install(LevelFilter::Debug).expect("there is no logger yet");
    assert!(logger.install(LevelFilter::Trace).is_err());
    log::info!("Nobody hears this.");

    let journal = Journal::new();
    for (level, priority) in [(Level::Error, 3), (Level::Warn, 4), (Level::Info, 5), (Level::Debug, 6)] {
        let line = line!() + 1;
        log::log!(target: "a target", level, user = "u", n:? = Some(1); "Port {}", 8080);
        let own = ["VERSION=1", "RAW=\u{fffd}\n", "SYSLOG_IDENTIFIER=me"].map(str::to_owned);
        let place =
            [format!("CODE_FILE={}", file!()), format!("CODE_LINE={line}"), "CODE_MODULE=journal::loggers".into()];
        let (message, priority) = ("MESSAGE=Port 8080".into(), format!("PRIORITY={priority}"));
        let fields = [message, priority, "TARGET=a target".into(), "USER=u".into(), "N=Some(1)".into()];
        assert_eq!(entry(&journal), [&fields[..], &place, &own].concat());
    }
    log::trace!("Not wanted");
    assert!(journal.is_empty());
    log::set_max_level(LevelFilter::Trace);
    log::trace!("Wanted");
    assert_eq!(entry(&journal)[..2], ["MESSAGE=Wanted", "PRIORITY=7"]);
}

#[test]
fn events_become_entries_with_the_fields_of_their_spans() {
    with_run("loggers::inner_tracing");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_tracing() {
    let journal = Journal::new();
    // Two layers, as somebody may have who filters twice.
    let layers = Registry::default().with(JournalLogger::new()).with(JournalLogger::new().with_field_prefix("app."));
    let _guard = tracing::subscriber::set_default(layers);
    let outer = tracing::info_span!("outer", client = "a", later = Empty).entered();
    let inner = tracing::info_span!("inner", n = 1).entered();
    outer.record("later", 1);
    outer.record("later", 2);
    let line = line!() + 1;
    tracing::event!(target: "a target", tracing::Level::INFO, http.status = 404, _own = ?Some(1), "Port {}", 8080);
    let fields = |prefix, own| {
        let place = format!("CODE_FILE={}\nCODE_LINE={}\nCODE_MODULE=journal::loggers", file!(), line);
        let spans = format!("SPAN_NAME=outer\n{prefix}CLIENT=a\n{prefix}LATER=2\nSPAN_NAME=inner\n{prefix}N=1");
        format!(
            "MESSAGE=Port 8080\nPRIORITY=5\nTARGET=a target\n{spans}\n{prefix}HTTP_STATUS=404\n{own}=Some(1)\n{place}\n"
        )
    };
    for expected in [fields("", "F__OWN"), fields("APP_", "APP__OWN")] {
        let fields = entry(&journal).join("\n");
        assert_eq!(fields.split_once("SYSLOG_IDENTIFIER=journal").map(|(fields, _)| fields), Some(&*expected));
    }
    drop((inner, outer));
    for (expected, send) in [
        ("PRIORITY=3", (|| tracing::error!("x")) as fn()),
        ("PRIORITY=4", || tracing::warn!("x")),
        ("PRIORITY=6", || tracing::debug!("x")),
        ("PRIORITY=7", || tracing::trace!("x")),
    ] {
        send();
        for fields in [entry(&journal), entry(&journal)] {
            assert_eq!(fields[..3], ["MESSAGE=x", expected, "TARGET=journal::loggers"]);
            assert!(!fields.iter().any(|field| field.starts_with("SPAN")), "{fields:?}");
        }
    }
}

/// The fields of one of two entries, `-` in front, and of the other, `+` in front, without those that both have.
fn differences(theirs: Vec<String>, mut ours: Vec<String>) -> Vec<String> {
    let mut differences = Vec::new();
    for field in theirs {
        match ours.iter().position(|own| *own == field) {
            Some(at) => drop(ours.remove(at)),
            None => differences.push(format!("-{field}")),
        }
    }
    differences.extend(ours.iter().map(|field| format!("+{field}")));
    differences
}

#[test]
fn records_give_the_same_fields_as_with_systemd_journal_logger() {
    with_run("loggers::inner_log_compared");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_log_compared() {
    let journal = Journal::new();
    let theirs = JournalLog::new().expect("a journal");
    let ours = JournalLogger::new();
    let compare = |theirs: &JournalLog, ours: &JournalLogger, level, keys: &[(&str, &str)]| {
        let send = |logger: &dyn Log| {
            let mut record = Record::builder();
            record.level(level).target("a target").file(Some("f.rs")).line(Some(7)).module_path(Some("a::module"));
            logger.log(&record.args(format_args!(" two\nlines\n")).key_values(&keys).build());
            entry(&journal)
        };
        let mut found = differences(send(theirs), send(ours));
        // journald finds out by itself which process it is.
        assert_eq!(found.remove(0), format!("-SYSLOG_PID={}", std::process::id()));
        found
    };

    for level in Level::iter() {
        assert!(compare(&theirs, &ours, level, &[]).is_empty(), "{level}");
    }
    for (keys, known) in [
        (&[("user", "u"), ("http.status", "a\nb"), ("message_id", "1"), ("x", ""), ("x\u{e9}2", "")][..], &[][..]),
        (&[("a", "1"), ("a", "2")], &[]),
        // What the logger itself says can be relied on.
        (&[("priority", "0"), ("Target", "x")], &["-PRIORITY=0", "-TARGET=x", "+F_PRIORITY=0", "+F_TARGET=x"]),
        (&[("_pid", "7"), ("1st", "x")], &["-ESCAPED__PID=7", "-ESCAPED_1ST=x", "+F__PID=7", "+F_1ST=x"]),
        (&[("", "x")], &["-EMPTY=x", "+F_=x"]),
    ] {
        let known: Vec<_> = known.iter().map(|field| (*field).to_owned()).collect();
        assert_eq!(compare(&theirs, &ours, Level::Info, keys), known, "{keys:?}");
    }

    let theirs =
        theirs.add_extra_field("VERSION", "1").add_extra_field("two words", "\n").with_syslog_identifier("me".into());
    let ours = ours.with_field("VERSION", "1").with_field("two words", "\n").with_syslog_identifier("me");
    assert!(compare(&theirs, &ours, Level::Info, &[("user", "u")]).is_empty());
}

#[test]
fn events_give_the_same_fields_as_with_tracing_journald() {
    with_run("loggers::inner_tracing_compared");
}

#[test]
#[ignore = "run by the test above, with a /run of its own"]
fn inner_tracing_compared() {
    let journal = Journal::new();
    let theirs = || tracing_journald::Layer::new().expect("a journal");
    // Their prefix is without the underscore, and this one is the default.
    let ours = || JournalLogger::new().with_field_prefix("F_");
    let compare = |theirs, ours, event: fn(), known: &[&str]| {
        let send = |layer: Box<dyn Layer<Registry> + Send + Sync>| {
            tracing::subscriber::with_default(Registry::default().with(layer), event);
            entry(&journal)
        };
        // The module is what this logger says alone.
        let mut known: Vec<_> = known.iter().copied().chain(["+CODE_MODULE=journal::loggers"]).collect();
        known.sort();
        let mut found = differences(send(theirs), send(ours));
        found.sort();
        assert_eq!(found, known);
    };
    let same = |event, known: &[&str]| compare(Box::new(theirs()), Box::new(ours()), event, known);

    same(|| tracing::error!("x"), &[]);
    same(|| tracing::warn!("x"), &[]);
    same(|| tracing::info!(" two\nlines\n"), &[]);
    same(|| tracing::debug!("x"), &[]);
    same(|| tracing::trace!("x"), &[]);
    same(|| tracing::info!(user = "u", http.status = 404, yes = true, x = 2.5, some = ?Some(1), "x"), &[]);
    same(|| tracing::info!(error = &io::Error::from_raw_os_error(2) as &dyn Error, message = "x"), &[]);
    same(|| tracing::info!(priority = 0, Message = "y", "x"), &[]);
    // A message that is one of two.
    same(|| tracing::info!(message = "y", "x"), &["-MESSAGE=y", "+F_MESSAGE=y"]);
    same(|| tracing::info!(user = "u"), &["+MESSAGE="]);
    same(|| tracing::info!(_pid = 7, "x"), &["-F_PID=7", "+F__PID=7"]);
    same(|| tracing::info!(raw = &b"\xff"[..], "x"), &["-F_RAW=[ff]", "+F_RAW=\u{fffd}"]);

    let spans = || {
        let outer = tracing::info_span!("outer", client = "a", later = Empty).entered();
        let _inner = tracing::info_span!("inner", client = "b", message = "y").entered();
        outer.record("later", 1);
        outer.record("later", 2);
        tracing::info!("x");
    };
    let file = format!("-SPAN_CODE_FILE={}", file!());
    let lines = [line!() - 7, line!() - 6].map(|line| format!("-SPAN_CODE_LINE={line}"));
    let places = [&file, &lines[0], "-SPAN_TARGET=journal::loggers", &file, &lines[1], "-SPAN_TARGET=journal::loggers"];
    same(spans, &[&["-F_LATER=1"], &places[..]].concat());

    let mappings = PriorityMappings { info: Priority::Alert, ..PriorityMappings::default() };
    let their_mappings =
        tracing_journald::PriorityMappings { info: tracing_journald::Priority::Alert, ..Default::default() };
    compare(
        Box::new(
            theirs()
                .with_field_prefix(None)
                .with_custom_fields([("SYSLOG_FACILITY", "17"), ("two words", "\n")])
                .with_syslog_identifier("me".into())
                .with_priority_mappings(their_mappings),
        ),
        Box::new(
            JournalLogger::new()
                .with_field("SYSLOG_FACILITY", "17")
                .with_field("two words", "\n")
                .with_syslog_identifier("me")
                .with_priority_mappings(mappings),
        ),
        || tracing::info!(user = "u", target = "y", "x"),
        &["-TARGET=y", "+F_TARGET=y", "-TWOWORDS=\n", "+TWO_WORDS=\n"],
    );
}
