//! The mistakes, each of a kind that somebody writing such a library makes.

pub struct Mistake {
    pub what: &'static str,
    pub file: &'static str,
    pub right: &'static str,
    pub wrong: &'static str,
}

const fn mistake(what: &'static str, file: &'static str, right: &'static str, wrong: &'static str) -> Mistake {
    Mistake { what, file, right, wrong }
}

const DAEMON: &str = "crates/sdlite-core/src/daemon.rs";
const ENVIRONMENT: &str = "crates/sdlite-core/src/environment.rs";
const IS: &str = "crates/sdlite-core/src/is.rs";
const JOURNAL: &str = "crates/sdlite-core/src/journal.rs";
const LISTEN: &str = "crates/sdlite-core/src/listen.rs";
const NOTIFY: &str = "crates/sdlite-core/src/notify.rs";
const NUMBER: &str = "crates/sdlite-core/src/number.rs";
const ADDRESS: &str = "crates/sdlite-core/src/sys/address.rs";
const FD: &str = "crates/sdlite-core/src/sys/fd.rs";
const LARGE_MESSAGE: &str = "crates/sdlite-core/src/large_message.rs";
const LOGIN_FILE: &str = "crates/sdlite-core/src/login/file.rs";
const LOGIN_LIST: &str = "crates/sdlite-core/src/login/list.rs";
const LOGIN_CGROUP: &str = "crates/sdlite-core/src/login/cgroup.rs";
const LOGIN_PROCESS: &str = "crates/sdlite-core/src/login/process.rs";
const LOGIN_MONITOR: &str = "crates/sdlite-core/src/login/monitor.rs";

#[rustfmt::skip]
pub const MISTAKES: &[Mistake] = &[
    mistake("FD_CLOEXEC is forgotten", FD, "libc::F_SETFD, libc::FD_CLOEXEC", "libc::F_SETFD, 0"),
    mistake("LISTEN_FDNAMES is left set", ENVIRONMENT, "sys::unsetenv(LISTEN_FDNAMES);", ""),
    mistake("variables are unset for 1 only", "src/abi.rs", "(unset_environment != 0)", "(unset_environment == 1)"),
    mistake("LISTEN_PID is not looked at", LISTEN, "if pid != sys::getpid() {", "if pid < 0 {"),
    mistake("no descriptor at all is a valid count", LISTEN, "end > LISTEN_FDS_START", "end >= LISTEN_FDS_START"),
    mistake("names are split at escaped colons", LISTEN, "found = !escaped && *byte == b':'", "found = *byte == b':'"),
    mistake("backslashes stay in names", LISTEN, "            !escaped\n", "            true\n"),
    mistake("as many names as descriptors are not asked for", LISTEN, "names.left != n", "false"),
    mistake("0o is not octal", NUMBER, "[b'0', b'o' | b'O', ..] => (8,", "[b'0', b'o' | b'O', ..] => (10,"),
    mistake("PID 0 is valid", NUMBER, "if pid > 0", "if pid >= 0"),
    mistake("a number too large is EINVAL", NUMBER, "_ => Err(Errno::RANGE)", "_ => Err(Errno::INVAL)"),
    mistake("the port is in the wrong byte order", ADDRESS, "u16::from_be_bytes(*port)", "u16::from_le_bytes(*port)"),
    mistake("a file below a file is an error", IS, "Err(Errno::NOENT | Errno::NOTDIR)", "Err(Errno::NOENT)"),
    mistake("a device is told by its inode", IS, "Ok(found) if stat.is(libc::S_IFCHR)", "Ok(found) if stat.is(libc::S_IFDIR)"),
    mistake("listening is compared as a number", IS, "== (listening != 0)", "== (listening == 1)"),
    mistake("the flow label does not matter", IS, "            && zero_or_same(expected.sin6_flowinfo, bound.sin6_flowinfo)\n", ""),
    mistake("an abstract name may be longer", IS, "bound == name", "bound.starts_with(name)"),
    mistake("a path may be longer", "src/is.rs", "bytes(length + 1)", "bytes(length)"),
    mistake("the watchdog is everybody's", DAEMON, "number::pid(pid)? != sys::getpid()", "number::pid(pid)? < 0"),
    mistake("credentials are left out", NOTIFY, "if pid == own && user", "if user"),
    mistake("an abstract address has a zero byte at its end", ADDRESS, "                self.len -= 1;\n", ""),
    mistake("the manager gets the barrier's other end", NOTIFY, "Some(&[pipe.write.raw()])", "Some(&[pipe.read.raw()])"),
    mistake("a NOTIFY_SOCKET of an unknown kind is -ERANGE", NOTIFY, "_ => return Err(Errno::PROTO),\n    };\n    vsock", "_ => return Err(Errno::RANGE),\n    };\n    vsock"),
    mistake("PRIORITY comes before MESSAGE", JOURNAL, "    entry.named(b\"MESSAGE=\", &[message])?;\n    entry.named(b\"PRIORITY=\", &[&priority])?;\n", "    entry.named(b\"PRIORITY=\", &[&priority])?;\n    entry.named(b\"MESSAGE=\", &[message])?;\n"),
    mistake("white space stays at a message's end", JOURNAL, "let message = trim_end(message);", ""),
    mistake("lengths are big-endian", JOURNAL, ".to_le_bytes()", ".to_be_bytes()"),
    mistake("a newline in a value goes unnoticed", JOURNAL, "Some(_) => self.binary(name, &[value])?", "Some(_) => self.pieces(&[name, b\"=\", value])"),
    mistake("SYSLOG_IDENTIFIER is sent twice", JOURNAL, "self.has_identifier |= name == b\"SYSLOG_IDENTIFIER\";", ""),
    mistake("a journal that is not there is an error", JOURNAL, "Err(Errno::NOENT) => Ok(()),", ""),
    mistake("large entries can still be changed", LARGE_MESSAGE, "libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE", "libc::F_SEAL_SEAL"),
    mistake("an entry changes errno", JOURNAL, "        saved.restore();\n        sent", "        sent"),
    mistake("a stream can be read from", JOURNAL, "    sys::shutdown(&socket, libc::SHUT_RD)?;\n", ""),
    mistake("a stream's send buffer stays small", JOURNAL, "    large_message::raise_send_buffer(socket.raw());\n", ""),
    mistake("the first descriptor is not passed", NOTIFY, "control.push_rights(fds);", "control.push_rights(fds.get(1..).unwrap_or_default());"),
    mistake("the level prefix is the wrong way round", JOURNAL, "if level_prefix { b\"1\" } else { b\"0\" }", "if level_prefix { b\"0\" } else { b\"1\" }"),
    mistake("a long message is cut", "src/variadic.c", "vsnprintf(text, (size_t) *length + 1,", "vsnprintf(text, USUAL_SIZE,"),
    mistake("backups are listed", LOGIN_LIST, "[b'.', ..] | [.., b'~']", "[b'.', ..]"),
    mistake("a control group that is gone keeps its mark", LOGIN_CGROUP, ".strip_suffix(b\" (deleted)\")", ".strip_suffix(b\" (removed)\")"),
    mistake("a peer without a unit is -ENODATA", LOGIN_PROCESS, " && !matches!(process, Process::Peer(_)) =>", " =>"),
    mistake("a monitor does not see what is removed", LOGIN_MONITOR, "libc::IN_MOVED_TO | libc::IN_DELETE", "libc::IN_MOVED_TO"),
    mistake("a semicolon begins no comment", LOGIN_FILE, "b'#' | b';' => file.skip", "b'#' => file.skip"),
];
