//! The manager that is notified: where it is, and what it receives.

use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::datagram::{self, Received};
use crate::descriptors::OWN;
use crate::environment::Installed;
use crate::known::Known;
use crate::sys;

/// What `$NOTIFY_SOCKET` says.
#[derive(Clone, Debug)]
pub enum Address {
    Path,
    Abstract,
    /// Where somebody reads all the time.
    Read,
    Absent,
    Other(&'static str),
    Raw(&'static str, Bytes),
}

impl Address {
    fn text(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Absent => return None,
            Self::Path => PATH.into(),
            Self::Abstract => format!("@{}", abstract_name()).into(),
            Self::Read => READ_PATH.into(),
            Self::Other(other) => other.as_bytes().to_vec(),
            Self::Raw(start, bytes) => [start.as_bytes(), &bytes.0].concat(),
        })
    }

    pub fn install(&self) -> Installed {
        let variable = self.text().map(|text| [b"NOTIFY_SOCKET=".to_vec(), text].concat());
        let strings = [Some(b"PATH=/bin".to_vec()), variable, Some(b"NOTIFY_SOCKETS=x".to_vec())];
        Installed::new(
            strings.into_iter().flatten().map(|string| CString::new(string).expect("no zero byte")).collect(),
        )
    }

    /// The difference that there is to older releases: they know paths and abstract names.
    pub fn known(&self) -> Option<Known> {
        match self.text()?.as_slice() {
            [b'/' | b'@', ..] => None,
            [b'v', b's', b'o', b'c', b'k', b':' | b'-', ..] => Some(Known::NotifyVsock),
            _ => Some(Known::NotifyKind),
        }
    }
}

const PATH: &str = "/run/notify";
const READ_PATH: &str = "/run/notify-read";

fn abstract_name() -> String {
    format!("sdlite-compare-{}", process::id())
}

/// Where nobody can be connected to: nothing that is random is a valid address of vsock(7).
pub fn addresses() -> impl Strategy<Value = Address> {
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
    let other = select([OTHERS, UNKNOWN].concat());
    let start = select(&["/", "@", "vsock:", ""][..]);
    let raw = (start, vec(1..=255_u8, 1..150)).prop_map(|(start, bytes)| Address::Raw(start, Bytes(bytes)));
    prop_oneof![
        12 => Just(Address::Path),
        4 => Just(Address::Abstract),
        1 => Just(Address::Absent),
        2 => other.prop_map(Address::Other),
        1 => raw,
    ]
}

/// The manager, at both of its addresses.
pub struct Manager([UnixDatagram; 2]);

impl Manager {
    pub fn new() -> Self {
        let address = SocketAddr::from_abstract_name(abstract_name()).expect("a short name");
        Self([UnixDatagram::bind(PATH), UnixDatagram::bind_addr(&address)].map(|socket| {
            let socket = sys::dup_above(socket.expect("a socket").as_raw_fd(), OWN).expect("a number");
            let socket = UnixDatagram::from(socket);
            datagram::ask_for_credentials(&socket);
            socket.set_nonblocking(true).expect("a socket that does not block");
            socket
        }))
    }

    pub fn received(&self) -> Vec<Received> {
        self.0.iter().flat_map(|socket| std::iter::from_fn(|| datagram::receive(socket))).collect()
    }
}

/// Has a process read what comes to `Address::Read`, and close the descriptors that come along.
pub fn read_all_the_time() {
    let socket = UnixDatagram::bind(READ_PATH).expect("a socket");
    sys::fork_until_we_end(|| while datagram::receive(&socket).is_some() {});
}
