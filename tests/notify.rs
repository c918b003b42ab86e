//! What reaches the service manager, and the other questions of sd-daemon.h.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support as support;
use support::TempDir;

/// Two calls in C, for notify.c: without and with `unset`.
struct Case {
    /// What is done before.
    given: String,
    call: String,
    /// The line that notify.c prints: what is returned and, after a bar, each message: whose, with what descriptors, text.
    printed: String,
    compared: Compared,
}

/// With which releases of libsystemd.
#[derive(Clone, Copy, PartialEq)]
enum Compared {
    All,
    Since254,
    Since258,
    No,
}
use Compared::{All, No, Since254, Since258};

fn case(given: impl Into<String>, call: impl Into<String>, printed: impl Into<String>, compared: Compared) -> Case {
    Case { given: given.into(), call: call.into(), printed: printed.into(), compared }
}

impl Case {
    /// Both lines: with `unset` nothing is different but that variables which were there are no more.
    fn printed(&self) -> [String; 2] {
        let (answer, received) = self.printed.split_at(self.printed.find(" |").unwrap_or(self.printed.len()));
        let unset = if self.given.contains("unsetenv(") { "" } else { " unset" };
        [self.printed.clone(), format!("{answer}{unset}{received}")]
    }
}

/// A program made of notify.c and these cases.
struct Program {
    directory: TempDir,
}

/// Ours, or where there is one libsystemd's.
type Compile = fn(&Path, &Path, [&str; 5]) -> bool;

const OURS: Compile = |source, program, flags| {
    support::compile(source, program, flags);
    true
};
const THEIRS: Compile = |source, program, flags| support::compile_with_libsystemd(source, program, flags);

impl Program {
    fn new(compile: Compile, cases: &[&Case]) -> Option<Self> {
        let program = Self { directory: support::scratch() };
        let line = |case: &&Case| format!("CASE({}, {});\n", case.given, case.call);
        fs::write(program.directory.path().join("cases.h"), cases.iter().map(line).collect::<String>())
            .expect("the cases");
        let source = support::source().join("tests/programs/notify.c");
        let include = format!("-I{}", program.directory.path().display());
        let flags = [&include, "-Wall", "-Werror", "-Wno-unused-function", "-pthread"];
        compile(&source, &program.path(), flags).then_some(program)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("notify")
    }

    /// The lines that it prints for its cases; `command` is what runs it.
    fn lines(&self, mut command: Command) -> Vec<String> {
        let directory = support::scratch();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711)).expect("a directory for everybody");
        let output = support::run(command.arg(self.path()).arg("cases").current_dir(directory.path()));
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
    }
}

/// Runs a program for two minutes at most.
fn timeout() -> Command {
    let mut command = Command::new("timeout");
    command.arg("120");
    command
}

fn check(cases: &[Case]) {
    check_where(cases, || Some(timeout()));
}

/// Compares what comes out with what the cases say, and what they say with libsystemd. `command` runs a program.
fn check_where(cases: &[Case], command: impl Fn() -> Option<Command>) {
    let compared = |case: &&Case| match case.compared {
        All => true,
        Since254 => support::libsystemd_has("LIBSYSTEMD_254"),
        Since258 => support::libsystemd_has("LIBSYSTEMD_258"),
        No => false,
    };
    let (all, compared): (Vec<_>, Vec<_>) = (cases.iter().collect(), cases.iter().filter(compared).collect());
    for (name, compile, cases) in [("sdlite", OURS, all), ("libsystemd", THEIRS, compared)] {
        let Some(program) = Program::new(compile, &cases) else { continue };
        let Some(command) = command() else { return };
        let printed = program.lines(command);
        assert_eq!(printed.len(), 2 * cases.len(), "{printed:#?}");
        let different = cases.iter().zip(printed.chunks(2)).filter(|(case, printed)| case.printed() != *printed);
        let different: Vec<_> =
            different.map(|(case, line)| format!("{}; {}: {line:?}", case.given, case.call)).collect();
        assert!(different.is_empty(), "{}: {different:#?}", name);
    }
}

