//! What reaches the journal. Each program runs where /run is a directory of the test's, with a socket in journald's place.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::JoinHandle;
use std::{mem, ptr, thread};

use sdlite_test_support as support;
use support::TempDir;

/// One message as it came.
#[derive(PartialEq, Eq)]
enum Entry {
    Datagram(Vec<u8>),
    /// The content of a file whose descriptor came instead, the seals on it, and what it is called.
    File(Vec<u8>, i32, String),
}

impl Entry {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Datagram(bytes) | Self::File(bytes, _, _) => bytes,
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.bytes();
        write!(f, "{} bytes: {}", bytes.len(), bytes[..bytes.len().min(300)].escape_ascii())?;
        match self {
            Self::Datagram(_) => Ok(()),
            Self::File(_, seals, name) => write!(f, " in {name}, seals {seals:#x}"),
        }
    }
}

/// What stands in for journald.
struct Journal {
    path: PathBuf,
    receiver: JoinHandle<Vec<Entry>>,
}

impl Journal {
    /// Receives at systemd/journal/socket below `run`.
    fn start(run: &Path) -> Self {
        let path = run.join("systemd/journal/socket");
        fs::create_dir_all(path.parent().expect("its directory")).expect("a directory");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).expect("the journal's socket");
        let receiver = thread::spawn(move || {
            let mut room = vec![0; 8 << 20];
            std::iter::from_fn(|| receive(&socket, &mut room)).collect()
        });
        Self { path, receiver }
    }

    /// All that came so far, which is all that was sent.
    fn stop(self) -> Vec<Entry> {
        UnixDatagram::unbound().and_then(|socket| socket.send_to(END, &self.path)).expect("the end");
        self.receiver.join().expect("the entries")
    }
}

const END: &[u8] = b"end";

fn receive(socket: &UnixDatagram, room: &mut [u8]) -> Option<Entry> {
    let mut control = [0_u64; 16];
    let mut iovec = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // SAFETY: it is a structure of integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut iovec;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the pointers in the message are to as much room as stands beside them.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    let mut bytes = room[..usize::try_from(received).expect("recvmsg")].to_vec();
    assert_eq!(
        message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC),
        0,
        "a message of {} bytes is cut",
        bytes.len()
    );
    // SAFETY: the message is one that recvmsg has filled in.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message).as_ref() };
    let Some(header) = header else { return (bytes != END).then_some(Entry::Datagram(bytes)) };

    assert_eq!((header.cmsg_level, header.cmsg_type), (libc::SOL_SOCKET, libc::SCM_RIGHTS));
    // SAFETY: it computes a size.
    let of_one = unsafe { libc::CMSG_LEN(4) };
    assert_eq!(header.cmsg_len as u64, u64::from(of_one), "more than one descriptor");
    assert_eq!(bytes, b"", "the descriptor is not sent alone");
    // SAFETY: the header is that of a descriptor, which is nobody else's.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(ptr::read_unaligned(libc::CMSG_DATA(header).cast())) });
    let size = file.metadata().expect("fstat").len();
    bytes.resize(usize::try_from(size).expect("a size that fits"), 0);
    file.read_exact_at(&mut bytes, 0).expect("its content");
    // SAFETY: F_GET_SEALS takes nothing.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    let name = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("its name");
    Some(Entry::File(bytes, seals, name.to_string_lossy().into_owned()))
}

/// Programs made of journal.c: both are called `journal`.
struct Programs {
    directory: TempDir,
    has_theirs: bool,
}

impl Programs {
    /// `cases` is what stands in cases.h.
    fn new(cases: &str) -> Self {
        let directory = support::scratch();
        fs::write(directory.path().join("cases.h"), cases).expect("the cases");
        let source = support::source().join("tests/programs/journal.c");
        let include = format!("-I{}", directory.path().display());
        let flags =
            [include.as_str(), "-Wall", "-Werror", "-Wno-format-zero-length", "-Wno-unused-function", "-pthread"];
        for name in ["ours", "theirs"] {
            fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        support::compile(&source, &directory.path().join("ours/journal"), flags);
        let has_theirs = support::compile_with_libsystemd(&source, &directory.path().join("theirs/journal"), flags);
        Self { directory, has_theirs }
    }

    fn ours(&self) -> PathBuf {
        self.directory.path().join("ours/journal")
    }

    fn theirs(&self) -> Option<PathBuf> {
        self.has_theirs.then(|| self.directory.path().join("theirs/journal"))
    }
}

/// What a program printed, and what the journal got from it. None where it cannot be run.
fn log<A: AsRef<OsStr>>(command: impl IntoIterator<Item = A>) -> Option<(String, Vec<Entry>)> {
    let run = support::scratch();
    let journal = Journal::start(run.path());
    let output = support::with_run(run.path()).map(|mut wrapper| support::run(wrapper.args(command)));
    let entries = journal.stop();
    let output = output?;
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Some((String::from_utf8(output.stdout).expect("text"), entries))
}

fn words<'a>(program: &'a Path, what: &'a str) -> [&'a OsStr; 2] {
    [program.as_os_str(), OsStr::new(what)]
}

/// What a case's errno is before.
const ERRNO: i32 = 77;

struct Case {
    call: String,
    answer: i32,
    errno: i32,
    sent: Option<Vec<u8>>,
}

fn sends(call: impl Into<String>, fields: impl AsRef<[u8]>) -> Case {
    let sent = [fields.as_ref(), b"SYSLOG_IDENTIFIER=journal\n"].concat();
    Case { call: call.into(), answer: 0, errno: ERRNO, sent: Some(sent) }
}

fn sends_nothing(call: impl Into<String>, answer: i32) -> Case {
    Case { call: call.into(), answer, errno: ERRNO, sent: None }
}

fn with_errno(errno: i32, case: Case) -> Case {
    Case { errno, ..case }
}

