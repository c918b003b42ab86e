//! sd_notify(3): what the service tells the manager.

use core::ffi::{CStr, c_int};

use crate::environment::{self, Group, Unset, Variables};
use crate::sys::{self, Address, Control, IoSlice, OwnedFd};
use crate::{Answer, Errno, No, Result, large_message, number};

/// No message carries more descriptors.
pub const FDS_MAX: usize = sys::SCM_MAX_FD;

/// sd_pid_notify_with_fds(3): sends `state` in the name of `pid`, 0 being this process. A no means that nobody wants to be
/// notified.
///
/// A `state` or `fds` of None is what NULL is in C.
pub fn notify(pid: libc::pid_t, unset: Option<Unset>, state: Option<&[u8]>, fds: Option<&[c_int]>) -> Answer {
    let variables = Variables::new(Group::Notify, unset);
    let (Some(state), Some(fds)) = (state, fds) else { return Err(Errno::INVAL.into()) };
    if fds.len() > FDS_MAX {
        return Err(Errno::TOOBIG.into());
    }
    let Some(manager) = variables.get(environment::NOTIFY_SOCKET) else { return Err(No::NO) };
    let mut address = Address::new();
    let kind = parse(manager, &mut address)?;
    let (socket, connected) = open(&address, kind)?;
    let to = if connected { None } else { Some(&address) };

    let mut control = Control::new();
    if !fds.is_empty() {
        control.push_rights(fds);
    }
    let rights = control.len();
    if let Some(credentials) = credentials(pid) {
        control.push_credentials(&credentials);
    }
    let mut sent = send(&socket, to, state, &control);
    // Whatever was sent in part is not sent again.
    if !matches!(sent, Ok(()) | Err(Errno::IO)) && control.len() > rights {
        // Only who may do so can speak for another process; others speak for themselves.
        control.truncate(rights);
        sent = send(&socket, to, state, &control);
    }
    sent?;
    if connected {
        sys::shutdown(&socket, libc::SHUT_WR)?;
        // When the other side closes it has read everything; it has nothing to say.
        if sys::recv_byte(&socket)? {
            return Err(Errno::PROTO.into());
        }
    }
    Ok(())
}

/// sd_pid_notify_barrier(3): waits until the manager has read everything that was sent before, for up to `timeout`
/// microseconds, or for ever where that is the largest value.
pub fn barrier(pid: libc::pid_t, unset: Option<Unset>, timeout: u64) -> Answer {
    let _variables = Variables::new(Group::Notify, unset);
    let pipe = sys::pipe()?;
    notify(pid, None, Some(b"BARRIER=1"), Some(&[pipe.write.raw()]))?;
    // What is left of the writing end is the manager's.
    drop(pipe.write);
    if sys::poll_hangup(&pipe.read, timeout)? { Ok(()) } else { Err(Errno::TIMEDOUT.into()) }
}

/// Sends it whole, with as large a send buffer as that takes.
fn send(socket: &OwnedFd, to: Option<&Address>, state: &[u8], control: &Control) -> Result<()> {
    let saved = Errno::save();
    let state = [IoSlice::new(state)];
    let sent = sys::sendmsg(socket.raw(), to, &state, control);
    if !matches!(sent, Err(Errno::MSGSIZE | Errno::NOBUFS)) {
        return sent;
    }
    large_message::raise_send_buffer(socket.raw());
    sys::sendmsg(socket.raw(), to, &state, control)?;
    saved.restore();
    Ok(())
}

/// The credentials to send along where those that the kernel adds by itself would not be the right ones.
fn credentials(pid: libc::pid_t) -> Option<libc::ucred> {
    let (user, group) = (sys::getresuid(), sys::getresgid());
    let own = if pid == 0 { 0 } else { sys::getpid() };
    if pid == own && user.real == user.effective && group.real == group.effective {
        return None;
    }
    let pid = if pid == 0 { sys::getpid() } else { pid };
    Some(libc::ucred { pid, uid: user.real, gid: group.real })
}

/// $NOTIFY_SOCKET: the address, and the type of socket where it says one.
fn parse(text: &CStr, address: &mut Address) -> Result<Option<c_int>> {
    let (kind, prefix) = match text.to_bytes() {
        [b'/' | b'@'] => return Err(Errno::INVAL),
        [b'/', ..] => return address.set_path(text).then_some(Some(libc::SOCK_DGRAM)).ok_or(Errno::NAMETOOLONG),
        [b'@', ..] => return address.set_path(text).then_some(Some(libc::SOCK_DGRAM)).ok_or(Errno::INVAL),
        text if text.starts_with(b"vsock:") => (None, 6),
        text if text.starts_with(b"vsock-stream:") => (Some(libc::SOCK_STREAM), 13),
        text if text.starts_with(b"vsock-dgram:") => (Some(libc::SOCK_DGRAM), 12),
        text if text.starts_with(b"vsock-seqpacket:") => (Some(libc::SOCK_SEQPACKET), 16),
        _ => return Err(Errno::PROTO),
    };
    vsock(sys::tail(text, prefix), address)?;
    Ok(kind)
}

/// `CID:PORT`, as in vsock(7).
fn vsock(text: &CStr, address: &mut Address) -> Result<()> {
    let colon = sys::memchr(text.to_bytes(), b':').ok_or(Errno::INVAL)?;
    let port = not_any(number::u32(sys::tail(text, colon + 1), 0)?)?;
    let cid = match text.to_bytes().get(..colon) {
        Some(b"hypervisor") => libc::VMADDR_CID_HYPERVISOR,
        Some(b"local") => libc::VMADDR_CID_LOCAL,
        Some(b"host") => libc::VMADDR_CID_HOST,
        Some(b"any" | b"-1") => libc::VMADDR_CID_ANY,
        _ => number::u32(text, b':')?,
    };
    address.set_vsock(not_any(cid)?, port);
    Ok(())
}

/// The largest number is VMADDR_CID_ANY and VMADDR_PORT_ANY, which nothing can be sent to.
fn not_any(number: u32) -> Result<u32> {
    if number == u32::MAX { Err(Errno::INVAL) } else { Ok(number) }
}

/// A socket for this address, of the type that it says or else of the first that the kernel has; and whether that is of
/// the connected kind, and so connected.
fn open(address: &Address, kind: Option<c_int>) -> Result<(OwnedFd, bool)> {
    const KINDS: [c_int; 3] = [libc::SOCK_DGRAM, libc::SOCK_SEQPACKET, libc::SOCK_STREAM];
    let mut opened = Err(Errno::PROTO);
    for candidate in KINDS {
        if kind.is_none_or(|kind| kind == candidate) {
            opened = sys::socket(address.family(), candidate).map(|socket| (socket, candidate != libc::SOCK_DGRAM));
        }
        if opened.is_ok() {
            break;
        }
    }
    let (socket, connected) = opened?;
    if address.family() == libc::AF_VSOCK {
        bind_to_privileged_port(&socket)?;
    }
    if connected {
        sys::connect(&socket, address)?;
    }
    Ok((socket, connected))
}

/// A port that only the privileged can have says to the host that this is no mere user. Whoever may not have one goes
/// without.
fn bind_to_privileged_port(socket: &OwnedFd) -> Result<()> {
    let mut address = Address::new();
    for port in (1..1024).rev() {
        address.set_vsock(libc::VMADDR_CID_ANY, port);
        match sys::bind(socket, &address) {
            Err(Errno::ADDRINUSE) => {}
            Err(Errno::ACCES | Errno::PERM) => return Ok(()),
            bound => return bound,
        }
    }
    Err(Errno::ADDRINUSE)
}
