//! sd_notify(3) and its siblings: what arrives at the manager's socket.

use std::ffi::{CString, c_char, c_int, c_uint};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::{process, ptr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::datagram::{self, Received};
use crate::descriptors::{COUNT, FIRST, OWN, Slot, slots};
use crate::environment::Installed;
use crate::message::{Text, texts};
use crate::observe::{Before, ERRNO, Observation};
use crate::strategy::mostly;
use crate::{sys, zoo};

pub const SD_NOTIFY: Function = Function { name: "sd_notify", share: 3, needs_namespace: true, compare: notify };
pub const SD_PID_NOTIFY_WITH_FDS: Function =
    Function { name: "sd_pid_notify_with_fds", share: 4, needs_namespace: true, compare: pid_notify_with_fds };
pub const SD_NOTIFY_BARRIER: Function =
    Function { name: "sd_notify_barrier", share: 1, needs_namespace: true, compare: notify_barrier };

/// What `$NOTIFY_SOCKET` says.
#[derive(Clone, Debug)]
enum Address {
    Path,
    Abstract,
    Absent,
    Other(&'static str),
    Raw(&'static str, Bytes),
}

const PATH: &str = "/run/notify";

/// Where nobody can be connected to: nothing that is random is a valid address of vsock(7).
fn addresses(recent: bool) -> impl Strategy<Value = Address> {
    const OTHERS: &[&str] = &[
        "/",
        "@",
        "/run",
        "/run/missing",
        "/run/notify/x",
        "/run/./notify",
        "/dev/null",
        "@missing",
        "//run/notify",
        "@ ",
    ];
    const UNKNOWN: &[&str] = &[
        "",
        "x",
        "run/notify",
        " /run/notify",
        "./notify",
        "vsock:",
        "vsock:1",
        "vsock:x:1",
        "vsock:1:x",
        "vsock::",
        "vsock-stream:1",
        "vsock-dgram:4294967296:1",
        "vsock-seqpacket:any:1",
        "vsock-seqpacket:local:-1",
        "vsock:1:4294967295",
        "vsock-raw:1:1",
        "unix:/run/notify",
    ];
    let other = select(if recent { [OTHERS, UNKNOWN].concat() } else { OTHERS.to_vec() });
    let start = select(if recent { &["/", "@", "vsock:", ""][..] } else { &["/", "@"][..] });
    let raw = (start, vec(1..=255_u8, 1..150)).prop_map(|(start, bytes)| Address::Raw(start, Bytes(bytes)));
    prop_oneof![
        12 => Just(Address::Path),
        4 => Just(Address::Abstract),
        1 => Just(Address::Absent),
        2 => other.prop_map(Address::Other),
        1 => raw,
    ]
}

#[derive(Clone, Debug)]
struct Case {
    unset_environment: c_int,
    address: Address,
    pid: Pid,
    /// None is NULL.
    state: Option<Text>,
    descriptors: Vec<Slot>,
    /// None is NULL, of so many.
    fds: Result<Vec<c_int>, c_uint>,
    errno: c_int,
}

#[derive(Clone, Copy, Debug)]
enum Pid {
    Own,
    Parent,
    Number(libc::pid_t),
}

impl Pid {
    fn number(self) -> libc::pid_t {
        match self {
            Self::Own => process::id() as _,
            Self::Parent => std::os::unix::process::parent_id() as _,
            Self::Number(number) => number,
        }
    }
}

fn cases(comparison: &Comparison<'_>) -> impl Strategy<Value = Case> + use<> {
    let recent = comparison.libraries.reference_is_recent();
    let state = proptest::option::weighted(0.95, texts(250_000));
    let fd = prop_oneof![30 => FIRST..FIRST + 4, 1 => FIRST..FIRST + COUNT as c_int, 1 => Just(-1)];
    let many = (250..if recent { 260_usize } else { 254 }).prop_map(|n| vec![FIRST; n]);
    let fds = prop_oneof![10 => vec(fd, 0..8), 1 => many].prop_map(Ok);
    let fds = prop_oneof![15 => fds, 1 => (0..3_u32).prop_map(Err)];
    let pid = mostly(2, Pid::Number(0), &[Pid::Own, Pid::Parent, Pid::Number(-1), Pid::Number(4_194_303)]);
    let errno = mostly(4, ERRNO, &[0, libc::EAGAIN, libc::EINTR]);
    let unset_environment = mostly(1, 0, &[1, -1]);
    let descriptors = vec(slots(zoo::kinds(|_| true)), 4);
    (unset_environment, addresses(recent), pid, state, descriptors, fds, errno).prop_map(
        |(unset_environment, address, pid, state, descriptors, fds, errno)| {
            // An empty message in a name that is refused libsystemd does not send in its own.
            let empty = state.as_ref().is_some_and(|state| state.string().is_empty());
            let pid = if empty { Pid::Own } else { pid };
            Case { unset_environment, address, pid, state, descriptors, fds, errno }
        },
    )
}

/// The manager, at both of its addresses.
struct Manager {
    sockets: [UnixDatagram; 2],
    name: String,
}

impl Manager {
    fn new() -> Self {
        let name = format!("sdlite-compare-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let sockets = [UnixDatagram::bind(PATH), UnixDatagram::bind_addr(&address)].map(|socket| {
            let socket = sys::dup_above(socket.expect("a socket").as_raw_fd(), OWN).expect("a number");
            let socket = UnixDatagram::from(socket);
            datagram::ask_for_credentials(&socket);
            socket.set_nonblocking(true).expect("a socket that does not block");
            socket
        });
        Self { sockets, name }
    }

    fn environment(&self, address: &Address) -> Installed {
        let value = match address {
            Address::Absent => None,
            Address::Path => Some(PATH.as_bytes().to_vec()),
            Address::Abstract => Some(format!("@{}", self.name).into_bytes()),
            Address::Other(other) => Some(other.as_bytes().to_vec()),
            Address::Raw(start, bytes) => Some([start.as_bytes(), &bytes.0].concat()),
        };
        let variable = value.map(|value| [b"NOTIFY_SOCKET=".to_vec(), value].concat());
        let strings = [Some(b"PATH=/bin".to_vec()), variable, Some(b"NOTIFY_SOCKETS=x".to_vec())];
        Installed::new(
            strings.into_iter().flatten().map(|string| CString::new(string).expect("no zero byte")).collect(),
        )
    }

    /// Calls with what a case begins with, and looks at what arrives.
    fn observe(
        &self,
        comparison: &Comparison<'_>,
        case: &Case,
        call: impl FnOnce() -> c_int,
    ) -> Observation<Vec<Received>> {
        let before = Before { environment: self.environment(&case.address), errno: case.errno, ..comparison.before() };
        before.observe(call, |_| {
            self.sockets.iter().flat_map(|socket| std::iter::from_fn(|| datagram::receive(socket))).collect()
        })
    }
}

fn notify(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *const c_char) -> c_int;
    let manager = Manager::new();
    let observe = |notify: Signature, case: &Case| {
        comparison.descriptors.install([]);
        let state = comparison.place(case.state.as_ref().map(|state| state.string().into_bytes()));
        // SAFETY: the state is NULL or a string.
        manager.observe(comparison, case, || unsafe { notify(case.unset_environment, state) })
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases(comparison), observe) }
}

