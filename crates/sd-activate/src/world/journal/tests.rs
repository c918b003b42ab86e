use std::fs::File;
use std::io::{Read, Write};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::*;

/// A log without sockets, and what its standard error is read from.
fn journal() -> (Journal, File) {
    let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).expect("a pipe");
    let mut journal = Journal::new(Settings { buffer: 1 << 30, format: None, sockets: false }).expect("a log");
    journal.book.error = StandardError::of_pipe(writer);
    (journal, reader.into())
}

/// A stream of this unit.
fn open(journal: &mut Journal, name: &str) -> (usize, File) {
    let header = Header { identifier: b"program".to_vec(), priority: Priority::from(6), level_prefix: true };
    let opened = journal.open(Unit::new(name, None, &Log::default()).into(), header);
    let (number, writer) = opened.expect("a stream");
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a stream that does not block");
    (number, writer.into())
}

/// The length of a line.
const LINE: usize = 100;

/// Writes as much as there is room for.
fn flood(writer: &mut File) -> usize {
    flood_with(writer, LINE)
}

/// The same with lines of this length.
fn flood_with(writer: &mut File, line: usize) -> usize {
    let lines = format!("{}\n", "x".repeat(line - 1)).repeat(10);
    let mut written = 0;
    while let Ok(length) = writer.write(lines.as_bytes()) {
        written += length;
    }
    written
}

fn messages(journal: &Journal, unit: &str) -> Vec<String> {
    let of_unit = journal.ring().from(0).filter(|(_, entry)| entry.last("_SYSTEMD_UNIT") == Some(unit.as_bytes()));
    let message = |entry: &Entry| String::from_utf8_lossy(entry.last("MESSAGE").unwrap_or_default()).into_owned();
    of_unit.map(|(_, entry)| message(entry)).collect()
}

#[test]
fn services_that_flood_hold_up_nobody_else() {
    let (mut journal, mut error) = journal();
    let mut floods: Vec<_> = (0..20).map(|number| open(&mut journal, &format!("flood@{number}.service")).1).collect();
    let (_, mut quiet) = open(&mut journal, "quiet.service");
    quiet.write_all(b"heard\n").expect("room");
    let mut turns = 0;
    while messages(&journal, "quiet.service").is_empty() {
        for writer in &mut floods {
            flood(writer);
        }
        let before = journal.ring().end();
        journal.turn(Instant::now());
        let entries = journal.ring().end() - before;
        assert!(entries <= (READY * source::PIECE.div_ceil(LINE)) as u64, "{entries} in one turn");
        while journal.book.error.waits() {
            let _ = error.read(&mut vec![0; 1 << 20]);
            journal.flush();
        }
        turns += 1;
        assert!(turns <= 21_usize.div_ceil(READY), "not after {turns} turns");
    }
}

#[test]
fn of_a_flood_of_short_lines_no_more_lines_are_read_at_once_than_of_another() {
    let (mut journal, _error) = journal();
    journal.book.error.stall();
    let mut writer = open(&mut journal, "flood.service").1;
    for line in [2, 5, LINE, 1000] {
        flood_with(&mut writer, line);
        journal.drain();
        let end = journal.ring().end();
        for _ in 0..20 {
            let before = journal.ring().end();
            flood_with(&mut writer, line);
            journal.turn(Instant::now());
            let lines = journal.ring().end() - before;
            assert!(lines <= source::LINES as u64 + 1, "{lines} lines of {line} bytes in one turn");
        }
        assert!(journal.ring().end() >= end + 20 * 5, "{} lines of {line} bytes", journal.ring().end() - end);
    }
}

#[test]
fn a_reader_of_standard_error_that_does_not_read_holds_up_nobody_and_is_told_what_it_missed() {
    let (mut journal, mut error) = journal();
    let (_, mut writer) = open(&mut journal, "a.service");
    // As long as it may only be slow, whoever writes waits, and nothing is lost.
    while !journal.paused {
        flood(&mut writer);
        journal.turn(Instant::now());
    }
    let end = journal.ring().end();
    journal.turn(Instant::now());
    assert_eq!(journal.ring().end(), end, "nothing is read");

    journal.book.error.stall();
    journal.flush();
    let queued = journal.book.error.waiting();
    for _ in 0..100 {
        flood(&mut writer);
        journal.turn(Instant::now());
    }
    let missed = journal.ring().end() - end;
    assert!(missed > 1000, "{missed} entries have come to the log");
    assert_eq!(journal.book.error.waiting(), queued, "and do not wait for it");

    let mut shown = String::new();
    while !shown.contains("are missing there") {
        let mut piece = vec![0; 1 << 16];
        let length = error.read(&mut piece).unwrap_or(0);
        shown += &String::from_utf8_lossy(&piece[..length]);
        journal.flush();
    }
    assert!(shown.contains(&format!("Standard error was not read: {missed} entries are missing there.")), "{missed}");
    writer.write_all(b"after that\n").expect("room");
    drop(writer);
    journal.drain();
    while error.read(&mut [0; 1 << 16]).is_ok_and(|length| length > 0) {
        journal.flush();
    }
    assert_eq!(messages(&journal, "a.service").last().map(String::as_str), Some("after that"));
}

#[test]
fn what_a_process_wrote_before_it_ended_is_in_the_log_when_that_is_told() {
    let (mut journal, _error) = journal();
    let (number, mut writer) = open(&mut journal, "a.service");
    journal.of_processes.insert(Pid::from_raw(i32::MAX), Some(number));
    let length = flood(&mut writer);
    journal.ended(Pid::from_raw(i32::MAX), false);
    assert_eq!(journal.ring().end(), length.div_ceil(LINE) as u64);
}

#[test]
fn a_stream_is_closed_when_nobody_has_it_open_any_more_and_its_last_line_counts() {
    let (mut journal, _error) = journal();
    for round in 0..3 {
        let (number, mut writer) = open(&mut journal, "a.service");
        assert_eq!(number, 0, "its number is free again");
        write!(writer, "round {round}").expect("room");
        // A process that another test has just started may still have a copy of it.
        shutdown(writer.as_raw_fd(), Shutdown::Both).expect("its end");
        journal.drain();
    }
    assert_eq!(messages(&journal, "a.service"), ["round 0", "round 1", "round 2"]);
}
