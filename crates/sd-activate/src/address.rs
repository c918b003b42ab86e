//! The addresses of `--listen=`, in the forms of ListenStream= in systemd.socket(5).

use std::ffi::{CString, OsStr};
use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::socket::{SockType, SockaddrLike, SockaddrStorage};
use serde::{Deserialize, Serialize};

use crate::saved;

/// A socket's name in the file system may be this long; one more byte of sun_path is its end.
const PATH_MAX: usize = 107;
const VMADDR_CID_ANY: u32 = u32::MAX;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// A port of every address, IPv6 and IPv4.
    Port(u16),
    /// An IPv4 address.
    Inet(SocketAddrV4),
    /// An IPv6 address, and the interface where one is given.
    Inet6(SocketAddrV6),
    /// A path in the file system.
    Path(#[serde(with = "saved")] Vec<u8>),
    /// A name in the abstract namespace, without its zero byte.
    Abstract(#[serde(with = "saved")] Vec<u8>),
    /// AF_VSOCK.
    Vsock {
        /// The context id.
        cid: u32,
        /// The port.
        port: u32,
        /// The socket type, where the prefix names one.
        #[serde(with = "saved")]
        socket_type: Option<SockType>,
    },
}

impl Address {
    /// Reads an address; EINVAL or ERANGE as from systemd-socket-activate.
    pub fn parse(text: &OsStr) -> Result<Self, Errno> {
        let bytes = text.as_bytes();
        match bytes {
            [b'/', _, ..] if bytes.len() > PATH_MAX => return Err(Errno::ENAMETOOLONG),
            [b'/', _, ..] => return Ok(Self::Path(bytes.to_vec())),
            [b'@', name @ ..] if name.is_empty() || bytes.len() > PATH_MAX => return Err(Errno::EINVAL),
            [b'@', name @ ..] => return Ok(Self::Abstract(name.to_vec())),
            _ => (),
        }
        let text = text.to_str().ok_or(Errno::EINVAL)?;

        for (prefix, socket_type) in [
            ("vsock:", None),
            ("vsock-stream:", Some(SockType::Stream)),
            ("vsock-dgram:", Some(SockType::Datagram)),
            ("vsock-seqpacket:", Some(SockType::SeqPacket)),
        ] {
            if let Some(rest) = text.strip_prefix(prefix) {
                return vsock(rest, socket_type);
            }
        }
        if let Some(rest) = text.strip_prefix('[') {
            return inet6(rest);
        }
        match text.split_once(':') {
            Some((address, rest)) => inet(address, rest),
            None => Ok(Self::Port(port(text)?)),
        }
    }
}

/// An IPv4 address and what follows its colon. An interface has to exist, and means nothing: only IPv6 has scopes.
fn inet(address: &str, rest: &str) -> Result<Address, Errno> {
    let address: Ipv4Addr = address.parse().map_err(|_| Errno::EINVAL)?;
    let (port, _) = port_and_scope(rest)?;
    Ok(Address::Inet(SocketAddrV4::new(address, port)))
}

/// What follows `[`.
fn inet6(text: &str) -> Result<Address, Errno> {
    let (address, rest) = text.split_once("]:").ok_or(Errno::EINVAL)?;
    let address: Ipv6Addr = address.parse().map_err(|_| Errno::EINVAL)?;
    let (port, scope) = port_and_scope(rest)?;
    Ok(Address::Inet6(SocketAddrV6::new(address, port, 0, scope)))
}

/// `PORT` or `PORT%INTERFACE`.
fn port_and_scope(text: &str) -> Result<(u16, u32), Errno> {
    match text.split_once('%') {
        Some((port_text, interface)) => Ok((port(port_text)?, scope(interface)?)),
        None => Ok((port(text)?, 0)),
    }
}

/// An interface's index, from its name or its number.
fn scope(interface: &str) -> Result<u32, Errno> {
    match number(interface, u32::MAX) {
        Ok(index) => Ok(index),
        Err(_) => nix::net::if_::if_nametoindex(interface),
    }
}

/// What follows `vsock:`.
fn vsock(text: &str, socket_type: Option<SockType>) -> Result<Address, Errno> {
    let (cid, port) = text.split_once(':').ok_or(Errno::EINVAL)?;
    let cid = match cid {
        "" | "-1" | "any" => VMADDR_CID_ANY,
        cid => number(cid, u32::MAX)?,
    };
    let port = match number(port, u32::MAX)? {
        // The kernel would choose a port, which nobody could know beforehand.
        u32::MAX => return Err(Errno::EINVAL),
        port => port,
    };
    Ok(Address::Vsock { cid, port, socket_type })
}

/// A port of TCP or UDP. Zeroes before it are refused: 080 is meant as 80, but would be octal.
fn port(text: &str) -> Result<u16, Errno> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errno::EINVAL);
    }
    match number(text, u16::MAX.into())? {
        0 => Err(Errno::EINVAL),
        port => u16::try_from(port).map_err(|_| Errno::ERANGE),
    }
}