/// A negative number of errno(3), as it is printed.
fn error(number: i32) -> String {
    format!("-{number}")
}

const NOTIFY: &str = "sd_notify(unset, \"READY=1\")";

#[test]
fn the_manager_is_notified_where_notify_socket_says() {
    let to = |address: &str, printed: &str, compared| case(format!("to(\"{address}\")"), NOTIFY, printed, compared);
    let to_error = |address: &str, number, compared| to(address, &error(number), compared);
    let (invalid, unknown) = (libc::EINVAL, libc::EPROTO);
    let mut cases = vec![
        case("", NOTIFY, "1 | READY=1", All),
        case("to(abstract)", NOTIFY, "1 | READY=1", All),
        case("to_file(\"link\")", NOTIFY, "1 | READY=1", All),
        case("to_file(\"./socket\")", NOTIFY, "1 | READY=1", All),
        case("unsetenv(\"NOTIFY_SOCKET\")", NOTIFY, "0", All),
        case("unsetenv(\"NOTIFY_SOCKET\")", "sd_notify(unset, NULL)", error(invalid), All),
        case("to_file(\"missing\")", NOTIFY, error(libc::ENOENT), All),
        case("to_file(\"socket/below\")", NOTIFY, error(libc::ENOTDIR), All),
        case("to_file(\"stream\")", NOTIFY, error(libc::EPROTOTYPE), All),
        case("to_file(\"nobody\")", NOTIFY, error(libc::ECONNREFUSED), All),
        case("to_file(\"\")", NOTIFY, error(libc::ECONNREFUSED), All),
        case("to_long(\"/\", 107)", NOTIFY, error(libc::ENOENT), All),
        case("to_long(\"/\", 108)", NOTIFY, error(libc::ENAMETOOLONG), All),
        case("to_long(\"/\", 255)", NOTIFY, error(libc::ENAMETOOLONG), All),
        case("to_long(\"@\", 107)", NOTIFY, error(libc::ECONNREFUSED), All),
        case("to_long(\"@\", 108)", NOTIFY, error(libc::EINVAL), All),
        to_error("/dev/null", libc::ECONNREFUSED, All),
        to_error("/", invalid, All),
        to_error("@", invalid, All),
        to_error("", unknown, Since258),
        to_error("socket", unknown, Since258),
        to_error("./socket", unknown, Since258),
        to_error(" /socket", unknown, Since258),
        to_error("unix:/socket", unknown, Since258),
        to_error("vsock", unknown, Since258),
        to_error("vsock-raw:1:1", unknown, Since258),
        to_error("VSOCK:1:1", unknown, Since258),
        case("", "sd_notify(unset, NULL)", error(invalid), All),
        case("to(\"x\")", "sd_notify(unset, NULL)", error(invalid), All),
        // What there is to say is looked at last.
        case("to(\"x\")", "sd_notify(unset, \"\")", error(unknown), Since258),
    ];
    for prefix in ["vsock:", "vsock-stream:", "vsock-dgram:", "vsock-seqpacket:"] {
        let incomplete = ["", "1", ":1", "x:1", "1:", "1:x", "1:1:1", "1:1 ", "any:1", "Host:1"];
        cases.extend(incomplete.map(|rest| to_error(&format!("{prefix}{rest}"), invalid, Since254)));
        cases.push(to_error(&format!("{prefix}-1:1"), invalid, Since258));
        let out_of_range = ["4294967296:1", "1:4294967296", "1:-1", "-1:-1", "-2:1", "1:99999999999999999999"];
        cases.extend(out_of_range.map(|rest| to_error(&format!("{prefix}{rest}"), libc::ERANGE, Since254)));
        let any = ["4294967295:1", "1:4294967295"];
        cases.extend(any.map(|rest| to_error(&format!("{prefix}{rest}"), invalid, Since254)));
    }
    check(&cases);
}

