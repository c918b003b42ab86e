//! The addresses of sd-activate's `--listen=`: what was read and is written again, plainly or as the messages name it, is
//! read as the same.
#![no_main]

mod input;

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::net::{SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use nix::errno::Errno;
use nix::sys::socket::{SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage, UnixAddr, VsockAddr};
use sd_activate::address::{Address, Bound};

fuzz_target!(|data: &[u8]| {
    let text = input::c_string(data);
    let text = OsStr::from_bytes(text.to_bytes());
    let parsed = Address::parse(text);
    if let Some(expected) = as_std_reads(text) {
        assert_eq!(parsed, expected, "{text:?}");
    }
    match parsed {
        Ok(address) => {
            within_bounds(&address);
            if let Some(written) = written(&address) {
                assert_eq!(Address::parse(&written), Ok(address.clone()), "{text:?}");
            }
            if let Some((named, shown)) = shown(&address) {
                assert_eq!(Address::parse(&named), Ok(shown), "{text:?} is shown as {named:?}");
            }
        }
        Err(error) => {
            let known = [Errno::EINVAL, Errno::ERANGE, Errno::ENAMETOOLONG, Errno::ENODEV];
            assert!(known.contains(&error), "{text:?}: {error}");
        }
    }
});

/// The standard library's answer, where the text is an address for that too.
fn as_std_reads(text: &OsStr) -> Option<Result<Address, Errno>> {
    let text = text.to_str()?;
    let port = text.rsplit(':').next()?;
    let address = match (text.parse(), text.parse::<SocketAddrV6>()) {
        (Ok(inet), _) => Address::Inet(inet),
        // libsystemd has the interface behind the port.
        (_, Ok(inet6)) if !text.contains('%') => Address::Inet6(inet6),
        _ => return None,
    };
    Some(if port.starts_with('0') { Err(Errno::EINVAL) } else { Ok(address) })
}

fn within_bounds(address: &Address) {
    let holds = match address {
        Address::Port(port) => *port != 0,
        Address::Inet(inet) => inet.port() != 0,
        Address::Inet6(inet6) => inet6.port() != 0 && inet6.flowinfo() == 0,
        Address::Path(path) => (2..=107).contains(&path.len()) && path[0] == b'/',
        Address::Abstract(name) => (1..=106).contains(&name.len()),
        Address::Vsock { port, .. } => *port != u32::MAX,
    };
    assert!(holds, "{address:?}");
}

/// The text for an address. None where it has bytes that would not print, or a backslash.
fn written(address: &Address) -> Option<OsString> {
    Some(address.to_string()).filter(|text| !text.contains('\\')).map(OsString::from)
}

/// What the messages say of a socket that is bound there, and the address that this names: no longer the type, and all
/// interfaces as their address. None where a backslash makes what is said ambiguous.
fn shown(address: &Address) -> Option<(OsString, Address)> {
    let every = |port: u16| SocketAddrV6::new(std::net::Ipv6Addr::UNSPECIFIED, port, 0, 0);
    let (storage, same) = match address {
        Address::Port(port) => (storage(&SockaddrIn6::from(every(*port))), Address::Inet6(every(*port))),
        Address::Inet(inet) => (storage(&SockaddrIn::from(SocketAddrV4::clone(inet))), address.clone()),
        Address::Inet6(inet6) => (storage(&SockaddrIn6::from(*inet6)), address.clone()),
        Address::Path(bytes) | Address::Abstract(bytes) if bytes.contains(&b'\\') => return None,
        Address::Path(path) => (storage(&UnixAddr::new(Path::new(OsStr::from_bytes(path))).unwrap()), address.clone()),
        Address::Abstract(name) => (storage(&UnixAddr::new_abstract(name).unwrap()), address.clone()),
        Address::Vsock { cid, port, .. } => {
            (storage(&VsockAddr::new(*cid, *port)), Address::Vsock { cid: *cid, port: *port, socket_type: None })
        }
    };
    let mut text = String::new();
    write!(text, "{}", Bound(&storage)).unwrap();
    Some((without_octal(text.as_bytes()), same))
}

fn storage(address: &impl SockaddrLike) -> SockaddrStorage {
    // SAFETY: the pointer is to an address of that length.
    unsafe { SockaddrStorage::from_raw(address.as_ptr(), Some(address.len())) }.expect("an address of a known family")
}

/// Bytes that do not print are shown as three octal digits behind a backslash.
fn without_octal(text: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return OsString::from_vec(bytes),
            [b'\\', digits @ ..] => {
                let (octal, behind) = digits.split_at(3);
                bytes.push(u8::from_str_radix(str::from_utf8(octal).unwrap(), 8).unwrap());
                behind
            }
            [byte, behind @ ..] => {
                assert!((b' '..=b'~').contains(byte));
                bytes.push(*byte);
                behind
            }
        };
    }
}