/// Compiles the cases, runs them, and compares what comes out with what they say and with what libsystemd does.
fn check(cases: &[Case], compared: bool) -> Programs {
    let lines: String = cases.iter().map(|case| format!("CASE({});\n", case.call)).collect();
    let programs = Programs::new(&lines);
    let Some((printed, entries)) = log(words(&programs.ours(), "cases")) else { return programs };
    let mut received = entries.iter();
    assert_eq!(printed.lines().count(), cases.len());
    for (case, line) in cases.iter().zip(printed.lines()) {
        assert_eq!(line, format!("{} {}", case.answer, case.errno), "{}", case.call);
        if let Some(sent) = &case.sent {
            let sent = Entry::Datagram(sent.clone());
            let entry = received.next().unwrap_or_else(|| panic!("{}: nothing was sent", case.call));
            assert!(entry.bytes() == sent.bytes(), "{}: expected {sent:?}, got {entry:?}", case.call);
        }
    }
    assert_eq!(received.next(), None);

    if let Some(theirs) = programs.theirs().filter(|_| compared) {
        let theirs = log(words(&theirs, "cases")).expect("what was there before");
        for (case, (ours, theirs)) in cases.iter().zip(printed.lines().zip(theirs.0.lines())) {
            assert_eq!(ours, theirs, "libsystemd's {}", case.call);
        }
        for (ours, theirs) in entries.iter().zip(&theirs.1) {
            assert!(ours.bytes() == theirs.bytes(), "libsystemd sends {theirs:?}, not {ours:?}");
        }
        assert_eq!(entries.len(), theirs.1.len());
    }
    programs
}

fn plain_messages() -> Vec<Case> {
    let length = |length: u64| length.to_le_bytes();
    let with_newline = [b"MESSAGE\n".as_slice(), &length(11), b"one\ntwo\n\n x\nPRIORITY=6\n"].concat();
    let mut cases = vec![
        sends("(sd_journal_print)(LOG_INFO, \"hello\")", "MESSAGE=hello\nPRIORITY=6\n"),
        sends("(sd_journal_print)(LOG_INFO, \"%s %d%%\", \"half\", 50)", "MESSAGE=half 50%\nPRIORITY=6\n"),
        sends(
            "(sd_journal_print)(LOG_INFO, \" \\t inner  blank \\t\\r\\n\\n\")",
            "MESSAGE= \t inner  blank\nPRIORITY=6\n",
        ),
        sends("(sd_journal_print)(LOG_INFO, \"x\\v\\f \")", "MESSAGE=x\u{b}\u{c}\nPRIORITY=6\n"),
        sends("(sd_journal_print)(LOG_INFO, \"one\\ntwo\\n\\n x\\n\")", with_newline),
        sends("(sd_journal_print)(LOG_INFO, \"A=B=\")", "MESSAGE=A=B=\nPRIORITY=6\n"),
        sends("(sd_journal_print)(LOG_INFO, \"\\x80\\xff\\x01\")", b"MESSAGE=\x80\xff\x01\nPRIORITY=6\n"),
        sends_nothing("(sd_journal_print)(LOG_INFO, \"\")", 0),
        sends_nothing("(sd_journal_print)(LOG_INFO, \" \\t\\r\\n\")", 0),
        sends_nothing("(sd_journal_print)(LOG_INFO, NULL)", -libc::EINVAL),
        sends_nothing("(sd_journal_print)(8, NULL)", -libc::EINVAL),
    ];
    for priority in 0..8 {
        let fields = format!("MESSAGE=hello\nPRIORITY={priority}\n");
        cases.push(sends(format!("(sd_journal_print)({priority}, \"hello\")"), fields));
    }
    for priority in [-1, 8, i32::MAX, i32::MIN + 1] {
        cases.push(sends_nothing(format!("(sd_journal_print)({priority}, \"hello\")"), -libc::EINVAL));
        cases.push(sends_nothing(format!("(sd_journal_print)({priority}, \"\")"), -libc::EINVAL));
    }
    cases
}

#[test]
fn a_message_is_sent_as_libsystemd_sends_it() {
    check(&plain_messages(), true);
}

#[test]
fn a_long_message_is_sent_whole_up_to_what_libsystemd_takes() {
    const LONGEST: usize = 1_048_567;
    let lengths = (2040..2060).chain(4090..4100).chain([65_535, 212_992, 212_993, 500_000, LONGEST - 1, LONGEST]);
    let call = |length: usize| format!("(sd_journal_print)(LOG_INFO, \"%s\", text({length}))");
    let fields = |length| format!("MESSAGE={}\nPRIORITY=6\n", "x".repeat(length));
    let mut cases: Vec<Case> = lengths.map(|length| sends(call(length), fields(length))).collect();
    cases.extend([LONGEST + 1, LONGEST + 2, 2 << 20].map(|length| sends_nothing(call(length), -libc::ENOBUFS)));
    cases.push(sends("(sd_journal_print)(LOG_INFO, \"%s \\n\", text(3000))", fields(3000)));
    cases.push(sends("(sd_journal_print)(LOG_INFO, \"%s%3000s\", text(10), \"\")", fields(10)));
    cases.push(sends_nothing("(sd_journal_print)(LOG_INFO, \"%3000s\", \"\")", 0));
    check(&cases, true);
}

#[test]
fn what_vsnprintf_cannot_format_ends_the_message_and_leaves_its_errno() {
    let cases = [
        sends("(sd_journal_print)(LOG_INFO, \"before %lc after\", (wint_t) 0x20ac)", "MESSAGE=before\nPRIORITY=6\n"),
        sends_nothing("(sd_journal_print)(LOG_INFO, \"%lc after\", (wint_t) 0x20ac)", 0),
    ]
    .map(|case| with_errno(libc::EILSEQ, case));
    check(&cases, true);
    // The rest of a long message is lost. What is left is what the stack has room for.
    let fields = format!("MESSAGE={}\nPRIORITY=6\n", "x".repeat(2047));
    let call = "(sd_journal_print)(LOG_INFO, \"%s%lc\", text(5000), (wint_t) 0x20ac)";
    check(&[with_errno(libc::EILSEQ, sends(call, fields))], true);
}

#[test]
fn errno_reaches_the_message_by_m() {
    // glibc's own text for a number that is no error.
    let long = format!("MESSAGE={}Unknown error 77\nPRIORITY=6\n", "x".repeat(3000));
    let cases = [
        sends(
            "(errno = ENOENT, (sd_journal_print)(LOG_INFO, \"%m\"))",
            "MESSAGE=No such file or directory\nPRIORITY=6\n",
        ),
        sends("(errno = 0, (sd_journal_print)(LOG_INFO, \"%m\"))", "MESSAGE=Success\nPRIORITY=6\n"),
        sends(
            "(sd_journal_print)(LOG_INFO, \"%s%m\", text(3000))",
            long.replace("Unknown error 77", "File descriptor in bad state"),
        ),
    ];
    let errnos = [libc::ENOENT, 0, ERRNO];
    let cases: Vec<Case> = cases.into_iter().zip(errnos).map(|(case, errno)| with_errno(errno, case)).collect();
    check(&cases, true);
}