#[test]
fn a_message_arrives_whole() {
    let text = |length: usize, printed: String| case("", format!("sd_notify(unset, text({length}))"), printed, All);
    let whole = |length: usize| text(length, format!("1 | {length}*x"));
    let default = fs::read_to_string("/proc/sys/net/core/wmem_default").expect("the size of send buffers");
    let buffer: usize = default.trim().parse().expect("a number");
    let mut cases = vec![
        case("", "sd_notify(unset, \"\")", "1 | ", All),
        case("", "sd_notify(unset, \" \")", "1 |  ", All),
        text(1, "1 | x".to_owned()),
        whole(5000),
        whole(buffer - 33),
        whole(buffer - 32),
        whole(buffer - 31),
        whole(buffer),
        whole(buffer + 1),
    ];
    if support::is_root_of_the_machine() {
        cases.push(whole(500_000));
        // The kernel has no such large messages, whatever the send buffer.
        cases.push(text(8 << 20, error(libc::ENOBUFS)));
        cases.push(text(17 << 20, error(libc::EMSGSIZE)));
    }
    check(&cases);
}

#[test]
fn descriptors_travel_with_the_message() {
    let with = |fds: &str, n: u32, printed: &str, compared| {
        case("", format!("sd_pid_notify_with_fds(0, unset, \"FDSTORE=1\", {fds}, {n})"), printed, compared)
    };
    check(&[
        with("NULL", 0, "1 | FDSTORE=1", All),
        with("many", 0, "1 | FDSTORE=1", All),
        with("a_pipe", 1, "1 | pipe-r FDSTORE=1", All),
        with("a_pipe", 2, "1 | pipe-r pipe-w FDSTORE=1", All),
        with("&null", 1, "1 | null FDSTORE=1", All),
        with("many", 252, "1 | 252*null FDSTORE=1", All),
        with("many", 253, "1 | 253*null FDSTORE=1", All),
        with("many", 254, &error(libc::E2BIG), Since258),
        with("many", u32::MAX, &error(libc::E2BIG), Since258),
        with("&closed", 1, &error(libc::EBADF), All),
        with("&(int) { -1 }", 1, &error(libc::EBADF), All),
        with("NULL", 1, &error(libc::EINVAL), All),
        with("NULL", 254, &error(libc::EINVAL), All),
        case("unsetenv(\"NOTIFY_SOCKET\")", "sd_pid_notify_with_fds(0, unset, \"A\", NULL, 1)", "-22", All),
        case("unsetenv(\"NOTIFY_SOCKET\")", "sd_pid_notify_with_fds(0, unset, \"A\", &closed, 1)", "0", All),
        case("unsetenv(\"NOTIFY_SOCKET\")", "sd_pid_notify_with_fds(0, unset, \"A\", many, 254)", "-7", Since258),
        case("to(\"x\")", "sd_pid_notify_with_fds(0, unset, \"A\", many, 254)", "-7", Since258),
        case("to(\"/\")", "sd_pid_notify_with_fds(0, unset, \"A\", &closed, 1)", "-22", All),
        case("", "sd_pid_notify_with_fds(0, unset, NULL, many, 1)", "-22", All),
        case("", "sd_pid_notify_with_fds(0, unset, \"\", many, 1)", "1 | null ", All),
        case("", "sd_pid_notify_with_fds(self, unset, \"A\", many, 1)", "1 | null A", All),
    ]);
}

