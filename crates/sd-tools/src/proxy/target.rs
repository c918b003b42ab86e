//! Where connections go.

use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, UnixAddr, connect, setsockopt, socket, sockopt,
};

/// The port where none is said.
const PORT: &str = "80";

/// What the command line says.
#[derive(Debug, PartialEq)]
pub enum Target {
    /// A path, or an abstract name behind `@`; or why it is no address, which every connection is told.
    Unix(Result<UnixAddr, Errno>),
    /// An address of IPv4 or IPv6.
    Ip(SocketAddr),
    /// What getaddrinfo(3) has to be asked for, at each connection.
    Name {
        /// The host.
        host: String,
        /// The name of a service, or a port.
        service: String,
    },
}

/// An address to connect to.
#[derive(Clone, Debug)]
pub enum Address {
    /// Of a unix socket.
    Unix(UnixAddr),
    /// Of IPv4 or IPv6.
    Ip(SocketAddr),
}

impl Target {
    /// Reads the parameter. Whatever it is, it is no error before somebody connects: as in the original.
    pub fn new(text: &OsStr) -> Self {
        match text.as_bytes() {
            [b'@'] => Self::Unix(Err(Errno::EINVAL)),
            [b'@', name @ ..] => Self::Unix(UnixAddr::new_abstract(name)),
            [b'/', ..] => Self::Unix(UnixAddr::new(text)),
            _ => Self::host(&text.to_string_lossy()),
        }
    }

    fn host(text: &str) -> Self {
        let (host, service) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, service)) => (host, service.strip_prefix(':').unwrap_or(PORT)),
            None => text.rsplit_once(':').unwrap_or((text, PORT)),
        };
        match (host.parse::<IpAddr>(), service.parse::<u16>()) {
            (Ok(address), Ok(port)) => Self::Ip(SocketAddr::new(address, port)),
            _ => Self::Name { host: host.to_owned(), service: service.to_owned() },
        }
    }
}

impl Address {
    /// A socket that is connected, or is about to be: then the second is false.
    ///
    /// # Errors
    ///
    /// Those of socket(2) and connect(2).
    pub fn connect(&self) -> Result<(OwnedFd, bool), Errno> {
        let family = match self {
            Self::Unix(_) => AddressFamily::Unix,
            Self::Ip(SocketAddr::V4(_)) => AddressFamily::Inet,
            Self::Ip(SocketAddr::V6(_)) => AddressFamily::Inet6,
        };
        let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
        let result = match self {
            Self::Unix(address) => connect(socket.as_raw_fd(), address),
            Self::Ip(address) => {
                // What comes in pieces goes out in the same pieces, at once.
                let _ = setsockopt(&socket, sockopt::TcpNoDelay, &true);
                connect(socket.as_raw_fd(), &SockaddrStorage::from(*address))
            }
        };
        match result {
            Ok(()) => Ok((socket, true)),
            Err(Errno::EINPROGRESS) => Ok((socket, false)),
            Err(errno) => Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_systemd_socket_proxyd_reads_them() {
        let name = |host: &str, service: &str| Target::Name { host: host.into(), service: service.into() };
        let ip = |text: &str| Target::Ip(text.parse().unwrap());
        let cases = [
            ("127.0.0.1:9000", ip("127.0.0.1:9000")),
            ("127.0.0.1", ip("127.0.0.1:80")),
            ("::1:99", ip("[::1]:99")),
            ("[::1]:99", ip("[::1]:99")),
            ("[::1]", ip("[::1]:80")),
            ("localhost", name("localhost", "80")),
            ("localhost:http", name("localhost", "http")),
            (":99", name("", "99")),
            ("127.0.0.1:99999", name("127.0.0.1", "99999")),
            ("a/b", name("a/b", "80")),
            ("", name("", "80")),
            ("@", Target::Unix(Err(Errno::EINVAL))),
            ("@a", Target::Unix(UnixAddr::new_abstract(b"a"))),
            ("/a:80", Target::Unix(UnixAddr::new("/a:80"))),
        ];
        for (text, expected) in cases {
            assert_eq!(Target::new(OsStr::new(text)), expected, "{text}");
        }
        let long = format!("/{}", "x".repeat(120));
        assert_eq!(Target::new(OsStr::new(&long)), Target::Unix(Err(Errno::ENAMETOOLONG)));
    }
}