fn located_messages() -> Vec<Case> {
    let at = "sd_journal_print_with_location(LOG_INFO, ";
    let length = |length: u64| length.to_le_bytes();
    let newlines = [
        b"MESSAGE=x\nPRIORITY=6\nA\n".as_slice(),
        &length(3),
        b"b\nc\nB\n",
        &length(1),
        b"\n\nCODE_FUNC\n",
        &length(4),
        b"fn\nx\n",
    ]
    .concat();
    let own_identifier = b"MESSAGE=x\nPRIORITY=6\nSYSLOG_IDENTIFIER=me\nL=\nCODE_FUNC=\n".to_vec();
    vec![
        sends(
            format!("{at}\"CODE_FILE=a.c\", \"CODE_LINE=7\", \"main\", \"%s\", \"x\")"),
            "MESSAGE=x\nPRIORITY=6\nCODE_FILE=a.c\nCODE_LINE=7\nCODE_FUNC=main\n",
        ),
        sends(format!("{at}\"A=b\\nc\", \"B=\\n\", \"fn\\nx\", \"x\")"), newlines),
        Case { sent: Some(own_identifier), ..sends(format!("{at}\"SYSLOG_IDENTIFIER=me\", \"L=\", \"\", \"x\")"), "") },
        sends_nothing(format!("{at}\"bad\", \"CODE_LINE=7\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"CODE_FILE=a.c\", \"bad\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"=bad\", \"CODE_LINE=7\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"=\", \"CODE_LINE=7\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"\", \"CODE_LINE=7\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"a\\n=\", \"CODE_LINE=7\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"bad\", \"bad\", \"main\", \" \")"), 0),
        sends_nothing(
            "sd_journal_print_with_location(8, \"CODE_FILE=a.c\", \"CODE_LINE=7\", \"main\", \"x\")",
            -libc::EINVAL,
        ),
    ]
}

#[test]
fn a_message_with_a_location_is_sent_as_libsystemd_sends_it() {
    check(&located_messages(), true);
}

#[test]
fn no_location_is_an_error_where_one_is_asked_for() {
    // The libsystemd that Debian 12 has crashes here. The newest returns this.
    let at = "sd_journal_print_with_location(LOG_INFO, ";
    let cases = [
        sends_nothing(format!("{at}NULL, \"CODE_LINE=7\", \"main\", \"x\")"), -libc::EINVAL),
        sends_nothing(format!("{at}\"CODE_FILE=a.c\", NULL, \"main\", \"x\")"), -libc::EINVAL),
    ];
    check(&cases, support::libsystemd_has("LIBSYSTEMD_258"));
}

#[test]
fn the_macro_adds_the_place_where_it_stands() {
    let call = "sd_journal_print(LOG_INFO, \"%s\", \"hello\")";
    let programs = Programs::new(&format!("\nCASE({call});\n"));
    let file = programs.directory.path().join("cases.h");
    let file = file.display();
    let expected = format!(
        "MESSAGE=hello\nPRIORITY=6\nCODE_FILE={file}\nCODE_LINE=2\nCODE_FUNC=cases\nSYSLOG_IDENTIFIER=journal\n"
    );
    for program in [Some(programs.ours()), programs.theirs()].into_iter().flatten() {
        let Some((_, entries)) = log(words(&program, "cases")) else { return };
        assert_eq!(entries, [Entry::Datagram(expected.clone().into_bytes())]);
    }
}

#[test]
fn the_identifier_is_the_name_of_the_program_where_that_is_plain() {
    /// With which libsystemd a row is compared, as its rules have changed.
    enum With {
        Any,
        New,
        Neither,
    }
    use With::{Any, Neither, New};
    let new = support::libsystemd_has("LIBSYSTEMD_258");
    let programs = Programs::new("");
    let long = "n".repeat(4000);
    type Name<'a> = (&'a [u8], Option<&'a [u8]>, With);
    let names: &[Name<'_>] = &[
        (b"service", Some(b"service"), Any),
        (b"/usr/bin/service", Some(b"service"), Any),
        (b"my service@1:x", Some(b"my service@1:x"), Any),
        (b"a=b", Some(b"a=b"), Any),
        (b"caf\xc3\xa9", Some(b"caf\xc3\xa9"), Any),
        (long.as_bytes(), Some(long.as_bytes()), Any),
        (b"a\tb", None, Any),
        (b"a\nb", None, Any),
        (b"\x01", None, Any),
        (b"\x1f", None, Any),
        (b"\x7f", None, Any),
        (b"a\"b", None, Any),
        (b"a'b", None, Any),
        (b"a\\b", None, Any),
        (b"a*b", None, New),
        (b"a?b", None, New),
        (b"a[b", None, New),
        (b"directory/", None, New),
        (b"", None, New),
        // No UTF-8, an overlong form, half a surrogate pair, and what is no character: libsystemd leaves these out
        // (docs/compatibility.md).
        (b"\x80\xffz", Some(b"\x80\xffz"), Neither),
        (b"\xc0\x80", Some(b"\xc0\x80"), Neither),
        (b"\xed\xa0\x80", Some(b"\xed\xa0\x80"), Neither),
        (b"\xef\xb7\x90", Some(b"\xef\xb7\x90"), Neither),
        (b"\xf0\x9f\xbf\xbe", Some(b"\xf0\x9f\xbf\xbe"), Neither),
        (b"\xef\xbf\xbd\xf0\x9f\x98\x80", Some(b"\xef\xbf\xbd\xf0\x9f\x98\x80"), Any),
    ];
    for &(name, identifier, ref with) in names {
        let mut expected = b"MESSAGE=hello\nPRIORITY=6\n".to_vec();
        if let Some(identifier) = identifier {
            expected.extend([b"SYSLOG_IDENTIFIER=", identifier, b"\n"].concat());
        }
        let theirs = programs.theirs().filter(|_| matches!(with, Any) || new && matches!(with, New));
        for program in [Some(programs.ours()), theirs].into_iter().flatten() {
            let command = [program.as_os_str(), OsStr::new("one"), OsStr::from_bytes(name)];
            let Some((_, entries)) = log(command) else { return };
            let entry = Entry::Datagram(expected.clone());
            assert_eq!(entries, [entry], "{} as {}", program.display(), name.escape_ascii());
        }
    }
}

/// A field in the form for values with a newline in them.
fn binary(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\n", &(value.len() as u64).to_le_bytes(), value, b"\n"].concat()
}

/// Cases that libsystemd answers like this since 258 only.
fn check_newest(cases: &[Case]) {
    check(cases, support::libsystemd_has("LIBSYSTEMD_258"));
}

