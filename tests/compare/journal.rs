//! sd_journal_print(3), with and without a location: what arrives at the journal's socket.

use std::ffi::{CStr, CString, c_char, c_int};
use std::os::fd::RawFd;

use proptest::prelude::*;

use crate::compare::{Comparison, Difference, Function};
use crate::descriptors::{FIRST, OWN};
use crate::journald::{Journal, Place, journals};
use crate::message::{Argument, Message, Text, messages, texts};
use crate::observe::Before;
use crate::strategy::mostly;
use crate::sys;

pub const SD_JOURNAL_PRINT: Function =
    Function { name: "sd_journal_print", share: 3, needs_namespace: true, compare: print };
pub const SD_JOURNAL_PRINT_WITH_LOCATION: Function =
    Function { name: "sd_journal_print_with_location", share: 3, needs_namespace: true, compare: print_with_location };

#[derive(Debug)]
struct Case<Location> {
    location: Location,
    priority: c_int,
    message: Message,
    journal: Journal,
    errno: c_int,
    program: &'static CStr,
}

/// Names of programs that make an identifier, and such that do not.
const PROGRAMS: &[&CStr] = &[
    c"a\nb",
    c"\x01",
    c"x\x7f",
    c"gr\xc3\xb6\xc3\x9fe",
    c"\xf0\x9f\xa6\x80",
    c"with space",
    c" x ",
    c"\t",
    c"a=b",
    c"a\\b",
    c"\"quoted\"",
    c"it's",
    c"$x",
    c"`x`",
    c"a;b",
    c"#",
    c"~",
    c"a]b",
    c"{a}",
    c"<a>",
    c"a|b&c",
    c"!",
    c"%s",
    c":",
];

/// Those that newer releases do not take any more, but for what is not UTF-8: README, Compatibility.
const PROGRAMS_ONCE_TAKEN: &[&CStr] = &[c"", c"x*", c"x?", c"[x", c"\xc2\x80", c"\xc2\x85", c"\xe2\x80\xa8"];

fn cases<L: std::fmt::Debug>(
    comparison: &Comparison<'_>,
    locations: impl Strategy<Value = L>,
) -> impl Strategy<Value = Case<L>> {
    let priority = prop_oneof![12 => 0..8_i32, 1 => -2..10_i32, 1 => any::<i32>()];
    let newer = comparison.libraries.reference_is_recent();
    let program = mostly(5, c"program", if newer { PROGRAMS_ONCE_TAKEN } else { PROGRAMS });
    let program =
        (program, mostly(5, c"program", PROGRAMS)).prop_map(|(one, other)| if one == c"program" { other } else { one });
    let errno = mostly(4, libc::ENOENT, &[0, libc::EAGAIN, libc::EINTR, -1, 4711, i32::MAX]);
    (locations, priority, messages(), journals(), errno, program).prop_map(
        |(location, priority, message, journal, errno, program)| Case {
            location,
            priority,
            message,
            journal,
            errno,
            program,
        },
    )
}

/// The program under another name, until dropped.
struct Program {
    _name: CString,
    previous: *const c_char,
}

impl Program {
    fn new(name: &CStr) -> Self {
        let name = name.to_owned();
        let previous = sys::replace_program_name(name.as_ptr());
        Self { _name: name, previous }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        sys::replace_program_name(self.previous);
    }
}

/// Makes the first calls, so that either library has its socket from then on; both sockets have to be of the same kind.
pub fn first_calls(call: [impl FnOnce() -> c_int; 2]) {
    let sockets = call.map(|call| {
        let open = |fd: &RawFd| sys::descriptor_flags(*fd).is_some();
        let before: Vec<RawFd> = (FIRST..OWN).filter(open).collect();
        assert_eq!(call(), 0);
        let new = (FIRST..OWN).filter(open).filter(|fd| !before.contains(fd));
        new.map(|fd| {
            let option = |option| sys::socket_option(fd, option).expect("a socket");
            (sys::descriptor_flags(fd), sys::status_flags(fd).ok(), option(libc::SO_DOMAIN), option(libc::SO_TYPE))
        })
        .collect::<Vec<_>>()
    });
    assert_eq!(sockets[0], sockets[1], "the sockets that the libraries keep open");
    assert_eq!(sockets[0].len(), 1);
}

fn before<'a, L>(comparison: &'a Comparison<'_>, place: &Place, case: &Case<L>) -> Before<'a> {
    place.make(case.journal);
    Before { errno: case.errno, ..comparison.before() }
}

