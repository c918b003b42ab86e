//! The headers: good for every compiler, and the same to it as libsystemd's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sdlite_test_support as support;
use support::{api, has, run, scratch, source, text};

const DAEMON: &str = "<systemd/sd-daemon.h>";
const ID128: &str = "<systemd/sd-id128.h>";
const JOURNAL: &str = "<systemd/sd-journal.h>";
const LOGIN: &str = "<systemd/sd-login.h>";

/// Where Debian's libsystemd-dev has its headers.
const DEBIAN: &str = "/usr/include/systemd";

const COMPILERS: [Compiler; 2] = [
    Compiler { c: "gcc", package_c: "gcc", cxx: "g++", package_cxx: "g++" },
    Compiler { c: "clang", package_c: "clang", cxx: "clang++", package_cxx: "clang" },
];

struct Compiler {
    c: &'static str,
    package_c: &'static str,
    cxx: &'static str,
    package_cxx: &'static str,
}

/// Every language that a compiler is asked for, and whether with -pedantic.
const LANGUAGES: &[(&str, bool)] = &[
    ("c99", true),
    ("c11", true),
    ("c17", true),
    // C23, by the name that compilers older than it have, too.
    ("c2x", true),
    ("gnu89", false),
    ("c++11", true),
    ("c++14", true),
    ("c++17", true),
    ("c++20", true),
    ("gnu++98", false),
];

impl Compiler {
    /// The compiler of a language, set up to find our headers; None where it is not here.
    fn command(&self, language: &str) -> Option<Command> {
        let cxx = language.contains("++");
        let (program, package) = if cxx { (self.cxx, self.package_cxx) } else { (self.c, self.package_c) };
        let mut command = Command::new(program);
        command.arg("-fsyntax-only").arg(format!("-std={language}"));
        command.args(["-x", if cxx { "c++" } else { "c" }]).arg("-I").arg(source().join("include"));
        has(program, package).then_some(command)
    }

    /// The same, and it fails at any warning.
    fn strict(&self, language: &str) -> Option<Command> {
        let mut command = self.command(language)?;
        command.args(["-Wall", "-Wextra", "-Werror"]);
        Some(command)
    }
}

