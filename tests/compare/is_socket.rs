//! sd_is_socket(3) and those for one family each.

use std::ffi::{c_char, c_int, c_uint};

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function, nothing};
use crate::descriptors::{self, Argument};
use crate::sockets::{Facts, Number, families, listening, types};
use crate::strategy::mostly;
use crate::zoo::Class;

pub const SD_IS_SOCKET: Function =
    Function { name: "sd_is_socket", share: 110, needs_namespace: false, compare: is_socket };
pub const SD_IS_SOCKET_INET: Function =
    Function { name: "sd_is_socket_inet", share: 110, needs_namespace: false, compare: is_socket_inet };
pub const SD_IS_SOCKET_SOCKADDR: Function =
    Function { name: "sd_is_socket_sockaddr", share: 110, needs_namespace: false, compare: is_socket_sockaddr };
pub const SD_IS_SOCKET_UNIX: Function =
    Function { name: "sd_is_socket_unix", share: 110, needs_namespace: false, compare: is_socket_unix };

/// What the functions have in common. A family and what comes with it is not asked of by all.
#[derive(Debug)]
struct Question<T> {
    fd: Argument,
    kind: Number,
    listening: Number,
    about: T,
}

fn questions<T>(usual: fn(Class) -> bool, about: impl Strategy<Value = T>) -> impl Strategy<Value = Question<T>>
where
    T: std::fmt::Debug,
{
    (descriptors::arguments(usual), types(), listening(), about).prop_map(|(fd, kind, listening, about)| Question {
        fd,
        kind,
        listening,
        about,
    })
}

impl<T> Question<T> {
    /// The facts about the socket, and the arguments that all functions take.
    fn install<'a>(&self, comparison: &'a Comparison<'_>) -> (Option<&'a Facts>, c_int, c_int, c_int) {
        let facts = self.fd.kind().and_then(|kind| comparison.zoo.facts(kind));
        let fd = comparison.descriptors.install_argument(&self.fd);
        (
            facts,
            fd,
            self.kind.or(facts.map(|facts| facts.kind)),
            self.listening.or(facts.map(|facts| facts.listening.into())),
        )
    }
}

fn is_socket(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, c_int, c_int, c_int) -> c_int;
    let usual = |class| matches!(class, Class::Inet | Class::Unix | Class::OtherSocket);
    let observe = |sd_is_socket: Signature, case: &Question<Number>| {
        let (facts, fd, kind, listening) = case.install(comparison);
        let family = case.about.or(facts.map(|facts| facts.family));
        // SAFETY: it takes numbers alone.
        comparison.before().observe(|| unsafe { sd_is_socket(fd, family, kind, listening) }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&questions(usual, families()), observe) }
}

#[derive(Clone, Copy, Debug)]
enum Port {
    Right,
    Swapped,
    Next,
    Exactly(u16),
}

impl Port {
    fn or(self, facts: Option<&Facts>) -> u16 {
        let right =
            facts.and_then(|facts| facts.address.get(2..4)).map_or(80, |port| u16::from_be_bytes([port[0], port[1]]));
        match self {
            Self::Right => right,
            Self::Swapped => right.swap_bytes(),
            Self::Next => right.wrapping_add(1),
            Self::Exactly(port) => port,
        }
    }
}

fn ports() -> impl Strategy<Value = Port> {
    prop_oneof![
        8 => Just(Port::Right),
        4 => Just(Port::Exactly(0)),
        1 => Just(Port::Swapped),
        1 => Just(Port::Next),
        1 => any::<u16>().prop_map(Port::Exactly),
    ]
}

fn is_socket_inet(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, c_int, c_int, c_int, u16) -> c_int;
    let observe = |sd_is_socket_inet: Signature, case: &Question<(Number, Port)>| {
        let (facts, fd, kind, listening) = case.install(comparison);
        let (family, port) = case.about;
        let (family, port) = (family.or(facts.map(|facts| facts.family)), port.or(facts));
        // SAFETY: it takes numbers alone.
        comparison.before().observe(|| unsafe { sd_is_socket_inet(fd, family, kind, listening, port) }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&questions(|class| class == Class::Inet, (families(), ports())), observe) }
}

/// The address of the socket, with other bytes here and there, and cut or filled to a length.
#[derive(Clone, Debug)]
struct Address {
    family: Number,
    port: Port,
    /// Bytes to put in place of others.
    bytes: Vec<(usize, u8)>,
    length: Option<usize>,
    /// A length that is not that of the address.
    said: Option<c_uint>,
}

impl Address {
    /// The socket's own, or one of the loopback where it is none of AF_INET or AF_INET6.
    fn bytes(&self, facts: Option<&Facts>) -> Vec<u8> {
        let internet = facts.filter(|facts| matches!(facts.family, libc::AF_INET | libc::AF_INET6));
        let mut address = internet.map_or_else(
            || [2_u16.to_ne_bytes(), 80_u16.to_be_bytes(), [127, 0], [0, 1], [0; 2], [0; 2], [0; 2], [0; 2]].concat(),
            |facts| facts.address.clone(),
        );
        let family = i32::from(u16::from_ne_bytes([address[0], address[1]]));
        address[..2].copy_from_slice(&(self.family.or(Some(family)) as u16).to_ne_bytes());
        address[2..4].copy_from_slice(&self.port.or(facts).to_be_bytes());
        for (at, byte) in &self.bytes {
            if let Some(place) = address.get_mut(*at) {
                *place = *byte;
            }
        }
        if let Some(length) = self.length {
            address.resize(length, b'x');
        }
        address
    }
}

