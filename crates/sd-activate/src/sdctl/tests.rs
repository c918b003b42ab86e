//! What is printed is what systemctl of release 252 prints, which was asked about the same units.

use serde_json::{Value, json};

use super::list::{Table, sockets, units};
use super::show;
use super::status::{Surroundings, lines};
use super::style::Style;
use super::unit::Unit;

/// 2026-11-28 11:58:27 UTC, in microseconds.
const MOMENT: u64 = 1_795_867_107_000_000;

fn unit(properties: Value) -> Unit {
    Unit::new(properties)
}

fn service() -> Value {
    json!({
        "Id": "notify.service", "Description": "Notifier", "LoadState": "loaded", "ActiveState": "active",
        "SubState": "running", "FragmentPath": "/run/systemd/system/notify.service",
        "DropInPaths": ["/run/systemd/system/notify.service.d/10-a.conf", "/run/systemd/system/notify.service.d/20.conf"],
        "ActiveEnterTimestamp": MOMENT, "Type": "notify", "Result": "success", "StatusText": "Serving 3 things",
        "MainPID": 0, "ControlPID": 0, "ExecMainPID": 134, "ExecMainExitTimestamp": MOMENT, "ExecMainCode": 2,
        "ExecMainStatus": 9, "TriggeredBy": ["a.socket"],
        "Commands": [
            { "setting": "ExecStartPre", "path": "/bin/true", "argv": ["/bin/true", "a b"], "ignoreErrors": false,
              "startTimestamp": MOMENT, "stopTimestamp": MOMENT, "pid": 133, "code": "exited", "status": 0 },
            { "setting": "ExecStart", "path": "/bin/sleep", "argv": ["/bin/sleep", "9"], "ignoreErrors": true },
        ],
    })
}

fn status(unit: &Unit, file_state: Option<&str>) -> String {
    let socket = json!({ "Id": "a.socket", "ActiveState": "inactive" });
    let around = Surroundings {
        processes: Vec::new(),
        file_state,
        others: &|name| (name == "a.socket").then(|| Unit::new(socket.clone())),
        now: MOMENT + 12_000,
        style: Style::plain(),
    };
    // The time zone is that of whoever runs the test.
    lines(unit, &around).join("\n").replace(&super::time::date(MOMENT), "DATE")
}

#[test]
fn the_status_of_a_service_tells_of_its_processes() {
    assert_eq!(
        status(&unit(service()), Some("disabled")),
        "\
● notify.service - Notifier
     Loaded: loaded (/run/systemd/system/notify.service; disabled)
    Drop-In: /run/systemd/system/notify.service.d
             └─10-a.conf, 20.conf
     Active: active (running) since DATE; 12ms ago
TriggeredBy: ○ a.socket
    Process: 133 ExecStartPre=/bin/true a b (code=exited, status=0/SUCCESS)
   Main PID: 134 (code=killed, signal=KILL)
     Status: \"Serving 3 things\""
    );
    let mut failed = service();
    for (name, value) in [("ActiveState", "failed"), ("SubState", "failed"), ("Result", "exit-code")] {
        failed[name] = value.into();
    }
    for (name, value) in [("ActiveEnterTimestampMonotonic", 5), ("ActiveExitTimestampMonotonic", 3_024_005)] {
        failed[name] = value.into();
    }
    failed["InactiveEnterTimestamp"] = MOMENT.into();
    (failed["StatusText"], failed["DropInPaths"], failed["Commands"]) = ("".into(), json!([]), json!([]));
    (failed["ExecMainCode"], failed["ExecMainStatus"]) = (1.into(), 127.into());
    assert_eq!(
        status(&unit(failed), Some("static")),
        "\
× notify.service - Notifier
     Loaded: loaded (/run/systemd/system/notify.service; static)
     Active: failed (Result: exit-code) since DATE; 12ms ago
   Duration: 3.024s
TriggeredBy: ○ a.socket
   Main PID: 134 (code=exited, status=127)"
    );
}

#[test]
fn the_status_of_a_socket_tells_where_it_listens() {
    let socket = json!({
        "Id": "many.socket", "Description": "many.socket", "LoadState": "loaded", "ActiveState": "active", "SubState": "listening",
        "FragmentPath": "/run/many.socket", "Accept": true, "NAccepted": 2, "NConnections": 1,
        "Listen": [{ "address": "/run/many", "type": "Datagram" }, { "address": "[::]:9998", "type": "Stream" }],
        "Triggers": ["a.socket", "b.service"],
    });
    assert_eq!(
        status(&unit(socket), None),
        "\
● many.socket
     Loaded: loaded (/run/many.socket)
     Active: active (listening)
   Triggers: ● a.socket
             ● b.service
     Listen: /run/many (Datagram)
             [::]:9998 (Stream)
   Accepted: 2; Connected: 1;"
    );
    let masked = json!({
        "Id": "m.service", "Description": "m.service", "LoadState": "masked", "ActiveState": "inactive", "SubState": "dead",
        "LoadError": "Unit m.service is masked.",
    });
    assert_eq!(
        status(&unit(masked), Some("masked")),
        "\
○ m.service
     Loaded: masked (Reason: Unit m.service is masked.)
     Active: inactive (dead)"
    );
}

