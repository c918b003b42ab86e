//! Random units: lines of every honoured setting, with values that fit and values that do not, quoted, continued, commented,
//! spread over drop-ins.

use proptest::prelude::*;
use proptest::sample::select;
use sd_activate::spec::UnitType;
use sd_activate::unit::settings;

use crate::same::Files;

/// What values are made of, whether or not that makes sense.
const SCRAPS: &[&str] = &[
    "a",
    "b",
    "B1",
    "é",
    "/",
    "//",
    "/a",
    "/bin/x",
    "..",
    "/..",
    ".",
    "%n",
    "%i",
    "%I",
    "%p",
    "%P",
    "%j",
    "%N",
    "%z",
    "%%",
    "% ",
    "\"",
    "'",
    "\"a b\"",
    "'c \"d\"'",
    "\\",
    "\\\\",
    "\\x41",
    "\\n",
    "\\t",
    "\\s",
    "\\q",
    "\\u00e9",
    "\\101",
    "\\;",
    " ",
    "  ",
    "\t",
    "yes",
    "no",
    "true",
    "0",
    "1",
    "5",
    "010",
    "0x1f",
    "-1",
    "+2",
    "4294967296",
    "1.5",
    "min",
    "ms",
    "s",
    "h",
    "K",
    "M",
    "G",
    "infinity",
    ":",
    "=",
    "-",
    "@",
    "!",
    "|",
    "+",
    ";",
    " ; ",
    "$A",
    "${A}",
    "$$",
    "#",
    "A=1",
    "A=b",
    "_x",
    "x.service",
    "y.socket",
    "z@.service",
    "t.target",
    "file:",
    "fd:",
    "SIGTERM",
    "TERM",
    "RTMIN+1",
    "TEMPFAIL",
    ",",
    "~",
    "127.0.0.1:80",
    "[::1]:80",
    "@abc",
    "*",
    "null",
    "journal",
    "inherit",
    "socket",
    "data",
    "both",
    "root",
    "lo",
];

/// Values that fit some setting.
const FITTING: &[&str] = &[
    "",
    "yes",
    "no",
    "on",
    "5",
    "0",
    "1",
    "-5",
    "0755",
    "0600",
    "1min 30s",
    "500ms",
    "infinity",
    "2h",
    "4K",
    "1.5M",
    "SIGINT",
    "15",
    "RTMIN+3",
    "mixed",
    "process",
    "none",
    "control-group",
    "simple",
    "oneshot",
    "notify",
    "exec",
    "always",
    "on-failure",
    "on-abort",
    "terminate",
    "abort",
    "kill",
    "main",
    "all",
    "root",
    "nobody",
    "daemon audio",
    "/run/x",
    "/a/b c",
    "~",
    "-/x/y",
    "/bin/true",
    "-/bin/false a b",
    "@/bin/sh sh -c 'a; b'",
    "/bin/a ; /bin/b \"c d\"",
    "/bin/a $A ${B} %n",
    "+/bin/x",
    "!/bin/x",
    "!!/bin/x",
    ":/bin/x $A",
    "A=1 B=2",
    "\"A=1 2\" 'B=3 4' C=\\x41",
    "A=%n",
    "-/etc/default/x",
    "/etc/x*",
    "a.service",
    "a.service b.socket c.target",
    "a@.service",
    "%p.service",
    "x/y z",
    "x:y z",
    "1 2 3",
    "TEMPFAIL 250 SIGKILL",
    "null",
    "tty",
    "tty-force",
    "socket",
    "data",
    "file:/x",
    "append:/x",
    "truncate:/x",
    "fd:x",
    "fd",
    "inherit",
    "journal",
    "kmsg",
    "journal+console",
    "syslog",
    "err",
    "debug",
    "local3",
    "authpriv",
    "aGVsbG8=",
    "some text\\twith\\nescapes",
    "restart",
    "8080",
    "127.0.0.1:80",
    "[::1]:80",
    "/run/sock",
    "@abstract",
    "vsock::80",
    "kobject-uevent 1",
    "/queue",
    "both",
    "ipv6-only",
    "default",
    "sctp",
    "udplite",
    "low-delay",
    "0x10",
    "us",
    "lo",
    "exit",
    "isolate",
    "idle",
    "50%",
    "infinity",
    "inactive",
    "inactive-or-failed",
    "!/x",
    "|/x",
    "|!/x",
    "container",
    "1:2",
    "5:infinity",
    "10",
    "100",
    "2:1",
];

/// A unit: its name, and its files.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// Its file and its drop-ins.
    pub files: Files,
}

