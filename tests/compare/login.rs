//! sd-login(3): a table of the functions, by what they take and what they give, and the cases that follow from that.

mod arguments;
mod cgroup;
mod content;
mod differences;
pub mod monitor;
mod outputs;
mod place;
mod signature;
mod state;

use proptest::prelude::*;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::known::Known;
use crate::observe::Before;
use arguments::{Argument, arguments};
use content::FileOf;
use outputs::{Cells, Kind};
use place::Place;
use signature::Symbol;
use state::{State, states};

/// What a function is asked about.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Pid,
    Pidfd,
    Peer,
    Uid,
    UidAndFlag,
    UidFlagAndSeat,
    Session,
    Seat,
    Machine,
    /// Nothing: it lists a directory.
    All(FileOf),
}

impl Takes {
    /// The kind of file that the answer is in, in the end.
    fn file(self) -> FileOf {
        match self {
            Self::Uid | Self::UidAndFlag => FileOf::User,
            Self::Seat | Self::UidFlagAndSeat => FileOf::Seat,
            Self::Machine => FileOf::Machine,
            Self::All(file) => file,
            Self::Session | Self::Pid | Self::Pidfd | Self::Peer => FileOf::Session,
        }
    }
}

struct Call {
    name: &'static str,
    takes: Takes,
    /// What comes out through its pointers.
    gives: &'static [Kind],
    /// The fields that it reads.
    reads: &'static [&'static str],
}

const fn call(name: &'static str, takes: Takes, gives: &'static [Kind], reads: &'static [&'static str]) -> Call {
    Call { name, takes, gives, reads }
}

const TEXT: &[Kind] = &[Kind::Text];
const NUMBER: &[Kind] = &[Kind::Number];
const TIME: &[Kind] = &[Kind::Time];
const TEXTS: &[Kind] = &[Kind::Texts];
const NUMBERS: &[Kind] = &[Kind::Numbers { counted_by: None }];

#[rustfmt::skip]
const CALLS: [Call; 59] = {
    use Takes::*;
    [
        call("sd_pid_get_session", Pid, TEXT, &[]),
        call("sd_pid_get_owner_uid", Pid, NUMBER, &[]),
        call("sd_pid_get_unit", Pid, TEXT, &[]),
        call("sd_pid_get_user_unit", Pid, TEXT, &[]),
        call("sd_pid_get_slice", Pid, TEXT, &[]),
        call("sd_pid_get_user_slice", Pid, TEXT, &[]),
        call("sd_pid_get_machine_name", Pid, TEXT, &[]),
        call("sd_pid_get_cgroup", Pid, TEXT, &[]),
        call("sd_pidfd_get_session", Pidfd, TEXT, &[]),
        call("sd_pidfd_get_owner_uid", Pidfd, NUMBER, &[]),
        call("sd_pidfd_get_unit", Pidfd, TEXT, &[]),
        call("sd_pidfd_get_user_unit", Pidfd, TEXT, &[]),
        call("sd_pidfd_get_slice", Pidfd, TEXT, &[]),
        call("sd_pidfd_get_user_slice", Pidfd, TEXT, &[]),
        call("sd_pidfd_get_machine_name", Pidfd, TEXT, &[]),
        call("sd_pidfd_get_cgroup", Pidfd, TEXT, &[]),
        call("sd_peer_get_session", Peer, TEXT, &[]),
        call("sd_peer_get_owner_uid", Peer, NUMBER, &[]),
        call("sd_peer_get_unit", Peer, TEXT, &[]),
        call("sd_peer_get_user_unit", Peer, TEXT, &[]),
        call("sd_peer_get_slice", Peer, TEXT, &[]),
        call("sd_peer_get_user_slice", Peer, TEXT, &[]),
        call("sd_peer_get_machine_name", Peer, TEXT, &[]),
        call("sd_peer_get_cgroup", Peer, TEXT, &[]),
        call("sd_uid_get_state", Uid, TEXT, &["STATE"]),
        call("sd_uid_get_display", Uid, TEXT, &["DISPLAY"]),
        call("sd_uid_get_login_time", Uid, TIME, &["REALTIME"]),
        call("sd_uid_is_on_seat", UidFlagAndSeat, &[], &["UIDS", "ACTIVE_UID"]),
        call("sd_uid_get_sessions", UidAndFlag, TEXTS, &["SESSIONS", "ACTIVE_SESSIONS", "ONLINE_SESSIONS"]),
        call("sd_uid_get_seats", UidAndFlag, TEXTS, &["SEATS", "ACTIVE_SEATS", "ONLINE_SEATS"]),
        call("sd_session_is_active", Session, &[], &["ACTIVE"]),
        call("sd_session_is_remote", Session, &[], &["REMOTE"]),
        call("sd_session_get_state", Session, TEXT, &["STATE"]),
        call("sd_session_get_uid", Session, NUMBER, &["UID"]),
        call("sd_session_get_username", Session, TEXT, &["USER"]),
        call("sd_session_get_seat", Session, TEXT, &["SEAT"]),
        call("sd_session_get_start_time", Session, TIME, &["REALTIME"]),
        call("sd_session_get_service", Session, TEXT, &["SERVICE"]),
        call("sd_session_get_type", Session, TEXT, &["TYPE"]),
        call("sd_session_get_class", Session, TEXT, &["CLASS"]),
        call("sd_session_get_desktop", Session, TEXT, &["DESKTOP"]),
        call("sd_session_get_display", Session, TEXT, &["DISPLAY"]),
        call("sd_session_get_leader", Session, NUMBER, &["LEADER"]),
        call("sd_session_get_remote_host", Session, TEXT, &["REMOTE_HOST"]),
        call("sd_session_get_remote_user", Session, TEXT, &["REMOTE_USER"]),
        call("sd_session_get_tty", Session, TEXT, &["TTY"]),
        call("sd_session_get_vt", Session, NUMBER, &["VTNR"]),
        call("sd_session_get_extra_device_access", Session, TEXTS, &["EXTRA_DEVICE_ACCESS"]),
        call("sd_seat_get_active", Seat, &[Kind::Text, Kind::Number], &["ACTIVE", "ACTIVE_UID"]),
        call("sd_seat_get_sessions", Seat, &[Kind::Texts, Kind::Numbers { counted_by: Some(2) }, Kind::Number], &["SESSIONS", "UIDS"]),
        call("sd_seat_can_multi_session", Seat, &[], &["CAN_MULTI_SESSION"]),
        call("sd_seat_can_tty", Seat, &[], &["CAN_TTY"]),
        call("sd_seat_can_graphical", Seat, &[], &["CAN_GRAPHICAL"]),
        call("sd_machine_get_class", Machine, TEXT, &["CLASS"]),
        call("sd_machine_get_ifindices", Machine, NUMBERS, &["NETIF"]),
        call("sd_get_seats", All(FileOf::Seat), TEXTS, &[]),
        call("sd_get_sessions", All(FileOf::Session), TEXTS, &[]),
        call("sd_get_uids", All(FileOf::User), NUMBERS, &[]),
        call("sd_get_machine_names", All(FileOf::Machine), TEXTS, &[]),
    ]
};