fn formatted_fields() -> Vec<Case> {
    // Each with a field behind it, for which the arguments before have to be counted.
    let conversions = [
        ("%d %s %c %%", "1, \"x\", 'c'", "1 x c %"),
        ("%*d|%-*d|", "3, 1, 3, 2", "  1|2  |"),
        ("%.*s|%*.*f", "2, \"xyz\", 6, 2, 1.5", "xy|  1.50"),
        ("%lld %ld %hhd %hd", "1LL << 40, 1L, (char) 2, (short) 3", "1099511627776 1 2 3"),
        ("%zu %jd %td", "(size_t) 1, (intmax_t) 2, (ptrdiff_t) 3", "1 2 3"),
        ("%f %Lf %g %a", "1.5, 2.5L, 0.1, 1.0", "1.500000 2.500000 0.1 0x1p+0"),
        ("%p %u %x %#o %+d %05d", "(void *) 16, 1u, 255u, 8u, 1, 42", "0x10 1 ff 010 +1 00042"),
        ("%m %i", "7", "File descriptor in bad state 7"),
        ("%ls %lc %5.1s|", "L\"wide\", (wint_t) 'c', \"xyz\"", "wide c     x|"),
        ("%1$s", "\"x\"", "x"),
        ("%1$s %2$d", "\"x\", 5", "x 5"),
        ("%2$d %1$s %2$d", "\"x\", 5", "5 x 5"),
        ("%2$*1$d|%3$g|%1$d", "3, 5, 1.5", "  5|1.5|3"),
        ("plain%%d", "", "plain%d"),
        ("%d%d%d%d%d%d%d%d", "1, 2, 3, 4, 5, 6, 7, 8", "12345678"),
        ("%f%f%f%f%f%f%f%f%f", "1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0", ""),
    ];
    let mut cases: Vec<Case> = conversions
        .iter()
        .map(|(format, arguments, value)| {
            let comma = if arguments.is_empty() { "" } else { ", " };
            let nines = "1.000000".repeat(8) + "9.000000";
            let value = if value.is_empty() { &nines } else { *value };
            sends(
                format!("(sd_journal_send)(\"A={format}\"{comma}{arguments}, \"B=%s %d\", \"end\", 9, \"C=c\", NULL)"),
                format!("A={value}\nB=end 9\nC=c\n"),
            )
        })
        .collect();
    let binary = binary("A", b"x\ny");
    cases.extend([
        sends("(sd_journal_send)(\"A=b \\t\\r\\n\", \"B= \", \"C=\\n\", \"D= x\", NULL)", "A=b\nB=\nC=\nD= x\n"),
        sends("(sd_journal_send)(\"A=%s\", \"x\\ny\\n\", NULL)", binary),
        sends("(sd_journal_send)(\"a b=1\", \"A=\", \"A=A=\", NULL)", "a b=1\nA=\nA=A=\n"),
        sends_nothing("(sd_journal_send)(\"\", NULL)", -libc::EINVAL),
        sends_nothing("(sd_journal_send)(\"A\", NULL)", -libc::EINVAL),
        sends_nothing("(sd_journal_send)(\"=A\", NULL)", -libc::EINVAL),
        sends_nothing("(sd_journal_send)(\"A=b\", \"A\\n=\", NULL)", -libc::EINVAL),
        sends_nothing("(sd_journal_send)(\"A=b\", \" \\n\", NULL)", -libc::EINVAL),
        Case {
            sent: Some(b"A=b\nSYSLOG_IDENTIFIER=me\n".to_vec()),
            ..sends("(sd_journal_send)(\"A=b\", \"SYSLOG_IDENTIFIER=%s\", \"me\", NULL)", "")
        },
    ]);
    for length in [2030, 2043, 2044, 2045, 2046, 2047, 2048, 5000, 300_000] {
        let x = "x".repeat(length);
        cases.push(sends(
            format!("(sd_journal_send)(\"A=%s\", text({length}), \"B=%d%m\", 1, \"C=%s\", text({length}), NULL)"),
            format!("A={x}\nB=1File descriptor in bad state\nC={x}\n"),
        ));
    }
    // Together more than 32 bits can count; with 64 bits there is memory for them.
    if cfg!(target_pointer_width = "32") {
        let call = "(sd_journal_send)(\"A=%*s\", INT_MAX - 20, \"\", \"B=%*s\", INT_MAX - 20, \"\", NULL)";
        cases.push(sends_nothing(call, -libc::ENOMEM));
    }
    cases
}

#[test]
fn fields_are_formatted_and_sent_as_libsystemd_does() {
    check(&formatted_fields(), true);
    check_newest(&[
        sends_nothing("(sd_journal_send)(nothing, NULL)", -libc::EINVAL),
        sends_nothing("(sd_journal_send)(\"A=%lc\", (wint_t) 0x20ac, NULL)", -libc::ENOMEM),
        sends_nothing("(sd_journal_send)(\"A=b\", \"A=%s%lc\", text(3000), (wint_t) 0x20ac, NULL)", -libc::ENOMEM),
    ]);
}

#[test]
fn a_text_that_grows_while_it_is_formatted_is_sent_as_it_then_is() {
    let sent = format!("A=*********\nB={}\nC={}\nD=d\n", "x".repeat(2100), "y".repeat(40));
    // libsystemd formats each text once.
    check(&[sends("grow()", sent)], false);
}

#[test]
fn an_entry_has_as_many_fields_as_libsystemds_can_have() {
    let fields = |n: usize| "A=b\n".repeat(n);
    let many = |n: usize| format!("{}NULL", "\"A=b\", ".repeat(n));
    let at = "\"CODE_FILE=f\", \"CODE_LINE=1\", \"main\"";
    let place = "CODE_FILE=f\nCODE_LINE=1\nCODE_FUNC=main\n";
    let length = |value: &[u8], n: usize| binary("A", value).repeat(n);
    check(
        &[
            sends(format!("(sd_journal_send)({})", many(510)), fields(510)),
            sends_nothing(format!("(sd_journal_send)({})", many(511)), -libc::EINVAL),
            sends_nothing(format!("(sd_journal_send)({})", many(600)), -libc::EINVAL),
            sends(format!("sd_journal_send_with_location({at}, {})", many(507)), format!("{place}{}", fields(507))),
            sends_nothing(format!("sd_journal_send_with_location({at}, {})", many(508)), -libc::EINVAL),
            sends("(sd_journal_sendv)(many(\"A=b\", 510), 510)", fields(510)),
            sends_nothing("(sd_journal_sendv)(many(\"A=b\", 511), 511)", -libc::EINVAL),
            sends_nothing("(sd_journal_sendv)(many(\"A=b\", 1100), 1100)", -libc::EINVAL),
            sends(
                format!("sd_journal_sendv_with_location({at}, many(\"A=b\", 507), 507)"),
                format!("{}{place}", fields(507)),
            ),
            sends_nothing(format!("sd_journal_sendv_with_location({at}, many(\"A=b\", 508), 508)"), -libc::EINVAL),
            sends("(sd_journal_sendv)(many(\"A=\\n\", 204), 204)", length(b"\n", 204)),
            sends_nothing("(sd_journal_sendv)(many(\"A=\\n\", 205), 205)", -libc::EINVAL),
        ],
        true,
    );
}