#[test]
fn root_notifies_in_the_name_of_another_process_and_others_in_their_own() {
    let pid = |given: &str, pid: &str, printed: &str| {
        case(given, format!("sd_pid_notify({pid}, unset, \"A\")"), printed, All)
    };
    check(&[pid("", "0", "1 | A"), pid("", "self", "1 | A"), pid("", "-1", "1 | A"), pid("", "gone()", "1 | A")]);
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return support::left_out("root, to be several users");
    }
    check(&[
        pid("", "parent", "1 | parent A"),
        pid("to(abstract); as(65534, 65534)", "parent", "1 | 65534:0 A"),
        pid("to(abstract); as(65534, 65534)", "0", "1 | 65534:0 A"),
        pid("to(abstract); as(65534, 65534)", "self", "1 | 65534:0 A"),
        case("to(abstract); as(65534, 65534)", "sd_notify(unset, text(300000))", "1 | 65534:0 300000*x", All),
        // By itself the kernel would say who it is effectively.
        pid("as(65534, 0)", "0", "1 | 65534:0 A"),
        pid("as(65534, 0)", "parent", "1 | parent 65534:0 A"),
        pid("to(abstract); as(0, 65534)", "0", "1 | A"),
        pid("as_group(65534, 0)", "0", "1 | 0:65534 A"),
        pid("as_group(0, 65534)", "self", "1 | A"),
        pid("to_file(\"socket\"); as(65534, 65534)", "0", &error(libc::EACCES)),
        case(
            "to(abstract); as(65534, 65534)",
            "sd_pid_notify_with_fds(parent, unset, \"A\", many, 253)",
            "1 | 65534:0 253*null A",
            All,
        ),
        case("", "sd_pid_notify_with_fds(parent, unset, \"A\", many, 253)", "1 | parent 253*null A", All),
        case("", "sd_pid_notify_with_fds(parent, unset, text(300000), many, 2)", "1 | parent 2*null 300000*x", All),
        case("", "sd_pid_notifyf(parent, unset, \"A=%d\", 1)", "1 | parent A=1", All),
        case("", "sd_pid_notifyf_with_fds(parent, unset, many, 2, \"A=%d\", 1)", "1 | parent 2*null A=1", Since254),
        case("", "sd_pid_notify_barrier(parent, unset, 0)", "-110 | parent pipe-w BARRIER=1", Since254),
    ]);
}

#[test]
fn a_state_can_be_formatted() {
    let f = |call: &str, printed: &str, compared| case("", call, printed, compared);
    // Where a size has more than 32 bits, this one has none of these.
    let too_many = if cfg!(target_pointer_width = "64") { "(size_t) 1 << 32" } else { "254" };
    check(&[
        f("sd_notifyf(unset, \"A=%s %d %%\", \"x\", 5)", "1 | A=x 5 %", All),
        f("sd_notifyf(unset, \"%.0f %*d %c\", 2.0, 3, 4, 'c')", "1 | 2   4 c", All),
        f("(errno = ENOENT, sd_notifyf(unset, \"ERRNO=%m\"))", "1 | ERRNO=No such file or directory", All),
        f("sd_notifyf(unset, \"%s\", text(2047))", "1 | 2047*x", All),
        f("sd_notifyf(unset, \"%s\", text(2048))", "1 | 2048*x", All),
        f("sd_notifyf(unset, \"%s\", text(2049))", "1 | 2049*x", All),
        f("sd_notifyf(unset, \"%s\", text(300000))", "1 | 300000*x", All),
        f("(errno = ENOENT, sd_notifyf(unset, \"%s%m\", text(3000)))", "1 | 3025 bytes", All),
        f("sd_notifyf(unset, \"%s\", \"\")", "1 | ", All),
        f("sd_notifyf(unset, nothing)", "-22", Since258),
        f("sd_pid_notifyf(0, unset, nothing)", "-22", Since258),
        f("sd_pid_notifyf_with_fds(0, unset, many, 1, nothing)", "-22", Since258),
        f("sd_pid_notifyf_with_fds(0, unset, NULL, 1, nothing)", "-22", Since258),
        f("sd_notifyf(unset, \"x%lc\", (wint_t) 0x20ac)", "-12", Since258),
        f("sd_notifyf(unset, \"%s%lc\", text(5000), (wint_t) 0x20ac)", "-12", Since258),
        f("sd_pid_notifyf(0, unset, \"x%lc\", (wint_t) 0x20ac)", "-12", Since258),
        f("sd_pid_notifyf_with_fds(0, unset, many, 1, \"x%lc\", (wint_t) 0x20ac)", "-12", Since258),
        case("unsetenv(\"NOTIFY_SOCKET\")", "sd_notifyf(unset, \"x%lc\", (wint_t) 0x20ac)", "-12", All),
        case("unsetenv(\"NOTIFY_SOCKET\")", "sd_notifyf(unset, \"x%d\", 1)", "0", All),
        case("to(\"/\")", "sd_notifyf(unset, \"x%d\", 1)", "-22", All),
        f("sd_pid_notifyf(self, unset, \"A=%d\", 1)", "1 | A=1", All),
        f("sd_pid_notifyf_with_fds(0, unset, a_pipe, 2, \"A=%d\", 1)", "1 | pipe-r pipe-w A=1", Since254),
        f("sd_pid_notifyf_with_fds(0, unset, NULL, 0, \"A=%d\", 1)", "1 | A=1", Since254),
        f("sd_pid_notifyf_with_fds(0, unset, NULL, 1, \"A=%d\", 1)", "-22", Since254),
        f("sd_pid_notifyf_with_fds(0, unset, many, 254, \"A=%d\", 1)", "-7", Since258),
        f(&format!("sd_pid_notifyf_with_fds(0, unset, many, {too_many}, \"A=%d\", 1)"), "-7", Since258),
        f("sd_pid_notifyf_with_fds(0, unset, &closed, 1, \"A=%d\", 1)", "-9", Since254),
    ]);
}