fn addresses() -> impl Strategy<Value = Option<Address>> {
    let family = mostly(9, Number::Right, {
        const OTHERS: &[Number] = &[Number::Exactly(0), Number::Exactly(1), Number::Exactly(2), Number::Exactly(10)];
        OTHERS
    });
    let byte = (0..28_usize, prop_oneof![Just(0), Just(1), any::<u8>()]);
    // Where flow label and scope of AF_INET6 are.
    let byte6 = (select(&[4_usize, 5, 6, 7, 24, 25, 27][..]), 0..3_u8);
    let bytes = proptest::collection::vec(prop_oneof![byte, byte6], 0..2);
    let length = prop_oneof![
        12 => Just(None),
        1 => select(&[0_usize, 1, 2, 3, 4, 7, 8, 15, 16, 17, 24, 27, 28, 29, 110, 128, 129][..]).prop_map(Some),
        1 => (0..=130_usize).prop_map(Some),
    ];
    let said = mostly(29, None, &[Some(0), Some(1), Some(1 << 31), Some(c_uint::MAX)]);
    let address = (family, ports(), bytes, length, said).prop_map(|(family, port, bytes, length, said)| Address {
        family,
        port,
        bytes,
        length,
        said,
    });
    option::weighted(0.98, address)
}

fn is_socket_sockaddr(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, c_int, *const libc::sockaddr, c_uint, c_int) -> c_int;
    let observe = |sd_is_socket_sockaddr: Signature, case: &Question<Option<Address>>| {
        let (facts, fd, kind, listening) = case.install(comparison);
        let (address, length) = match &case.about {
            None => (std::ptr::null(), 16),
            Some(address) => {
                let mut bytes = address.bytes(facts);
                let length = address.said.unwrap_or(bytes.len() as c_uint);
                if length as usize > bytes.len() {
                    bytes.resize(256, 0);
                }
                (comparison.arguments.place(&bytes), length)
            }
        };
        let address = address.cast();
        // SAFETY: `address` is NULL, or points to that many bytes or as many as any address has.
        let call = || unsafe { sd_is_socket_sockaddr(fd, kind, address, length, listening) };
        comparison.before().observe(call, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&questions(|class| class == Class::Inet, addresses()), observe) }
}

/// A path or an abstract name, mostly the one that the socket is bound to, with a length.
#[derive(Clone, Debug)]
enum UnixPath {
    Null,
    Right { appended: &'static [u8], cut: usize, flipped: Option<usize> },
    Raw(Bytes),
}

#[derive(Clone, Copy, Debug)]
enum Length {
    Zero,
    OfThePath(isize),
    Exactly(usize),
}

fn unix_paths() -> impl Strategy<Value = (UnixPath, Length)> {
    const APPENDED: &[&[u8]] = &[b"\0", b"x", b"\0x", b"/", b"\0\0\0"];
    let appended = mostly(4, &b""[..], APPENDED);
    let cut = mostly(7, 0, &[1, 2, 3, 200]);
    let flipped = option::weighted(0.1, 0..110_usize);
    let right =
        (appended, cut, flipped).prop_map(|(appended, cut, flipped)| UnixPath::Right { appended, cut, flipped });
    let raw = proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'x'), any::<u8>()], 0..120);
    let path =
        prop_oneof![8 => right, 1 => Just(UnixPath::Null), 1 => raw.prop_map(|bytes| UnixPath::Raw(Bytes(bytes)))];
    let length = prop_oneof![
        4 => Just(Length::Zero),
        6 => Just(Length::OfThePath(0)),
        3 => (-2..3_isize).prop_map(Length::OfThePath),
        1 => (0..130_usize).prop_map(Length::Exactly),
        1 => select(&[107_usize, 108, 109, 110, 111, 112, 126, 127, 128, 4096, 1 << 20][..]).prop_map(Length::Exactly),
    ];
    (path, length)
}

impl UnixPath {
    /// None for NULL.
    fn bytes(&self, facts: Option<&Facts>) -> Option<Vec<u8>> {
        match self {
            Self::Null => None,
            Self::Raw(bytes) => Some(bytes.0.clone()),
            Self::Right { appended, cut, flipped } => {
                let bound = facts.and_then(|facts| facts.address.get(2..)).unwrap_or(b"stream\0");
                // The kernel counts the zero behind a path.
                let bound = if bound.first() == Some(&0) { bound } else { bound.strip_suffix(b"\0").unwrap_or(bound) };
                let mut bytes = [&bound[..bound.len().saturating_sub(*cut)], appended].concat();
                if let Some(byte) = flipped.and_then(|at| bytes.get_mut(at)) {
                    *byte ^= 1;
                }
                Some(bytes)
            }
        }
    }
}

fn is_socket_unix(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, c_int, c_int, *const c_char, usize) -> c_int;
    let observe = |sd_is_socket_unix: Signature, case: &Question<(UnixPath, Length)>| {
        let (facts, fd, kind, listening) = case.install(comparison);
        let (path, length) = &case.about;
        let mut bytes = path.bytes(facts);
        let length = match *length {
            Length::Zero => 0,
            Length::OfThePath(more) => bytes.as_ref().map_or(0, Vec::len).saturating_add_signed(more),
            Length::Exactly(length) => length,
        };
        if let Some(bytes) = &mut bytes {
            // libsystemd compares the byte behind the path as well, and so there is one; `place` adds another.
            bytes.resize(bytes.len().max(length), 0);
        }
        let path = comparison.place(bytes);
        // SAFETY: `path` is NULL or a string, and that many bytes are there with one behind them.
        comparison.before().observe(|| unsafe { sd_is_socket_unix(fd, kind, listening, path, length) }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&questions(|class| class == Class::Unix, unix_paths()), observe) }
}