fn ready_made_fields() -> Vec<Case> {
    let invalid = |call: &str| sends_nothing(call, -libc::EINVAL);
    vec![
        sends("SENDV(FIELD(\"MESSAGE=a\"), FIELD(\"B= c \\t\"))", "MESSAGE=a\nB= c \t\n"),
        sends("SENDV(FIELD(\"A=\\0\\x80\\xff\\0\"))", b"A=\0\x80\xff\0\n"),
        sends(
            "SENDV(FIELD(\"A=\\nb\\0\\n\"), FIELD(\"B=\\n\"))",
            [binary("A", b"\nb\0\n"), binary("B", b"\n")].concat(),
        ),
        sends("SENDV(FIELD(\"A=\"), FIELD(\"B==\"), FIELD(\"a b=c\"), FIELD(\"\\0=\"))", b"A=\nB==\na b=c\n\0=\n"),
        sends("SENDV(FIELD(\"A=b=\\n\"))", binary("A", b"b=\n")),
        sends("SENDV(FIELD(\"SYSLOG_IDENTIFIERS=x\"))", "SYSLOG_IDENTIFIERS=x\n"),
        Case {
            sent: Some(b"SYSLOG_IDENTIFIER=\nA=b\n".to_vec()),
            ..sends("SENDV(FIELD(\"SYSLOG_IDENTIFIER=\"), FIELD(\"A=b\"))", "")
        },
        invalid("SENDV(FIELD(\"A=b\"), FIELD(\"A\"))"),
        invalid("SENDV(FIELD(\"=\"))"),
        invalid("SENDV(FIELD(\"=b\"))"),
        invalid("SENDV(FIELD(\"\"))"),
        invalid("SENDV(FIELD(\"AB\"))"),
        invalid("SENDV(FIELD(\"A\\n=b\"))"),
        invalid("SENDV(FIELD(\"\\nA=b\"))"),
        invalid("SENDV(FIELD(\"A\\nb\"))"),
        invalid("SENDV({ NULL, 5 })"),
        invalid("SENDV({ NULL, 0 })"),
        invalid("SENDV(FIELD(\"A=b\"), { NULL, 3 })"),
        invalid("(sd_journal_sendv)(NULL, 1)"),
        invalid("(sd_journal_sendv)(NULL, 0)"),
        invalid("(sd_journal_sendv)(many(\"A=b\", 1), -1)"),
        invalid("(sd_journal_sendv)(many(\"A=b\", 1), INT_MIN)"),
    ]
}

#[test]
fn ready_made_fields_are_sent_as_they_are() {
    check(&ready_made_fields(), true);
}

#[test]
fn a_field_of_any_size_is_sent() {
    let field = |length: usize| format!("A={}\n", "x".repeat(length - 2));
    let binary = |length: usize| binary("A", format!("\n{}", "x".repeat(length - 3)).as_bytes());
    let mut cases = Vec::new();
    for length in [2, 212_900, 300_000, 900_000, 2 << 20, 64 << 20] {
        cases.push(sends(format!("send_long(\"A=\", {length})"), field(length)));
        if length > 2 {
            cases.push(sends(format!("send_long(\"A=\\n\", {length})"), binary(length)));
        }
    }
    check(&cases, true);
}

fn errors() -> Vec<Case> {
    let perror = |errno: i32, message: &str, text: &str| {
        let fields = format!("PRIORITY=3\nMESSAGE={text}\nERRNO={errno}\n");
        with_errno(errno, sends(format!("(errno = {errno}, (sd_journal_perror)({message}))"), fields))
    };
    let newline = [b"PRIORITY=3\n".as_slice(), &binary("MESSAGE", b"a\nb: Success"), b"ERRNO=0\n"].concat();
    let at = "sd_journal_perror_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"main\", ";
    let place = "CODE_FILE=f\nCODE_LINE=1\nCODE_FUNC=main\nPRIORITY=3\n";
    vec![
        perror(2, "\"what\"", "what: No such file or directory"),
        perror(2, "\"\"", "No such file or directory"),
        perror(2, "NULL", "No such file or directory"),
        perror(0, "\"what\"", "what: Success"),
        perror(4711, "\"what\"", "what: Unknown error 4711"),
        perror(2, "\" \"", " : No such file or directory"),
        perror(2, "\"a=%s\"", "a=%s: No such file or directory"),
        perror(2, "text(9000)", &format!("{}: No such file or directory", "x".repeat(9000))),
        with_errno(
            0,
            Case {
                sent: Some([&newline[..], b"SYSLOG_IDENTIFIER=journal\n"].concat()),
                ..sends("(errno = 0, (sd_journal_perror)(\"a\\nb\"))", "")
            },
        ),
        with_errno(
            2,
            sends(
                format!("(errno = 2, {at}\"x\"))"),
                format!("{place}MESSAGE=x: No such file or directory\nERRNO=2\n"),
            ),
        ),
        with_errno(
            2,
            sends(format!("(errno = 2, {at}NULL))"), format!("{place}MESSAGE=No such file or directory\nERRNO=2\n")),
        ),
    ]
}

#[test]
fn an_error_is_sent_as_perror_prints_it() {
    check(&errors(), true);
}

#[test]
fn a_list_of_arguments_is_formatted_like_arguments() {
    check(
        &[
            sends("printv(LOG_ERR, \"%s %d %f\", \"x\", 5, 1.0)", "MESSAGE=x 5 1.000000\nPRIORITY=3\n"),
            sends("printv(LOG_ERR, \"%s\", text(5000))", format!("MESSAGE={}\nPRIORITY=3\n", "x".repeat(5000))),
            sends_nothing("printv(LOG_ERR, \"%s\", \"\")", 0),
            sends_nothing("printv(8, \"x\")", -libc::EINVAL),
            sends_nothing("printv(LOG_ERR, nothing)", -libc::EINVAL),
            sends(
                "printv_at(\"CODE_FILE=f\", \"CODE_LINE=1\", \"main\", \"%d\", 5)",
                "MESSAGE=5\nPRIORITY=6\nCODE_FILE=f\nCODE_LINE=1\nCODE_FUNC=main\n",
            ),
            sends_nothing("printv_at(\"f\", \"CODE_LINE=1\", \"main\", \"%d\", 5)", -libc::EINVAL),
        ],
        true,
    );
}