#[test]
fn a_barrier_waits_until_the_manager_has_let_go_of_it() {
    let answered = "1 | pipe-w BARRIER=1";
    let waiting = "-110 | pipe-w BARRIER=1";
    let barrier = |timeout: &str| format!("sd_notify_barrier(unset, {timeout})");
    // libsystemd's is at most what time_t can say, and Debian's for i386 has one of 32 bits.
    let eternity = if cfg!(target_arch = "x86") { No } else { All };
    check(&[
        case("", barrier("0"), waiting, All),
        case("", barrier("1"), waiting, All),
        case("", barrier("10000"), waiting, All),
        case("meanwhile(receive_one)", barrier("UINT64_MAX"), answered, All),
        case("meanwhile(receive_one)", barrier("UINT64_MAX - 1"), answered, eternity),
        case("meanwhile(receive_one)", barrier("60000000"), answered, All),
        case("meanwhile(receive_late)", barrier("UINT64_MAX"), answered, All),
        case("meanwhile(receive_late)", barrier("UINT64_C(1) << 32"), answered, All),
        case("meanwhile(receive_one)", "sd_pid_notify_barrier(self, unset, UINT64_MAX)", answered, Since254),
        case("timer(20000)", barrier("UINT64_MAX"), "-4 | pipe-w BARRIER=1", All),
        case("timer(20000)", barrier("60000000"), "-4 | pipe-w BARRIER=1", All),
        case("unsetenv(\"NOTIFY_SOCKET\")", barrier("UINT64_MAX"), "0", All),
        case("to(\"/\")", barrier("UINT64_MAX"), "-22", All),
        case("to(\"x\")", barrier("UINT64_MAX"), "-71", Since258),
        case("to_file(\"missing\")", barrier("UINT64_MAX"), "-2", All),
        case("to_file(\"nobody\")", barrier("UINT64_MAX"), "-111", All),
        case("spare_descriptors(0)", barrier("0"), "-24", Since258),
        case("spare_descriptors(1)", barrier("0"), "-24", Since258),
        case("spare_descriptors(2)", barrier("0"), "-24", All),
        case("spare_descriptors(3)", barrier("0"), waiting, All),
        case("spare_descriptors(0)", NOTIFY, "-24", All),
        case("spare_descriptors(1)", NOTIFY, "1 | READY=1", All),
    ]);
}

#[test]
fn a_full_queue_makes_it_wait() {
    check(&[
        case("fill(); meanwhile(receive_late)", NOTIFY, "1 | READY=1", All),
        case("fill(); timer(20000)", NOTIFY, "-4", All),
        case("fill(); timer(20000)", "sd_notify_barrier(unset, 0)", "-4", All),
    ]);
}