/// A number as strtoul(3) reads it, without white space before it, and with `0b` and `0o`.
fn number(text: &str, most: u32) -> Result<u32, Errno> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let prefix = unsigned.get(..2).unwrap_or_default();
    let (base, digits) = match prefix {
        "0x" | "0X" => (16, &unsigned[2..]),
        "0b" | "0B" if unsigned == text => (2, &unsigned[2..]),
        "0o" | "0O" if unsigned == text => (8, &unsigned[2..]),
        _ => (10, unsigned),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return Err(Errno::EINVAL);
    }
    match u64::from_str_radix(digits, base) {
        Ok(0) => Ok(0),
        Ok(value) if value <= u64::from(most) && !text.starts_with('-') => {
            u32::try_from(value).map_err(|_| Errno::ERANGE)
        }
        _ => Err(Errno::ERANGE),
    }
}

impl Display for Address {
    /// As it is read again.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(formatter, "{port}"),
            Self::Inet(inet) => write!(formatter, "{inet}"),
            Self::Inet6(inet6) => {
                write!(formatter, "[{}]:{}", inet6.ip(), inet6.port())?;
                if inet6.scope_id() == 0 { Ok(()) } else { write!(formatter, "%{}", interface(inet6.scope_id())) }
            }
            Self::Path(path) => write!(formatter, "{}", Printable(path)),
            Self::Abstract(name) => write!(formatter, "@{}", Printable(name)),
            Self::Vsock { cid, port, socket_type } => {
                formatter.write_str(match socket_type {
                    None => "vsock:",
                    Some(SockType::Stream) => "vsock-stream:",
                    Some(SockType::Datagram) => "vsock-dgram:",
                    Some(_) => "vsock-seqpacket:",
                })?;
                if *cid == VMADDR_CID_ANY { write!(formatter, ":{port}") } else { write!(formatter, "{cid}:{port}") }
            }
        }
    }
}

/// The address of a socket that is listened on, as the messages name it.
pub struct Bound<'a>(pub &'a SockaddrStorage);

impl Display for Bound<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let address = self.0;
        if let Some(inet) = address.as_sockaddr_in() {
            write!(formatter, "{}:{}", inet.ip(), inet.port())
        } else if let Some(inet6) = address.as_sockaddr_in6() {
            write!(formatter, "[{}]:{}", inet6.ip(), inet6.port())?;
            match inet6.scope_id() {
                0 => Ok(()),
                index => write!(formatter, "%{}", interface(index)),
            }
        } else if let Some(unix) = address.as_unix_addr() {
            match (unix.path(), unix.as_abstract()) {
                (Some(path), _) => write!(formatter, "{}", Printable(path.as_os_str().as_bytes())),
                (_, Some(name)) => write!(formatter, "@{}", Printable(name)),
                _ => formatter.write_str("<unnamed>"),
            }
        } else if let Some(vsock) = address.as_vsock_addr() {
            match vsock.cid() {
                VMADDR_CID_ANY => write!(formatter, "vsock::{}", vsock.port()),
                cid => write!(formatter, "vsock:{cid}:{}", vsock.port()),
            }
        } else {
            write!(formatter, "<address family {}>", address.family().map_or(0, |family| family as i32))
        }
    }
}

fn interface(index: u32) -> String {
    nix::net::if_::if_indextoname(index)
        .map(CString::into_string)
        .ok()
        .and_then(Result::ok)
        // What nix says where there is none of that index.
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| index.to_string())
}

/// Bytes with everything octal that would not print.
struct Printable<'a>(&'a [u8]);