fn table(legend: bool) -> Table {
    Table { legend, plain: false, all: false, narrowed: false, types: false, style: Style::plain() }
}

#[test]
fn units_are_listed_in_columns() {
    let row = |id: &str, active: &str, sub: &str, job: &str| {
        let told = json!({ "Id": id, "LoadState": "loaded", "ActiveState": active, "SubState": sub, "JobType": job, "Description": id });
        Unit::new(told)
    };
    let all = [row("auto.service", "activating", "auto-restart", ""), row("pre.service", "failed", "failed", "start")];
    assert_eq!(
        units(&all, table(true)).join("\n"),
        "  UNIT         LOAD   ACTIVE     SUB          JOB   DESCRIPTION
  auto.service loaded activating auto-restart       auto.service
● pre.service  loaded failed     failed       start pre.service

LOAD   = Reflects whether the unit definition was properly loaded.
ACTIVE = The high-level unit activation state, i.e. generalization of SUB.
SUB    = The low-level unit activation state, values depend on unit type.
JOB    = Pending job for the unit.

2 loaded units listed. Pass --all to see loaded but inactive units, too."
    );
    assert_eq!(units(&all[..1], table(false)), ["  auto.service loaded activating auto-restart auto.service"]);
    assert_eq!(
        units(&[], table(true)),
        [
            "  UNIT LOAD ACTIVE SUB DESCRIPTION",
            "0 loaded units listed. Pass --all to see loaded but inactive units, too."
        ]
    );
}

#[test]
fn sockets_are_listed_by_their_addresses() {
    let socket =
        |id: &str, listen: Value, triggers: Value| unit(json!({ "Id": id, "Listen": listen, "Triggers": triggers }));
    let all = [
        socket(
            "b.socket",
            json!([{ "address": "127.0.0.1:1", "type": "Stream" }]),
            json!(["b@0.service", "b@1.service"]),
        ),
        socket("a.socket", json!([{ "address": "/run/a", "type": "FIFO" }]), json!(["a.service"])),
    ];
    let types = Table { types: true, ..table(true) };
    assert_eq!(
        sockets(&all, types).join("\n"),
        "LISTEN      TYPE   UNIT     ACTIVATES
/run/a      FIFO   a.socket a.service
127.0.0.1:1 Stream b.socket b@0.service
                            b@1.service

2 sockets listed.
Pass --all to see loaded but inactive sockets, too."
    );
    assert_eq!(sockets(&[], table(true))[..3], ["LISTEN UNIT ACTIVATES", "", "0 sockets listed."]);
}

#[test]
fn properties_are_shown_by_their_names() {
    let shown = |properties: &[&str], value_only: bool| {
        let properties = properties.iter().map(|name| (*name).to_owned()).collect();
        let mut told = service();
        (told["TimeoutStopUSec"], told["TimeoutStartUSec"], told["CanStop"]) =
            (90_000_000.into(), Value::Null, true.into());
        (told["Names"], told["Following"]) = (json!(["a.service", "b.service"]), "".into());
        show::lines(&unit(told), &show::Wanted { properties, all: false, value_only })
            .join("\n")
            .replace(&super::time::date(MOMENT), "DATE")
    };
    assert_eq!(shown(&["Id"], false), "Id=notify.service");
    assert_eq!(shown(&["Id", "MainPID"], true), "notify.service\n0");
    assert_eq!(shown(&["Names"], false), "Names=a.service b.service");
    assert_eq!(
        shown(
            &["TimeoutStopUSec", "TimeoutStartUSec", "CanStop", "ActiveEnterTimestamp", "Nothing", "Following"],
            false
        ),
        "ActiveEnterTimestamp=DATE\nCanStop=yes\nFollowing=\nTimeoutStartUSec=infinity\nTimeoutStopUSec=1min 30s"
    );
    assert_eq!(
        shown(&["ExecStartPre", "ExecStart"], false),
        "ExecStartPre={ path=/bin/true ; argv[]=/bin/true a b ; ignore_errors=no ; start_time=[DATE] ; stop_time=[DATE] ; pid=133 ; code=exited ; status=0 }\n\
         ExecStart={ path=/bin/sleep ; argv[]=/bin/sleep 9 ; ignore_errors=yes ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
    );
    assert!(!shown(&[], false).contains("Following"), "without a value");
}

#[test]
fn the_verb_is_the_first_argument_that_is_no_option() {
    for (arguments, place) in [
        ("sdctl", None),
        ("sdctl --user", None),
        ("sdctl logs -u a", Some(1)),
        ("sdctl --user logs", Some(2)),
        ("sdctl --control /a logs", Some(3)),
        ("sdctl --control=/a logs", Some(2)),
    ] {
        let arguments: Vec<_> = arguments.split(' ').map(std::ffi::OsString::from).collect();
        assert_eq!(super::verb(&arguments), place, "{arguments:?}");
    }
}