#[test]
fn a_watchdog_is_there_where_both_variables_say_so() {
    let largest = u64::MAX.to_string();
    let next = (u64::MAX - 1).to_string();
    let call = "sd_watchdog_enabled(unset, &number)";
    let watchdog =
        |usec: &str, pid: &str, printed: &str| case(format!("watchdog(\"{usec}\", {pid})"), call, printed, All);
    check(
        &[
            case("unsetenv(\"NOTIFY_SOCKET\")", call, "0", All),
            watchdog("5", "NULL", "1 5"),
            watchdog("5", "decimal(self)", "1 5"),
            watchdog("5", "decimal(parent)", "0"),
            watchdog("5", "\"\"", "-22"),
            watchdog("5", "\"x\"", "-22"),
            watchdog("5", "\"0\"", "-34"),
            watchdog("5", "\"-1\"", "-34"),
            watchdog("5", "\"4294967297\"", "-34"),
            watchdog("", "NULL", "-22"),
            watchdog("0", "decimal(parent)", "-22"),
            watchdog("x", "\"0\"", "-22"),
            watchdog("5 ", "NULL", "-22"),
            watchdog(" 0x10", "NULL", "1 16"),
            watchdog("-5", "NULL", "-34"),
            watchdog(&next, "NULL", &format!("1 {next}")),
            watchdog(&largest, "NULL", "-22"),
            watchdog("18446744073709551616", "NULL", "-34"),
            case("watchdog(\"5\", NULL)", "sd_watchdog_enabled(unset, NULL)", "1", All),
            case("watchdog(\"5\", decimal(self)); unsetenv(\"WATCHDOG_USEC\")", call, "0", All),
        ]
        .map(|case| match &*case.given {
            // Of the two there is one, and that is removed.
            given if given.ends_with("WATCHDOG_USEC\")") => {
                Case { given: given.replace("unsetenv(", "(unsetenv)("), ..case }
            }
            _ => case,
        }),
    );
}

#[test]
fn a_pidfd_has_the_id_of_its_inode() {
    let id = |call: &str, yes: &str, without: i32| {
        let printed = if support::has_pidfs() { yes.to_owned() } else { error(without) };
        Case { given: "unsetenv(\"NOTIFY_SOCKET\")".to_owned(), ..case("", call, printed, Since258) }
    };
    let unsupported = libc::EOPNOTSUPP;
    check(&[
        id("inode_id(pidfd)", "0", unsupported),
        id("sd_pidfd_get_inode_id(pidfd, NULL)", "0", unsupported),
        id("inode_id(null)", "-9", unsupported),
        id("inode_id(a_pipe[0])", "-9", unsupported),
        id("inode_id(closed)", "-9", libc::EBADF),
        id("inode_id(-1)", "-9", libc::EBADF),
    ]);
}

#[test]
fn systemd_has_booted_if_its_directory_is_there() {
    type Place = (fn(&Path), i32);
    let places: &[Place] = &[
        (|_| {}, 0),
        (|run| fs::create_dir_all(run.join("systemd")).expect("a directory"), 0),
        (|run| fs::create_dir_all(run.join("systemd/system")).expect("a directory"), 1),
        (
            |run| {
                fs::create_dir_all(run.join("systemd/other")).expect("a directory");
                symlink("other", run.join("systemd/system")).expect("a link");
            },
            1,
        ),
        (
            |run| {
                fs::create_dir_all(run.join("systemd")).expect("a directory");
                symlink("nowhere", run.join("systemd/system")).expect("a link");
            },
            0,
        ),
        (
            |run| {
                fs::create_dir_all(run.join("systemd")).expect("a directory");
                symlink("system", run.join("systemd/system")).expect("a link");
            },
            -libc::ELOOP,
        ),
        (
            |run| {
                fs::create_dir_all(run.join("systemd")).expect("a directory");
                fs::write(run.join("systemd/system"), "").expect("a file");
            },
            -libc::ENOTDIR,
        ),
        (|run| fs::write(run.join("systemd"), "").expect("a file"), -libc::ENOTDIR),
    ];
    for (prepare, answer) in places {
        let run = support::scratch();
        prepare(run.path());
        let given = "unsetenv(\"NOTIFY_SOCKET\")";
        check_where(&[case(given, "sd_booted()", answer.to_string(), All)], || support::with_run(run.path()));
    }
}