impl Display for Printable<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            match byte {
                b' '..=b'~' => write!(formatter, "{}", char::from(*byte))?,
                byte => write!(formatter, "\\{byte:03o}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::SockaddrIn6;

    fn inet(address: &str) -> Result<Address, Errno> {
        Ok(Address::Inet(address.parse().unwrap()))
    }

    fn inet6(address: &str) -> Result<Address, Errno> {
        Ok(Address::Inet6(address.parse().unwrap()))
    }

    fn vsock(cid: u32, port: u32, socket_type: Option<SockType>) -> Result<Address, Errno> {
        Ok(Address::Vsock { cid, port, socket_type })
    }

    #[test]
    fn addresses_are_read_as_systemd_socket_activate_reads_them() {
        const INVALID: Result<Address, Errno> = Err(Errno::EINVAL);
        const RANGE: Result<Address, Errno> = Err(Errno::ERANGE);
        let cases: &[(&str, Result<Address, Errno>)] = &[
            ("8080", Ok(Address::Port(8080))),
            ("1", Ok(Address::Port(1))),
            ("65535", Ok(Address::Port(65535))),
            ("+8080", Ok(Address::Port(8080))),
            ("0x1e68", Ok(Address::Port(7784))),
            ("+0x1e68", Ok(Address::Port(7784))),
            ("0x01e68", Ok(Address::Port(7784))),
            ("0b11110", Ok(Address::Port(30))),
            ("0o17150", Ok(Address::Port(7784))),
            ("+0b1", INVALID),
            ("", INVALID),
            ("0", INVALID),
            ("00", INVALID),
            ("07784", INVALID),
            ("+07784", INVALID),
            ("65536", RANGE),
            ("-1", RANGE),
            ("10000000000000000000000", RANGE),
            (" 8080", INVALID),
            ("8080 ", INVALID),
            ("8080a", INVALID),
            ("+", INVALID),
            ("+-1", INVALID),
            ("0x", INVALID),
            ("0é", INVALID),
            ("127.0.0.1:8080", inet("127.0.0.1:8080")),
            ("127.0.0.1:+8080", inet("127.0.0.1:8080")),
            ("127.0.0.1:0x1e68", inet("127.0.0.1:7784")),
            ("0.0.0.0:80", inet("0.0.0.0:80")),
            ("127.0.0.1:80%lo", inet("127.0.0.1:80")),
            ("127.0.0.1:80%1", inet("127.0.0.1:80")),
            ("127.0.0.1:80%no-such-device", Err(Errno::ENODEV)),
            ("80%lo", INVALID),
            ("127.0.0.1", INVALID),
            ("127.0.0.1:", INVALID),
            ("127.0.0.1:0", INVALID),
            ("127.0.0.1: 80", INVALID),
            ("127.0.0.1:0080", INVALID),
            ("127.0.0.1:65536", RANGE),
            ("127.1:80", INVALID),
            ("256.1.1.1:80", INVALID),
            (":80", INVALID),
            ("*:80", INVALID),
            ("localhost:80", INVALID),
            ("[::1]:80", inet6("[::1]:80")),
            ("[::]:80", inet6("[::]:80")),
            ("[::ffff:127.0.0.1]:80", inet6("[::ffff:127.0.0.1]:80")),
            ("[::1]:80%1", Ok(Address::Inet6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 1)))),
            ("[::1]:80%no-such-device", Err(Errno::ENODEV)),
            ("[::1]:-1", RANGE),
            ("[::1]:80 ", INVALID),
            ("[::1]", INVALID),
            ("[::1]:", INVALID),
            ("[::1%lo]:80", INVALID),
            ("[1.2.3.4]:80", INVALID),
            ("::1:80", INVALID),
            ("::1", INVALID),
            ("/run/a b", Ok(Address::Path(b"/run/a b".to_vec()))),
            ("//run/a", Ok(Address::Path(b"//run/a".to_vec()))),
            ("/", INVALID),
            ("./a", INVALID),
            ("a", INVALID),
            ("@a@b", Ok(Address::Abstract(b"a@b".to_vec()))),
            ("@", INVALID),
            ("vsock::80", vsock(VMADDR_CID_ANY, 80, None)),
            ("vsock:-1:80", vsock(VMADDR_CID_ANY, 80, None)),
            ("vsock:any:80", vsock(VMADDR_CID_ANY, 80, None)),
            ("vsock:2:0x10", vsock(2, 16, None)),
            ("vsock-stream:2:80", vsock(2, 80, Some(SockType::Stream))),
            ("vsock-dgram::80", vsock(VMADDR_CID_ANY, 80, Some(SockType::Datagram))),
            ("vsock-seqpacket::80", vsock(VMADDR_CID_ANY, 80, Some(SockType::SeqPacket))),
            ("vsock:", INVALID),
            ("vsock:1", INVALID),
            ("vsock::", INVALID),
            ("vsock::4294967295", INVALID),
            ("vsock::4294967296", RANGE),
        ];
        for (text, expected) in cases {
            assert_eq!(Address::parse(OsStr::new(text)), *expected, "{text:?}");
        }
    }

    #[test]
    fn names_of_unix_sockets_may_be_107_bytes_long() {
        for (first, error) in [("/", Errno::ENAMETOOLONG), ("@", Errno::EINVAL)] {
            let longest = format!("{first}{}", "x".repeat(106));
            assert!(Address::parse(OsStr::new(&longest)).is_ok(), "{longest}");
            let longer = format!("{first}{}", "x".repeat(107));
            assert_eq!(Address::parse(OsStr::new(&longer)), Err(error), "{longer}");
        }
    }

    #[test]
    fn an_interface_that_is_gone_is_shown_by_its_number() {
        let index = i32::MAX as u32;
        let address = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, index));
        // SAFETY: the pointer is to an address of that length.
        let address = unsafe { SockaddrStorage::from_raw(address.as_ptr(), Some(address.len())) }.unwrap();
        assert_eq!(Bound(&address).to_string(), format!("[::1]:80%{index}"));
    }

    #[test]
    fn bytes_that_would_not_print_are_shown_in_octal() {
        assert_eq!(Printable("/tmp/é\n".as_bytes()).to_string(), "/tmp/\\303\\251\\012");
    }
}