/// Unit number so and so, so that each has a name of its own.
pub fn unit(number: usize) -> impl Strategy<Value = Unit> {
    let unit_type = select(vec![UnitType::Service, UnitType::Service, UnitType::Socket]);
    let form = select(vec!["plain", "dashed", "instance", "dashed-instance"]);
    (unit_type, form).prop_flat_map(move |(unit_type, form)| {
        let extra = prop::collection::vec((drop_in_place(), lines(unit_type, 1..4)), 0..3);
        (lines(unit_type, 1..9), extra).prop_map(move |(lines, extra)| assemble(number, unit_type, form, lines, extra))
    })
}

fn assemble(number: usize, unit_type: UnitType, form: &str, lines: String, extra: Vec<(Place, String)>) -> Unit {
    let suffix = if unit_type == UnitType::Socket { ".socket" } else { ".service" };
    let prefix = if form.contains("dashed") { format!("r{number}-b-c") } else { format!("r{number}") };
    let instance = if form.contains("instance") { "@x\\x20y" } else { "" };
    let at = if instance.is_empty() { "" } else { "@" };
    let (name, fragment) = (format!("{prefix}{instance}{suffix}"), format!("{prefix}{at}{suffix}"));
    let base = match unit_type {
        UnitType::Socket => format!("[Socket]\nListenStream=@r{number}\n"),
        _ => "[Service]\nExecStart=/bin/true\n".to_owned(),
    };
    let mut files = Files::from([(fragment.clone(), format!("{base}{lines}").into_bytes())]);
    for (place, lines) in extra {
        let directory = match place.directory {
            "prefix" if form.contains("dashed") => format!("r{number}-{suffix}"),
            "template" => fragment.clone(),
            _ => name.clone(),
        };
        let text = if place.masked { String::new() } else { lines };
        files.insert(format!("{directory}.d/{}", place.file), text.into_bytes());
    }
    if unit_type == UnitType::Socket {
        for service in [format!("{prefix}{instance}.service"), format!("{prefix}@.service")] {
            files.entry(service).or_insert_with(|| b"[Service]\nExecStart=/bin/true\n".to_vec());
        }
    }
    Unit { name, files }
}

/// Where a drop-in is.
#[derive(Clone, Copy, Debug)]
struct Place {
    directory: &'static str,
    file: &'static str,
    masked: bool,
}

fn drop_in_place() -> impl Strategy<Value = Place> {
    let directory = select(vec!["own", "prefix", "template"]);
    let file = select(vec!["10-a.conf", "20-b.conf", "a.conf", "ignored.txt", ".hidden.conf"]);
    (directory, file, prop::bool::weighted(0.1)).prop_map(|(directory, file, masked)| Place { directory, file, masked })
}

/// Lines of a file, in sections that fit the type of unit.
fn lines(unit_type: UnitType, count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let line = prop_oneof![
        30 => assignment(unit_type),
        1 => select(vec!["# comment", "  ; comment", "", "   ", "nonsense", "=nonsense", "[Install]\nWantedBy=a.target", "[X-Own]\nA=b", "[Other]\nA=b"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(line, count).prop_map(|lines| {
        // Each assignment brings its section along.
        lines.into_iter().map(|line| line + "\n").collect()
    })
}

fn assignment(unit_type: UnitType) -> impl Strategy<Value = String> {
    let mut all = Vec::new();
    for (section, tables) in settings::sections(unit_type) {
        for setting in tables.iter().flat_map(|table| table.iter()) {
            if setting.is_honoured() && setting.since.is_none() {
                all.push((*section, setting.name));
            }
        }
    }
    let between = select(vec!["=", "=", "=", " = ", "=\t"]);
    (select(all), between, value(), prop::bool::weighted(0.15)).prop_map(
        |((section, name), between, value, continued)| {
            // A port with a zero before it is octal to 252, and refused by later releases as it is here.
            let octal = value.trim_start().trim_start_matches('+').starts_with('0') || value.contains(":0");
            let value = if name.starts_with("Listen") && octal { "8080".to_owned() } else { value };
            // A unit that names another instance of its template, which names another: until the name is too long.
            let value = if section == "Unit" && grows(&value) { "%n".to_owned() } else { value };
            let value = if continued { value.replacen(' ', " \\\n# in between\n  ", 1) } else { value };
            format!("[{section}]\n{name}{between}{value}")
        },
    )
}

/// Whether a unit's name, or its instance, is only a part of what it names.
fn grows(value: &str) -> bool {
    let followed = |rest: &str| !rest.is_empty() && !rest.starts_with([' ', '\t']);
    ["%n", "%N", "%i"].iter().any(|own| value.split(own).skip(1).any(followed))
}

fn value() -> impl Strategy<Value = String> {
    let scraps = prop::collection::vec(select(SCRAPS), 0..6).prop_map(|scraps| scraps.concat());
    let both = (select(FITTING), select(SCRAPS)).prop_map(|(value, scrap)| format!("{value}{scrap}"));
    prop_oneof![5 => select(FITTING).prop_map(str::to_owned), 2 => both, 3 => scraps]
}