fn print(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *const c_char, ...) -> c_int;
    let place = Place::new(comparison.libraries);
    // SAFETY: the signature is that of the manual.
    let functions: [Signature; 2] = unsafe { comparison.libraries.functions(comparison.name) };
    first_calls(functions.map(|print| {
        // SAFETY: the format takes no arguments.
        move || unsafe { print(libc::LOG_INFO, c"first".as_ptr()) }
    }));
    let observe = |print: Signature, case: &Case<()>| {
        let _program = Program::new(case.program);
        let (priority, format, argument) = (case.priority, case.message.format(), case.message.argument());
        let call = || match &argument {
            // SAFETY: the argument is what the format takes.
            Argument::Number(number) => unsafe { print(priority, format, *number) },
            // SAFETY: as above.
            Argument::String(string) => unsafe { print(priority, format, string.as_ptr()) },
            // SAFETY: as above.
            Argument::WideString(string) => unsafe { print(priority, format, string.as_ptr()) },
        };
        before(comparison, &place, case).observe(call, |_| place.received())
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases(comparison, Just(())), observe) }
}

/// File, line and function, as the macros of the header give them, mostly.
type Location = (Text, Text, Text);

fn locations() -> impl Strategy<Value = Location> {
    fn either(usual: &'static str, others: &'static [&'static str]) -> impl Strategy<Value = Text> {
        let usual = mostly(4, usual, others).prop_map(|text| Text::Pieces(vec![text]));
        // libsystemd puts the function's name on the stack.
        prop_oneof![30 => usual, 1 => texts(250_000)]
    }
    const FILES: &[&str] = &[
        "",
        "=",
        "=x",
        "CODE_FILE",
        "CODE_FILE=",
        "src/main.c",
        "CODE_FILE=a\nb",
        "CODE\nFILE=a",
        "X=y",
        "SYSLOG_IDENTIFIER=me",
        "CODE_FILE=a=b",
        "CODE_FILE=\n",
        "\n",
        "x",
        "_X=1",
        "lower=1",
        "SYSLOG_IDENTIFIER\n=x",
    ];
    const FUNCTIONS: &[&str] = &["", "a\nb", "\n", "void f<int>(char)", "größe", "=", "SYSLOG_IDENTIFIER=x"];
    // More than the socket takes even where the send buffer was raised: the entry is passed in a file.
    let huge = (17 << 20..20_usize << 20, mostly(1, "", &["\n"]));
    let huge = huge.prop_map(|(length, end)| Text::Long { start: "CODE_FILE=", length, end });
    let file = prop_oneof![1000 => either("CODE_FILE=src/main.c", FILES), 1 => huge];
    (file, either("CODE_LINE=42", FILES), either("main", FUNCTIONS))
}

fn print_with_location(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature =
        unsafe extern "C" fn(c_int, *const c_char, *const c_char, *const c_char, *const c_char, ...) -> c_int;
    let place = Place::new(comparison.libraries);
    // SAFETY: the signature is that of the manual.
    let functions: [Signature; 2] = unsafe { comparison.libraries.functions(comparison.name) };
    first_calls(functions.map(|print| {
        let (file, line, func) = (c"CODE_FILE=x".as_ptr(), c"CODE_LINE=1".as_ptr(), c"main".as_ptr());
        // SAFETY: the format takes no arguments.
        move || unsafe { print(libc::LOG_INFO, file, line, func, c"first".as_ptr()) }
    }));
    let observe = |print: Signature, case: &Case<Location>| {
        let _program = Program::new(case.program);
        let location = [&case.location.0, &case.location.1, &case.location.2].map(Text::string);
        let [file, line, func] = location.each_ref().map(|text| text.as_ptr());
        let (priority, format, argument) = (case.priority, case.message.format(), case.message.argument());
        let call = || match &argument {
            // SAFETY: the argument is what the format takes.
            Argument::Number(number) => unsafe { print(priority, file, line, func, format, *number) },
            // SAFETY: as above.
            Argument::String(string) => unsafe { print(priority, file, line, func, format, string.as_ptr()) },
            // SAFETY: as above.
            Argument::WideString(string) => unsafe { print(priority, file, line, func, format, string.as_ptr()) },
        };
        before(comparison, &place, case).observe(call, |_| place.received())
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases(comparison, locations()), observe) }
}