fn pid_notify_with_fds(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(libc::pid_t, c_int, *const c_char, *const c_int, c_uint) -> c_int;
    let manager = Manager::new();
    let observe = |notify: Signature, case: &Case| {
        comparison.descriptors.install(case.descriptors.iter().cloned().enumerate());
        let state = comparison.place(case.state.as_ref().map(|state| state.string().into_bytes()));
        let (fds, n) = case.fds.as_ref().map_or_else(|n| (ptr::null(), *n), |fds| (fds.as_ptr(), fds.len() as c_uint));
        let pid = case.pid.number();
        let mut observation = manager.observe(comparison, case, || {
            // SAFETY: the state is NULL or a string, and there are as many descriptors unless that is NULL.
            unsafe { notify(pid, case.unset_environment, state, fds, n) }
        });
        // A number that was free can be that of the call's own socket, of which each has another.
        for passed in observation.output.iter_mut().flat_map(|received| &mut received.passed) {
            if passed.name.starts_with("socket:") {
                passed.name.clear();
            }
        }
        observation
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases(comparison), observe) }
}

fn notify_barrier(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, u64) -> c_int;
    let manager = Manager::new();
    // Nobody reads before it is over.
    let cases = (cases(comparison), 0..60_u64);
    let observe = |barrier: Signature, (case, timeout): &(Case, u64)| {
        comparison.descriptors.install([]);
        // SAFETY: it takes numbers alone.
        let mut observation =
            manager.observe(comparison, case, || unsafe { barrier(case.unset_environment, *timeout) });
        // Each call has a pipe of its own.
        for passed in observation.output.iter_mut().flat_map(|received| &mut received.passed) {
            assert!(passed.name.starts_with("pipe:"));
            passed.name.clear();
        }
        observation
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}