fn located_fields() -> Vec<Case> {
    let at = |function: &str, rest: &str| {
        format!("sd_journal_{function}_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"main\", {rest})")
    };
    let place = "CODE_FILE=f\nCODE_LINE=1\nCODE_FUNC=main\n";
    let bad = |function: &str, rest: &str| {
        let places = ["\"f\", \"CODE_LINE=1\"", "\"CODE_FILE=f\", \"1\"", "\"\", \"\"", "\"=\", \"=\""];
        places.map(|place| {
            sends_nothing(format!("sd_journal_{function}_with_location({place}, \"main\", {rest})"), -libc::EINVAL)
        })
    };
    let mut cases = vec![
        sends(at("send", "\"A=%d\", 1, \"B=b\", NULL"), format!("{place}A=1\nB=b\n")),
        sends(at("sendv", "FIELDS(FIELD(\"A=1\"), FIELD(\"B=b\"))"), format!("A=1\nB=b\n{place}")),
        sends(at("send", "nothing, NULL"), place),
        sends_nothing(at("send", "\"A\", NULL"), -libc::EINVAL),
        sends_nothing(at("sendv", "FIELDS(FIELD(\"A\"))"), -libc::EINVAL),
        sends_nothing(at("sendv", "many(\"A=b\", 1), 0"), -libc::EINVAL),
        sends_nothing(at("sendv", "NULL, 1"), -libc::EINVAL),
    ];
    cases.extend(bad("send", "\"A=%d\", 1, NULL"));
    cases.extend(bad("sendv", "FIELDS(FIELD(\"A=1\"))"));
    cases.extend(bad("perror", "\"x\""));
    cases
}

#[test]
fn fields_with_a_location_are_sent_as_libsystemd_sends_them() {
    check(&located_fields(), true);
    let nowhere = |function: &str, rest: &str| {
        ["NULL, \"CODE_LINE=1\"", "\"CODE_FILE=f\", NULL"].map(|place| {
            sends_nothing(format!("sd_journal_{function}_with_location({place}, \"main\", {rest})"), -libc::EINVAL)
        })
    };
    let mut cases = Vec::from(nowhere("send", "\"A=b\", NULL"));
    cases.extend(nowhere("sendv", "FIELDS(FIELD(\"A=b\"))"));
    cases.extend(nowhere("perror", "\"x\""));
    check_newest(&cases);
}

/// What opens a stream, and what comes of it: an error, or what arrives, and in the journal of which namespace.
struct Stream {
    call: String,
    answer: Result<(String, String), i32>,
}

fn stream(arguments: &str, header: &str) -> Stream {
    let call = format!("use(sd_journal_stream_fd({arguments}))");
    Stream { call, answer: Ok((String::new(), format!("{header}\n0\n0\n0\nline\n"))) }
}

fn no_stream(arguments: &str) -> Stream {
    Stream { call: format!("use(sd_journal_stream_fd({arguments}))"), answer: Err(libc::EINVAL) }
}

fn in_namespace(name: &str, error: Option<i32>) -> Stream {
    let call = format!("use(sd_journal_stream_fd_with_namespace({name}, \"me\", LOG_INFO, 1))");
    let namespace = if name == "NULL" { String::new() } else { format!(".{}", name.trim_matches('"')) };
    Stream { call, answer: error.map_or(Ok((namespace, "me\n\n6\n1\n0\n0\n0\nline\n".to_owned())), Err) }
}

fn check_streams(streams: &[Stream], compared: bool) {
    let lines: String = streams.iter().map(|stream| format!("CASE({});\n", stream.call)).collect();
    let programs = Programs::new(&lines);
    for program in [Some(programs.ours()), programs.theirs().filter(|_| compared)].into_iter().flatten() {
        let run = support::scratch();
        let namespaces: BTreeSet<&str> =
            streams.iter().filter_map(|stream| Some(stream.answer.as_ref().ok()?.0.as_str())).collect();
        let listening: BTreeMap<&str, UnixListener> =
            namespaces.into_iter().map(|namespace| (namespace, listen(run.path(), namespace))).collect();
        let Some(mut command) = support::with_run(run.path()) else { return };
        let output = support::run(command.arg(&program).arg("cases"));
        let printed = String::from_utf8(output.stdout).expect("numbers");
        assert_eq!(printed.lines().count(), streams.len());
        for (stream, line) in streams.iter().zip(printed.lines()) {
            let answer = stream.answer.as_ref().map_or_else(|error| -error, |_| 0);
            // libsystemd changes errno where it fails.
            let ours = program == programs.ours();
            let (line, expected) = match line.split_once(' ') {
                Some((line, _)) if !ours => (line, answer.to_string()),
                _ => (line, format!("{answer} {ERRNO}")),
            };
            assert_eq!(line, expected, "{}: {}", program.display(), stream.call);
            let Ok((namespace, expected)) = &stream.answer else { continue };
            // Whoever has connected waits here, though it has closed.
            let mut received = String::new();
            let (mut connection, _) = listening[namespace.as_str()].accept().expect("a connection");
            connection.read_to_string(&mut received).expect("text");
            assert_eq!(received, *expected, "{}: {}", program.display(), stream.call);
        }
        for (namespace, listener) in listening {
            assert!(listener.accept().is_err(), "a connection more in {namespace:?}");
        }
    }
}

/// Listens where the journal of a namespace has its streams.
fn listen(run: &Path, namespace: &str) -> UnixListener {
    let directory = run.join(format!("systemd/journal{namespace}"));
    fs::create_dir_all(directory.parent().expect("a directory above")).expect("a directory");
    // An address has no room for a long name, but the way to the directory may be another.
    let short = run.join(format!("{}", namespace.len()));
    fs::create_dir(&short).expect("a directory");
    symlink(format!("/run/{}", namespace.len()), &directory).expect("a link");
    let listener = UnixListener::bind(short.join("stdout")).expect("a socket");
    listener.set_nonblocking(true).expect("no waiting");
    listener
}

#[test]
fn a_stream_begins_with_what_the_journal_has_to_know() {
    let long = "x".repeat(5000);
    let streams = [
        stream("\"me\", LOG_INFO, 1", "me\n\n6\n1"),
        stream("\"me\", LOG_EMERG, 0", "me\n\n0\n0"),
        stream("\"me\", LOG_DEBUG, -5", "me\n\n7\n1"),
        stream("\"\", LOG_INFO, 1", "\n\n6\n1"),
        stream("NULL, LOG_INFO, 1", "\n\n6\n1"),
        stream("\"a\\nb \\t\", LOG_INFO, 1", "a\nb \t\n\n6\n1"),
        stream("text(5000), LOG_INFO, 1", &format!("{long}\n\n6\n1")),
        no_stream("\"me\", 8, 1"),
        no_stream("\"me\", -1, 1"),
    ];
    check_streams(&streams, true);
}