fn compiles(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn both_orders() -> [[&'static str; 2]; 2] {
    [[DAEMON, JOURNAL], [JOURNAL, DAEMON]]
}

#[test]
fn the_headers_compile_without_a_warning_in_every_language_in_either_order_and_twice() {
    for compiler in &COMPILERS {
        for (language, pedantic) in LANGUAGES {
            for [first, second] in both_orders() {
                for suppressed in [false, true] {
                    let Some(mut command) = compiler.strict(language) else { continue };
                    command.args([format!("-DFIRST={first}"), format!("-DSECOND={second}")]);
                    command.args(pedantic.then_some("-pedantic"));
                    command.args(suppressed.then_some("-DSD_JOURNAL_SUPPRESS_LOCATION"));
                    run(command.arg(source().join("tests/programs/headers.c")));
                }
            }
        }
    }
}

#[test]
fn each_header_compiles_alone() {
    let directory = scratch();
    let cases = [
        ("empty-daemon.c", DAEMON, "typedef int nothing_else;"),
        ("empty-id128.c", ID128, "typedef int nothing_else;"),
        ("empty-journal.c", JOURNAL, "typedef int nothing_else;"),
        ("empty-login.c", LOGIN, "typedef int nothing_else;"),
        // All that a program that asks for its socket needs.
        (
            "daemon.c",
            DAEMON,
            "int f(void); int f(void) { return sd_is_socket_inet(3, AF_INET, SOCK_STREAM, 1, (uint16_t) 8080); }",
        ),
        ("journal.c", JOURNAL, "int f(void); int f(void) { return sd_journal_print(LOG_ERR, \"%d\", LOG_DEBUG); }"),
        ("login.c", LOGIN, "int f(uid_t uid); int f(uid_t uid) { return sd_uid_get_sessions(uid, 0, (char ***) 0); }"),
        (
            "id128.c",
            ID128,
            "int f(void); int f(void) { sd_id128_t id; return sd_id128_get_machine(&id) + sd_id128_is_null(id); }",
        ),
        // And to end a list of fields.
        ("fields.c", JOURNAL, "int f(void); int f(void) { return sd_journal_send(\"MESSAGE=x\", NULL); }"),
    ];
    for (name, header, code) in cases {
        let file = write(directory.path(), name, &format!("#include {header}\n{code}\n"));
        for compiler in &COMPILERS {
            for (language, pedantic) in LANGUAGES {
                let Some(mut command) = compiler.strict(language) else { continue };
                run(command.args(pedantic.then_some("-pedantic")).arg(&file));
            }
        }
    }
}

#[test]
fn the_headers_compile_against_musl() {
    if has("musl-gcc", "musl-tools") {
        for [first, second] in both_orders() {
            run(Command::new("musl-gcc")
                .args(["-fsyntax-only", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
                .arg(source().join("include"))
                .args([format!("-DFIRST={first}"), format!("-DSECOND={second}")])
                .arg(source().join("tests/programs/headers.c")));
        }
    }
}

#[test]
fn the_compiler_checks_arguments_against_formats_and_that_a_list_of_fields_ends() {
    const LOCATION: &str = r#""CODE_FILE=f", "CODE_LINE=1", "g""#;
    // `(name)` is the function where `name` is a macro, and `$at` a location.
    const CASES: &[(&str, bool)] = &[
        (r#"sd_journal_print(LOG_INFO, "x")"#, true),
        (r#"sd_journal_print(LOG_INFO, "%d %s", 1, "x")"#, true),
        (r#"sd_journal_print(LOG_INFO, "%s", 1)"#, false),
        (r#"sd_journal_print(LOG_INFO, "%d")"#, false),
        (r#"(sd_journal_print)(LOG_INFO, "%d %s", 1, "x")"#, true),
        (r#"(sd_journal_print)(LOG_INFO, "%s", 1)"#, false),
        (r#"(sd_journal_print)(LOG_INFO, "%d")"#, false),
        (r#"sd_journal_print_with_location(LOG_INFO, $at, "%s", "x")"#, true),
        (r#"sd_journal_print_with_location(LOG_INFO, $at, "%s", 1)"#, false),
        (r#"sd_journal_printv(LOG_INFO, "%d", ap)"#, true),
        (r#"sd_journal_printv(LOG_INFO, "%!", ap)"#, false),
        (r#"(sd_journal_printv)(LOG_INFO, "%d", ap)"#, true),
        (r#"(sd_journal_printv)(LOG_INFO, "%!", ap)"#, false),
        (r#"sd_journal_printv_with_location(LOG_INFO, $at, "%!", ap)"#, false),
        (r#"sd_journal_send("MESSAGE=%s", "x", "N=%d", 1, NULL)"#, true),
        (r#"sd_journal_send("MESSAGE=x")"#, false),
        (r#"sd_journal_send("MESSAGE=%s", "x", "N=%d", 1)"#, false),
        (r#"sd_journal_send("MESSAGE=%s", "x", "N=%d", 0)"#, false),
        (r#"sd_journal_send("MESSAGE=%!", "x", NULL)"#, false),
        (r#"(sd_journal_send)("MESSAGE=%s", "x", "N=%d", 1, NULL)"#, true),
        (r#"(sd_journal_send)("MESSAGE=x")"#, false),
        (r#"(sd_journal_send)("MESSAGE=%s", "x", "N=%d", 1)"#, false),
        (r#"(sd_journal_send)("MESSAGE=%!", "x", NULL)"#, false),
        (r#"sd_journal_send_with_location($at, "MESSAGE=x", NULL)"#, true),
        (r#"sd_journal_send_with_location($at, "MESSAGE=x")"#, false),
        (r#"sd_notifyf(0, "READY=%d", 1)"#, true),
        (r#"sd_notifyf(0, "READY=%s", 1)"#, false),
        (r#"sd_notifyf(0, "READY=%d")"#, false),
        (r#"sd_pid_notifyf(0, 0, "STATUS=%s", "x")"#, true),
        (r#"sd_pid_notifyf(0, 0, "STATUS=%s", 1)"#, false),
        (r#"sd_pid_notifyf(0, 0, "STATUS=%s")"#, false),
        (r#"sd_pid_notifyf_with_fds(0, 0, NULL, 0, "FDNAME=%s", "x")"#, true),
        (r#"sd_pid_notifyf_with_fds(0, 0, NULL, 0, "FDNAME=%s", 1)"#, false),
        (r#"sd_pid_notifyf_with_fds(0, 0, NULL, 0, "FDNAME=%s")"#, false),
    ];
    let directory = scratch();
    for (i, (call, right)) in CASES.iter().enumerate() {
        let code = format!(
            "#include <stddef.h>\n#include {DAEMON}\n#include {JOURNAL}\n\
             int f(va_list ap); int f(va_list ap) {{ (void) ap; return {}; }}\n",
            call.replace("$at", LOCATION)
        );
        let file = write(directory.path(), &format!("format-{i}.c"), &code);
        for compiler in &COMPILERS {
            for language in ["c99", "c++11"] {
                let Some(mut command) = compiler.command(language) else { continue };
                // What GCC says about the end of a list is a part of this warning, and clang always says it.
                let output = compiles(command.args(["-Wformat", "-Werror"]).arg(&file));
                assert_eq!(output.status.success(), *right, "{call}: {command:?}\n{}", text(&output));
            }
        }
    }
}

#[test]
fn a_file_can_include_these_headers_and_those_of_libsystemd() {
    if !has("/usr/include/systemd/sd-journal.h", "libsystemd-dev") {
        return;
    }
    let ours: Vec<_> = api::headers().iter().map(|name| api::header(name).display().to_string()).collect();
    let theirs: Vec<_> = api::headers().iter().map(|name| format!("{DEBIAN}/{name}")).collect();
    let includes =
        |headers: &[String]| headers.iter().map(|header| format!("#include \"{header}\"\n")).collect::<String>();
    let directory = scratch();
    // A declaration of another type, and a macro of another value, are errors: so the check is one.
    let cases: [(_, _, _, &[&str], _); 4] = [
        ("ours-first.c", [ours.clone(), theirs.clone()].concat(), "", &["c99", "c2x", "c++11", "c++20"], true),
        ("theirs-first.c", [theirs, ours.clone()].concat(), "", &["c99", "c2x", "c++11", "c++20"], true),
        ("type.c", ours.to_vec(), "int sd_is_fifo(int fd, char *path);", &["c99", "c2x"], false),
        ("macro.c", ours.to_vec(), "#define SD_ERR \"<4>\"", &["c99", "c++11"], false),
    ];
    for (name, headers, code, languages, right) in cases {
        let code = format!("#define SD_JOURNAL_SUPPRESS_LOCATION\n{}{code}\n", includes(&headers));
        let file = write(directory.path(), name, &code);
        for compiler in &COMPILERS {
            for language in languages {
                let Some(mut command) = compiler.strict(language) else { continue };
                let output = compiles(command.arg(&file));
                assert_eq!(output.status.success(), right, "{name}: {command:?}\n{}", text(&output));
            }
        }
    }
}

/// The functions that releases after Debian 12's have added, as their manual pages declare them.
const LATER: &[(&str, &str, &str)] = &[
    ("sd-daemon.h", "sd_pid_notify_barrier", "pid_t pid, int unset_environment, uint64_t timeout"),
    (
        "sd-daemon.h",
        "sd_pid_notifyf_with_fds",
        "pid_t pid, int unset_environment, const int *fds, size_t n_fds, const char *format, ...",
    ),
    ("sd-daemon.h", "sd_pidfd_get_inode_id", "int pidfd, uint64_t *ret"),
    ("sd-id128.h", "sd_id128_get_app_specific", "sd_id128_t base, sd_id128_t app_id, sd_id128_t *ret"),
    ("sd-id128.h", "sd_id128_get_invocation_app_specific", "sd_id128_t app_id, sd_id128_t *ret"),
    (
        "sd-journal.h",
        "sd_journal_stream_fd_with_namespace",
        "const char *name_space, const char *identifier, int priority, int level_prefix",
    ),
    ("sd-login.h", "sd_pidfd_get_session", "int pidfd, char **ret_session"),
    ("sd-login.h", "sd_pidfd_get_owner_uid", "int pidfd, uid_t *ret_uid"),
    ("sd-login.h", "sd_pidfd_get_unit", "int pidfd, char **ret_unit"),
    ("sd-login.h", "sd_pidfd_get_user_unit", "int pidfd, char **ret_unit"),
    ("sd-login.h", "sd_pidfd_get_slice", "int pidfd, char **ret_slice"),
    ("sd-login.h", "sd_pidfd_get_user_slice", "int pidfd, char **ret_slice"),
    ("sd-login.h", "sd_pidfd_get_machine_name", "int pidfd, char **ret_machine"),
    ("sd-login.h", "sd_pidfd_get_cgroup", "int pidfd, char **ret_cgroup"),
    ("sd-login.h", "sd_session_get_username", "const char *session, char **ret_username"),
    ("sd-login.h", "sd_session_get_start_time", "const char *session, uint64_t *ret_usec"),
    ("sd-login.h", "sd_session_get_leader", "const char *session, pid_t *ret_leader"),
    ("sd-login.h", "sd_session_get_extra_device_access", "const char *session, char ***ret_ids"),
    ("sd-login.h", "sd_uid_get_login_time", "uid_t uid, uint64_t *ret_usec"),
];

#[test]
fn every_function_of_the_headers_is_one_of_libsystemd() {
    if !has("/usr/include/systemd/sd-journal.h", "libsystemd-dev") {
        return;
    }
    let directory = scratch();
    for name in api::headers() {
        let functions = api::declared(&api::header(&name));
        let theirs = fs::read_to_string(Path::new(DEBIAN).join(&name)).expect("a header");
        let (known, later): (Vec<_>, Vec<_>) =
            functions.iter().partition(|function| theirs.contains(&format!("{function}(")));
        let documented =
            |function: &String| LATER.iter().any(|(header, later, _)| *header == name && later == function);
        assert!(later.into_iter().all(documented), "{name}: {functions:?}");
        assert!(!known.is_empty(), "{name}: {functions:?}");
        let uses: String = known
            .iter()
            .map(|function| format!("void (*use_{function})(void) = (void (*)(void)) {function};\n"))
            .collect();
        let code = format!("#define SD_JOURNAL_SUPPRESS_LOCATION\n#include \"{DEBIAN}/{name}\"\n{uses}");
        run(Command::new("cc").args(["-fsyntax-only", "-Wall", "-Wno-deprecated-declarations", "-Werror"]).arg(write(
            directory.path(),
            "uses.c",
            &code,
        )));
    }
}

#[test]
fn what_libsystemd_has_added_since_is_declared_as_in_its_manual() {
    let directory = scratch();
    for (name, function, parameters) in LATER {
        assert!(api::declared(&api::header(name)).iter().any(|declared| declared == function), "{function}");
        // Another type of the same function is an error: so the check is one.
        let wrong = parameters.replacen("int", "long", 1).replacen("const char *", "char *", 1);
        let wrong = wrong.replacen("sd_id128_t *", "const sd_id128_t *", 1);
        for (parameters, right) in [(*parameters, true), (&wrong, false)] {
            let code = format!("#include <systemd/{name}>\nint {function}({parameters});\n");
            let file = write(directory.path(), "later.c", &code);
            for compiler in &COMPILERS {
                for language in ["c99", "c2x"] {
                    let Some(mut command) = compiler.strict(language) else { continue };
                    let output = compiles(command.arg(&file));
                    assert_eq!(output.status.success(), right, "{code}: {command:?}\n{}", text(&output));
                }
            }
        }
    }
}

#[test]
fn the_macros_expand_to_the_calls_that_libsystemds_expand_to() {
    const CALLS: &str = r#"
        sd_journal_print(LOG_INFO, "x");
        sd_journal_print(a(1, 2), "%d %s", 1, "x");
        sd_journal_printv(LOG_INFO, "%d", ap);
        sd_journal_send("MESSAGE=%s", "x", NULL);
        sd_journal_sendv(iov, 3);
        sd_journal_perror("x");
        (sd_journal_print)(LOG_INFO, "x");
        (sd_journal_printv)(LOG_INFO, "x", ap);
        (sd_journal_send)("MESSAGE=x", NULL);
        (sd_journal_sendv)(iov, 3);
        (sd_journal_perror)("x");
        int start = SD_LISTEN_FDS_START;
        const char *levels = SD_EMERG SD_ALERT SD_CRIT SD_ERR SD_WARNING SD_NOTICE SD_INFO SD_DEBUG;
    "#;
    if !has("/usr/include/systemd/sd-journal.h", "libsystemd-dev") {
        return;
    }
    let directory = scratch();
    let expanded = |headers: &Path, suppress: &str| {
        let [daemon, journal] = ["sd-daemon.h", "sd-journal.h"].map(|name| headers.join(name).display().to_string());
        let code = format!("{suppress}\n#include \"{daemon}\"\n#include \"{journal}\"\n#line 1 \"f.c\"\n{CALLS}");
        let file = write(directory.path(), "macros.c", &code);
        let output = run(Command::new("cc").arg("-E").arg(file));
        let output = text(&output);
        let (_, calls) = output.rsplit_once("# 1 \"f.c\"").expect("a line of the preprocessor");
        calls.split_whitespace().collect::<String>()
    };
    let ours = source().join("include/systemd");
    for suppress in ["", "#define SD_JOURNAL_SUPPRESS_LOCATION"] {
        assert_eq!(expanded(&ours, suppress), expanded(Path::new(DEBIAN), suppress));
        assert_eq!(expanded(&ours, suppress).contains("sd_journal_perror_with_location"), suppress.is_empty());
    }
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let file = directory.join(name);
    fs::write(&file, text).expect("a file in a directory of this test's own");
    file
}
