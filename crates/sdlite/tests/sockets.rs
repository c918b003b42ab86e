//! The checks of sockets, with the types of std.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixListener};

use sdlite::{
    AddressFamily, Error, SocketType, UnixName, is_socket, is_socket_inet, is_socket_sockaddr, is_socket_unix,
};
use sdlite_test_support::has_ipv6;

const STREAM: Option<SocketType> = Some(SocketType::STREAM);
const LISTENING: Option<bool> = Some(true);

#[test]
fn internet_sockets_are_told_by_family_type_state_and_port() {
    let addresses: &[_] = if has_ipv6() { &["127.0.0.1:0", "[::1]:0"] } else { &["127.0.0.1:0"] };
    for address in addresses {
        let listener = TcpListener::bind(address).expect("a free port");
        let bound = listener.local_addr().expect("it is bound");
        let (family, other) = match bound {
            SocketAddr::V4(_) => (AddressFamily::INET, AddressFamily::INET6),
            SocketAddr::V6(_) => (AddressFamily::INET6, AddressFamily::INET),
        };
        let is = |family, kind, listening, port| is_socket_inet(listener.as_fd(), family, kind, listening, port);
        assert_eq!(is(Some(family), STREAM, LISTENING, bound.port()), Ok(true));
        assert_eq!(is(None, None, None, 0), Ok(true));
        assert_eq!(is(Some(other), STREAM, LISTENING, bound.port()), Ok(false));
        assert_eq!(is(Some(family), Some(SocketType::DGRAM), LISTENING, bound.port()), Ok(false));
        assert_eq!(is(Some(family), STREAM, Some(false), bound.port()), Ok(false));
        assert_eq!(is(Some(family), STREAM, LISTENING, bound.port() ^ 1), Ok(false));
        assert_eq!(is(Some(AddressFamily::UNIX), STREAM, LISTENING, 0).map_err(Error::errno), Err(22));

        assert_eq!(is_socket_sockaddr(listener.as_fd(), STREAM, bound, LISTENING), Ok(true));
        let mut any_port = bound;
        any_port.set_port(0);
        assert_eq!(is_socket_sockaddr(listener.as_fd(), STREAM, any_port, LISTENING), Ok(true));
        let elsewhere = if bound.is_ipv4() { "127.0.0.2:0" } else { "[::2]:0" }.parse().expect("an address");
        assert_eq!(is_socket_sockaddr(listener.as_fd(), STREAM, elsewhere, LISTENING), Ok(false));

        let client = TcpStream::connect(bound).expect("it listens");
        assert_eq!(is_socket(client.as_fd(), Some(family), STREAM, Some(false)), Ok(true));
    }
}

#[test]
fn datagram_sockets_do_not_listen() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    assert_eq!(is_socket(socket.as_fd(), Some(AddressFamily::INET), Some(SocketType::DGRAM), Some(false)), Ok(true));
    assert_eq!(is_socket(socket.as_fd(), None, None, LISTENING), Ok(false));
}

#[test]
fn local_sockets_are_told_by_their_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let named = UnixListener::bind(&path).expect("a new path");
    let is = |name| is_socket_unix(named.as_fd(), STREAM, LISTENING, name);
    assert_eq!(is(None), Ok(true));
    assert_eq!(is(Some(UnixName::Path(&path))), Ok(true));
    assert_eq!(is(Some(UnixName::Path(directory.path()))), Ok(false));
    assert_eq!(is(Some(UnixName::Unnamed)), Ok(false));

    let name = format!("sdlite-test-{}", std::process::id());
    let address = UnixAddress::from_abstract_name(&name).expect("a name");
    let hidden = UnixListener::bind_addr(&address).expect("a new name");
    assert_eq!(is_socket_unix(hidden.as_fd(), STREAM, LISTENING, Some(UnixName::Abstract(name.as_bytes()))), Ok(true));
    assert_eq!(is_socket_unix(hidden.as_fd(), STREAM, LISTENING, Some(UnixName::Abstract(b"another"))), Ok(false));

    let unnamed = UnixDatagram::unbound().expect("a socket");
    assert_eq!(is_socket_unix(unnamed.as_fd(), None, None, Some(UnixName::Unnamed)), Ok(true));
}