#[test]
fn a_namespace_has_a_journal_of_its_own() {
    let quoted = |name: &str| format!("\"{name}\"");
    let n = |length: usize| quoted(&"n".repeat(length));
    let there = |name: &str| in_namespace(name, None);
    let missing = |name: &str| in_namespace(name, Some(libc::ENOENT));
    let invalid = |name: &str| in_namespace(name, Some(libc::EINVAL));
    // An address has room for 79 of these.
    let mut streams = vec![there("NULL"), there(&quoted("space")), there(&n(79)), there(&n(80)), there(&n(222))];
    streams.extend([missing(&quoted("missing")), missing(&n(78)), missing(&n(221)), missing(&quoted("..."))]);
    streams.extend(["", ".", "..", "a/b", "/", "a/.."].map(|name| invalid(&quoted(name))));
    streams.extend([invalid(&n(223)), invalid("text(9000)")]);
    for byte in 1..=255_u8 {
        let valid = byte.is_ascii_alphanumeric() || b":-_.@".contains(&byte);
        let name = format!("\"n\\{byte:03o}\" \"n\"");
        streams.push(if valid { missing(&name) } else { invalid(&name) });
    }
    check_streams(&streams, support::libsystemd_has("LIBSYSTEMD_256"));
}

#[test]
fn a_thousand_threads_log_while_the_process_forks() {
    let programs = Programs::new("");
    let Some((printed, entries)) = log(words(&programs.ours(), "storm")) else { return };
    assert_eq!(printed, "");
    assert_eq!(entries.len(), 1 + 1000 * 10 + 100);
}

#[test]
fn what_perror_says_leaves_errno_whatever_it_is() {
    // Not compared: libsystemd makes it 0.
    let unknown = "PRIORITY=3\nMESSAGE=Unknown error -1\nERRNO=-1\n";
    check(&[with_errno(-1, sends("(errno = -1, (sd_journal_perror)(NULL))", unknown))], false);
}

/// `program` under strace, so that system calls fail as they are told to; which were made stands in `trace` then.
fn strace(injections: &[&str], program: &Path) -> Vec<String> {
    let mut words = vec!["strace".to_owned(), "-o".into(), trace(program).display().to_string()];
    words.extend(injections.iter().map(|injection| format!("--inject={injection}")));
    words.push(program.display().to_string());
    words
}

fn trace(program: &Path) -> PathBuf {
    program.with_extension("trace")
}

#[test]
fn what_does_not_fit_into_a_datagram_is_sent_in_a_sealed_file() {
    if !support::has("strace", "strace") {
        return;
    }
    let programs = Programs::new("");
    let bytes = b"MESSAGE=hello\nPRIORITY=6\nSYSLOG_IDENTIFIER=journal\n".to_vec();
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    for error in ["EMSGSIZE", "ENOBUFS", "EAGAIN"] {
        // The first time the send buffer is raised and the message sent once more.
        let injection = format!("sendmsg:error={error}:when=1..2");
        let command = [strace(&[&injection], &programs.ours()), vec!["one".into()]].concat();
        let Some((printed, entries)) = log(&command) else { return };
        assert_eq!(printed, format!("0 {ERRNO}\n1\n"), "{error}");
        let name = "/memfd:journal-data (deleted)".to_owned();
        assert_eq!(entries, [Entry::File(bytes.clone(), seals, name)], "{error}");

        let Some(theirs) = programs.theirs() else { continue };
        let injection = format!("sendmsg:error={error}:when=1");
        let theirs = log([strace(&[&injection], &theirs), vec!["one".into()]].concat()).expect("what was there before");
        assert_eq!(theirs.0, printed, "{error}");
        let [Entry::File(content, their_seals, _)] = &theirs.1[..] else { panic!("{:?}", theirs.1) };
        // Newer releases forbid execution as well. Older journals refuse a file with a seal more than these.
        assert_eq!((content, *their_seals & seals), (&bytes, seals), "{error}");
    }
}

#[test]
fn a_message_that_fits_once_the_send_buffer_is_raised_is_sent_in_a_datagram() {
    if !support::has("strace", "strace") {
        return;
    }
    let programs = Programs::new("");
    let program = programs.ours();
    let bytes = b"MESSAGE=hello\nPRIORITY=6\nSYSLOG_IDENTIFIER=journal\n";
    // By force, or as far as those without privileges may.
    let by_force = "setsockopt:retval=0";
    let not_by_force = "setsockopt:error=EPERM:when=1";
    let not_at_all = "setsockopt:error=EPERM";
    for (raising, calls) in [
        (by_force, &["sendmsg", "SO_SNDBUFFORCE", "sendmsg"][..]),
        (not_by_force, &["sendmsg", "SO_SNDBUFFORCE", "SO_SNDBUF,", "sendmsg"]),
        (not_at_all, &["sendmsg", "SO_SNDBUFFORCE", "SO_SNDBUF,", "sendmsg"]),
    ] {
        let command = strace(&["sendmsg:error=EMSGSIZE:when=1", raising], &program);
        let Some((printed, entries)) = log([command, vec!["one".into()]].concat()) else { return };
        assert_eq!(printed, format!("0 {ERRNO}\n1\n"), "{raising}");
        assert_eq!(entries, [Entry::Datagram(bytes.to_vec())], "{raising}");
        let trace = fs::read_to_string(trace(&program)).expect("a trace");
        let traced: Vec<&str> =
            trace.lines().filter(|line| line.starts_with("sendmsg(") || line.starts_with("setsockopt(")).collect();
        assert_eq!(traced.len(), calls.len(), "{traced:#?}");
        for (line, call) in traced.iter().zip(calls) {
            assert!(line.contains(call), "{raising}: {line} is no {call}");
        }
    }
}