/// What a program does that notifies `address`, if the kernel has a socket for it: what it prints, and its system calls.
fn traced(program: &Path, address: &str, injections: &[&str], peer: &str) -> (String, Vec<String>) {
    let directory = support::scratch();
    let trace = directory.path().join("trace");
    let mut command = timeout();
    command.args(["strace", "-o"]).arg(&trace).args(injections.iter().map(|injection| format!("--inject={injection}")));
    let output = support::run(command.arg(program).arg("connected").arg(peer).env("NOTIFY_SOCKET", address));
    let trace = fs::read_to_string(&trace).expect("a trace");
    let calls = trace.lines().skip_while(|line| !line.starts_with("socket(")).filter_map(|line| {
        let (call, arguments) = line.split_once('(')?;
        let from = |start: &str, end: &[char]| {
            arguments.split_once(start).map(|(_, rest)| rest.split(end).next().unwrap_or_default().to_owned())
        };
        let address = || Some(format!("{}:{}", from("svm_cid=", &[','])?, from("svm_port=", &[',', '}'])?));
        match call {
            "socket" => from("SOCK_", &['|']).map(|kind| format!("socket {kind}")),
            "bind" | "connect" | "sendmsg" => Some(format!("{call} {}", address().unwrap_or_default())),
            "shutdown" => from("SHUT_", &[')']).map(|side| format!("shutdown {side}")),
            "recv" | "recvfrom" | "recvmsg" => Some("recv".to_owned()),
            _ => None,
        }
    });
    (String::from_utf8_lossy(&output.stdout).trim_end().to_owned(), calls.collect())
}