pub const FUNCTIONS: [Function; CALLS.len()] = {
    let mut functions = [const { Function { name: "", share: 30, needs_namespace: true, compare } }; CALLS.len()];
    let mut i = 0;
    while i < CALLS.len() {
        functions[i].name = CALLS[i].name;
        i += 1;
    }
    functions
};

#[derive(Debug)]
struct Case {
    argument: Argument,
    state: State,
    /// Which of the pointers that come out are not NULL.
    wanted: [bool; 3],
}

fn cases(comparison: &Comparison<'_>, call: &'static Call) -> impl Strategy<Value = Case> {
    let wanted = prop_oneof![9 => Just([true; 3]), 1 => any::<[bool; 3]>()];
    (arguments(call.takes), states(call), wanted).prop_map(move |(mut argument, mut state, mut wanted)| {
        if call.takes == Takes::Machine
            && (argument.is_null() || !wanted[0])
            && comparison.must_avoid(Known::MachineNull)
        {
            argument = Argument::Name(Some(Bytes::default()));
            wanted = [true; 3];
        }
        if call.name == "sd_seat_get_sessions" && state.has_many_users() && comparison.must_avoid(Known::SeatUsers) {
            state.empty_seat();
        }
        Case { argument, state, wanted }
    })
}

fn compare(comparison: &Comparison<'_>) -> Result<(), Difference> {
    let call = CALLS.iter().find(|call| call.name == comparison.name).expect("a function of the table");
    let place = Place::new();
    let observe = |symbol: Symbol, case: &Case| {
        place.install(&case.state);
        let (argument, name) = case.argument.install(comparison);
        let mut cells = Cells::new(call.gives, case.wanted);
        let before = Before { environment: case.state.environment(), ..comparison.before() };
        let pointers = cells.pointers();
        // SAFETY: the table has the signature of the manual, the name is NULL or a string, the pointers are NULL or to what
        // it gives.
        let called = || unsafe { symbol.call(call, argument, case.argument.flag(), name, pointers) };
        let _quiet = place.quiet();
        before.observe(called, |result| cells.values(result))
    };
    let release = comparison.libraries.release();
    let known = |case: &Case, theirs: &_, ours: &_| differences::known(release, call, case, theirs, ours);
    // SAFETY: `Symbol` is a pointer to a function.
    unsafe { comparison.run_knowing(&cases(comparison, call), observe, known) }
}

/// A name as bytes, for tables of them.
fn bytes(text: &str) -> Bytes {
    Bytes(text.as_bytes().to_vec())
}