#[test]
fn a_failure_is_returned_and_leaves_no_descriptor_open_and_errno_as_it_was() {
    if !support::has("strace", "strace") {
        return;
    }
    let programs = Programs::new("");
    const TOO_LARGE: &str = "sendmsg:error=EMSGSIZE:when=1..2";
    // libsystemd has raised the send buffer before, and does not try again.
    const TOO_LARGE_ONCE: &str = "sendmsg:error=EMSGSIZE:when=1";
    // What fails, the error, and the descriptors left open: the socket, where there is one.
    let cases: &[(&[&str], i32, i32)] = &[
        (&["socket:error=EMFILE"], libc::EMFILE, 0),
        (&["sendmsg:error=ECONNREFUSED"], libc::ECONNREFUSED, 1),
        (&["sendmsg:error=EACCES"], libc::EACCES, 1),
        (&["sendmsg:error=ENOENT"], 0, 1),
        (&["sendmsg:error=EMSGSIZE"], libc::EMSGSIZE, 1),
        (&["sendmsg:error=EAGAIN"], libc::EAGAIN, 1),
        (&[TOO_LARGE, "memfd_create:error=EMFILE"], libc::EMFILE, 1),
        (&[TOO_LARGE, "/^fcntl(64)?$:error=EPERM"], libc::EPERM, 1),
        (&[TOO_LARGE, "writev:error=ENOSPC"], libc::ENOSPC, 1),
        (&[TOO_LARGE, "writev:retval=5"], libc::EIO, 1),
    ];
    for (injections, error, left) in cases {
        let run = |injections: &[&str], program: &Path| log([strace(injections, program), vec!["one".into()]].concat());
        let Some((printed, entries)) = run(injections, &programs.ours()) else { return };
        assert_eq!(printed, format!("{} {ERRNO}\n{left}\n", -error), "{injections:?}");
        assert_eq!(entries, [], "{injections:?}");

        // libsystemd sends what was written in part, without a word.
        let comparable = *error != libc::EIO;
        if let Some(program) = programs.theirs().filter(|_| comparable) {
            let once = |injection| if injection == TOO_LARGE { TOO_LARGE_ONCE } else { injection };
            let injections: Vec<&str> = injections.iter().copied().map(once).collect();
            let theirs = run(&injections, &program).expect("what was there before");
            assert_eq!(theirs, (printed, entries), "libsystemd: {injections:?}");
        }
    }
}

#[test]
fn without_a_journal_a_message_is_lost_in_silence() {
    let programs = Programs::new("");
    type Place = (&'static str, fn(&Path), i32);
    let places: &[Place] = &[
        ("an empty /run", |_| {}, 0),
        ("no socket", |run| fs::create_dir_all(run.join("systemd/journal")).expect("a directory"), 0),
        ("a file in the way", |run| fs::write(run.join("systemd"), "").expect("a file"), -libc::ENOTDIR),
        ("a socket that nobody has", |run| drop(Journal::start(run).stop()), -libc::ECONNREFUSED),
    ];
    for (place, prepare, answer) in places {
        for program in [Some(programs.ours()), programs.theirs()].into_iter().flatten() {
            let run = support::scratch();
            prepare(run.path());
            let Some(mut command) = support::with_run(run.path()) else { return };
            let output = support::run(command.arg(&program).arg("one"));
            assert_eq!(support::text(&output), format!("{answer} {ERRNO}\n1\n"), "{place}, {}", program.display());
        }
    }
}

#[test]
fn a_journal_that_was_restarted_gets_the_next_message() {
    let programs = Programs::new("");
    let run = support::scratch();
    let Some(mut command) = support::with_run(run.path()) else { return };
    let journal = Journal::start(run.path());
    let command = command.arg(programs.ours()).arg("two").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut printed = String::new();
    output.read_line(&mut printed).expect("a line");
    let before = journal.stop();

    let journal = Journal::start(run.path());
    child.stdin.take().expect("its input").write_all(b"\n").expect("a line");
    output.read_to_string(&mut printed).expect("another");
    assert!(child.wait().expect("its end").success());
    let after = journal.stop();

    assert_eq!(printed, format!("0 {ERRNO}\n").repeat(2));
    let entry = |message| format!("MESSAGE={message}\nPRIORITY=6\nSYSLOG_IDENTIFIER=journal\n").into_bytes();
    assert_eq!(before, [Entry::Datagram(entry("before"))]);
    assert_eq!(after, [Entry::Datagram(entry("after"))]);
}

#[test]
fn threads_that_log_first_at_the_same_time_share_one_socket() {
    let programs = Programs::new("");
    let Some((printed, entries)) = log(words(&programs.ours(), "threads")) else { return };
    assert_eq!(printed, "");
    assert_eq!(entries.len(), 125 * 8 + 1000);
}

#[test]
fn children_log_by_their_parents_socket_and_programs_do_not_inherit_it() {
    let programs = Programs::new("");
    let Some((printed, entries)) = log(words(&programs.ours(), "forks")) else { return };
    assert_eq!(printed, format!("0 {ERRNO}\n"));
    assert_eq!(entries.len(), 1 + 8 * 25 * 2);
}

#[test]
fn without_memory_a_long_message_is_an_error_and_a_short_one_is_sent() {
    // Not compared: libsystemd puts the message on the stack, and crashes where there is no room.
    let programs = Programs::new("");
    let Some((printed, entries)) = log(words(&programs.ours(), "no-memory")) else { return };
    assert_eq!(printed, format!("{} {ERRNO}\n0 {ERRNO}\n", -libc::ENOMEM));
    assert_eq!(entries.len(), 1);
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    if !support::has("valgrind", "valgrind") || !support::has("strace", "strace") {
        return;
    }
    let mut cases = plain_messages();
    for more in [located_messages(), formatted_fields(), ready_made_fields(), errors(), located_fields()] {
        cases.extend(more.into_iter().filter(|case| !case.call.contains("text(")));
    }
    cases.push(sends("(sd_journal_print)(LOG_INFO, \"%s\", text(5000))", ""));
    cases.push(sends_nothing("(sd_journal_print)(LOG_INFO, \"%s\", text(2000000))", 0));
    let lines: String = cases.iter().map(|case| format!("CASE({});\n", case.call)).collect();
    let programs = Programs::new(&lines);
    let valgrind = "valgrind -q --error-exitcode=3 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all";
    let valgrind: Vec<String> = valgrind.split(' ').map(str::to_owned).collect();
    let ours = programs.ours().display().to_string();
    let Some((_, entries)) = log([valgrind.clone(), vec![ours.clone(), "cases".into()]].concat()) else { return };
    assert_eq!(entries.len(), cases.iter().filter(|case| case.sent.is_some()).count());

    let mut command = strace(&["sendmsg:error=EMSGSIZE:when=1..2"], &programs.ours());
    command.pop();
    command.extend(valgrind.into_iter().chain([ours, "one".into()]));
    let (_, entries) = log(&command).expect("what was there before");
    assert!(matches!(entries[..], [Entry::File(..)]), "{entries:?}");
}