#[test]
fn a_virtual_machine_notifies_its_host() {
    if !support::has("strace", "strace") {
        return;
    }
    let socket = "socket:retval=20";
    let all = [socket, "bind:retval=0", "connect:retval=0"];
    let datagram = [&all[..], &["sendmsg:retval=7"]].concat();
    let no_privilege = [socket, "bind:error=EACCES", "connect:retval=0"];
    let not_permitted = [socket, "bind:error=EPERM", "connect:retval=0"];
    let ports_taken = [socket, "bind:error=EADDRINUSE:when=1..2", "connect:retval=0"];
    let unavailable = [socket, "bind:error=EADDRNOTAVAIL", "connect:retval=0"];
    let refused = [socket, "bind:retval=0", "connect:error=ECONNREFUSED"];
    let none = ["socket:error=EAFNOSUPPORT"];
    let privileged = "bind VMADDR_CID_ANY:0x3ff";
    let next = ["bind VMADDR_CID_ANY:0x3fe", "bind VMADDR_CID_ANY:0x3fd"];
    type Row<'a> = (&'a str, &'a [&'a str], &'a str, &'a str, &'a [&'a str]);
    let to_dgram = |to: &'static str| ["socket DGRAM", privileged, to];
    let (host, one) = (to_dgram("sendmsg VMADDR_CID_HOST:0x4d2"), to_dgram("sendmsg VMADDR_CID_LOCAL:0x10"));
    let (hypervisor, odd) = (to_dgram("sendmsg VMADDR_CID_HYPERVISOR:0"), to_dgram("sendmsg 0x2a:0x1"));
    let stream = ["socket STREAM", privileged, "connect VMADDR_CID_HOST:0x1", "sendmsg ", "shutdown WR", "recv"];
    let rows: &[Row<'_>] = &[
        ("vsock:2:1234", &datagram, "gone", "1", &host),
        ("vsock:host:1234", &datagram, "gone", "1", &host),
        ("vsock-dgram:host:1234", &datagram, "gone", "1", &host),
        ("vsock:local:0x10", &datagram, "gone", "1", &one),
        ("vsock:1: +020", &datagram, "gone", "1", &one),
        ("vsock: 1:16", &datagram, "gone", "1", &one),
        ("vsock:hypervisor:0", &datagram, "gone", "1", &hypervisor),
        ("vsock:0x2a:1", &datagram, "gone", "1", &odd),
        ("vsock-stream:2:1", &all, "closes", "1 READY=1 0", &stream),
        ("vsock-stream:2:1", &all, "talks", "-71", &stream),
        ("vsock-stream:2:1", &all, "gone", "-32", &stream[..4]),
        ("vsock-stream:2:1", &refused, "gone", "-111", &stream[..3]),
        ("vsock-seqpacket:2:1", &refused, "gone", "-111", &["socket SEQPACKET", stream[1], stream[2]]),
        ("vsock-stream:2:1", &no_privilege, "closes", "1 READY=1 0", &stream),
        ("vsock-stream:2:1", &not_permitted, "closes", "1 READY=1 0", &stream),
        // The third is not one of these, and fails otherwise.
        ("vsock-stream:2:1", &ports_taken, "closes", "-22", &[stream[0], privileged, next[0], next[1]]),
        ("vsock-stream:2:1", &unavailable, "closes", "-99", &stream[..2]),
        ("vsock:2:1", &none, "gone", "-97", &["socket DGRAM", "socket SEQPACKET", "socket STREAM"]),
        ("vsock-stream:2:1", &none, "gone", "-97", &["socket STREAM"]),
    ];
    let theirs = support::libsystemd_has("LIBSYSTEMD_254").then(|| Program::new(THEIRS, &[])).flatten();
    let programs: Vec<Program> = Program::new(OURS, &[]).into_iter().chain(theirs).collect();
    let mut differences = Vec::new();
    for (address, injections, peer, printed, calls) in rows {
        for program in &programs {
            let (got, made) = traced(&program.path(), address, injections, peer);
            if got != *printed || made != *calls {
                differences.push(format!("{address} {injections:?} {peer}: {got} {made:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn a_state_reaches_a_listener_on_the_local_cid() {
    let Some((listener, port)) = listen_on_the_local_cid() else {
        return support::not_here("AF_VSOCK over the local CID, for which this kernel lacks vsock_loopback");
    };
    let directory = support::scratch();
    let (source, program) = (directory.path().join("local.c"), directory.path().join("local"));
    let code = "#include <systemd/sd-daemon.h>\nint main(void) { return sd_notify(1, \"READY=1\") != 1; }\n";
    fs::write(&source, code).expect("a program");
    support::compile(&source, &program, [""; 0]);
    let received = std::thread::spawn(move || {
        let mut state = String::new();
        accept(&listener).read_to_string(&mut state).expect("a state");
        state
    });
    support::run(Command::new(&program).env("NOTIFY_SOCKET", format!("vsock-stream:local:{port}")));
    assert_eq!(received.join().expect("what was received"), "READY=1");
}

/// A listening socket of AF_VSOCK and its port; None where nothing that is sent to this machine itself arrives.
fn listen_on_the_local_cid() -> Option<(OwnedFd, u32)> {
    let size = size_of::<libc::sockaddr_vm>() as libc::socklen_t;
    // SAFETY: the structure is of integers; pointers and sizes are those of the address; descriptors are owned at once.
    unsafe {
        let socket = || {
            let socket = libc::socket(libc::AF_VSOCK, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
            (socket >= 0).then(|| OwnedFd::from_raw_fd(socket))
        };
        let mut address: libc::sockaddr_vm = std::mem::zeroed();
        address.svm_family = libc::AF_VSOCK as libc::sa_family_t;
        address.svm_cid = libc::VMADDR_CID_ANY;
        address.svm_port = libc::VMADDR_PORT_ANY;
        let listener = socket()?;
        let fd = listener.as_raw_fd();
        let mut length = size;
        let listens = libc::bind(fd, (&raw const address).cast(), size) == 0
            && libc::listen(fd, 8) == 0
            && libc::getsockname(fd, (&raw mut address).cast(), &raw mut length) == 0;
        address.svm_cid = libc::VMADDR_CID_LOCAL;
        let client = socket()?;
        // It gives up after two seconds.
        let arrives = listens && libc::connect(client.as_raw_fd(), (&raw const address).cast(), size) == 0;
        arrives.then(|| {
            drop(accept(&listener));
            (listener, address.svm_port)
        })
    }
}

fn accept(listener: &OwnedFd) -> File {
    // SAFETY: the descriptor is owned at once.
    unsafe {
        let connection = libc::accept(listener.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut());
        assert!(connection >= 0, "{}", std::io::Error::last_os_error());
        File::from_raw_fd(connection)
    }
}
