//! The addresses of a name: getaddrinfo(3), in a thread for each connection that asks.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::slots::Key;
use super::target::Address;

/// The addresses, or what is wrong.
pub type Answer = Result<Vec<Address>, String>;

/// Those who ask, each with its key.
pub struct Resolver {
    answers: Receiver<(Key, Answer)>,
    answering: Sender<(Key, Answer)>,
    answered: Arc<EventFd>,
}

impl Resolver {
    /// Nobody has asked yet.
    ///
    /// # Errors
    ///
    /// Those of eventfd(2).
    pub fn new() -> Result<Self, Errno> {
        let (answering, answers) = channel();
        let answered = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { answers, answering, answered: Arc::new(answered) })
    }

    /// Asks for the connection with this key. There is one answer.
    ///
    /// # Errors
    ///
    /// Where no thread can be had.
    pub fn ask(&self, key: Key, host: &str, service: &str) -> Result<(), String> {
        let (host, service) = (host.to_owned(), service.to_owned());
        let (answering, answered) = (self.answering.clone(), Arc::clone(&self.answered));
        let thread = thread::Builder::new().name("resolve".to_owned()).stack_size(256 << 10).spawn(move || {
            // It fails where nobody waits any more.
            let _ = answering.send((key, system::addresses(&host, &service)));
            let _ = answered.write(1);
        });
        thread.map(drop).map_err(|error| error.to_string())
    }

    /// An answer that has come.
    pub fn answer(&self) -> Option<(Key, Answer)> {
        self.answers.try_recv().ok()
    }

    /// Forgets that it was woken: the next answer wakes it again. Before the answers are taken.
    pub fn heard(&self) {
        let _ = self.answered.read();
    }
}

impl AsFd for Resolver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.answered.as_fd()
    }
}

#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
mod system {
    use std::ffi::{CStr, CString};
    use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
    use std::ptr;

    use super::{Address, Answer};

    pub fn addresses(host: &str, service: &str) -> Answer {
        let text = |text: &str| CString::new(text).map_err(|_| "a zero byte in it".to_owned());
        let (host, service) = (text(host)?, text(service)?);
        // SAFETY: zeros are a valid value: no flags, any family, no pointers.
        let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
        hints.ai_socktype = libc::SOCK_STREAM;
        hints.ai_flags = libc::AI_ADDRCONFIG;
        let mut list = ptr::null_mut();
        // SAFETY: two C strings, hints, and a place for the list, all of which outlive the call.
        let result = unsafe { libc::getaddrinfo(host.as_ptr(), service.as_ptr(), &raw const hints, &raw mut list) };
        if result != 0 {
            // SAFETY: it returns a C string that is never freed.
            return Err(unsafe { CStr::from_ptr(libc::gai_strerror(result)) }.to_string_lossy().into_owned());
        }
        let mut addresses = Vec::new();
        let mut next = list;
        // SAFETY: an element of the list, which is freed below; the last one has no next.
        while let Some(element) = unsafe { next.as_ref() } {
            // SAFETY: the element's own address.
            addresses.extend(unsafe { address(element) });
            next = element.ai_next;
        }
        // SAFETY: getaddrinfo's, and not used any more.
        unsafe { libc::freeaddrinfo(list) };
        Ok(addresses)
    }

    /// # Safety
    ///
    /// The element's address is one of its family.
    unsafe fn address(element: &libc::addrinfo) -> Option<Address> {
        let address = match element.ai_family {
            libc::AF_INET => {
                // SAFETY: the caller's promise.
                let address = unsafe { element.ai_addr.cast::<libc::sockaddr_in>().read_unaligned() };
                let ip = u32::from_be(address.sin_addr.s_addr).into();
                SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(address.sin_port)))
            }
            libc::AF_INET6 => {
                // SAFETY: the caller's promise.
                let address = unsafe { element.ai_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
                let (ip, port) = (address.sin6_addr.s6_addr.into(), u16::from_be(address.sin6_port));
                SocketAddr::V6(SocketAddrV6::new(ip, port, address.sin6_flowinfo, address.sin6_scope_id))
            }
            _ => return None,
        };
        Some(Address::Ip(address))
    }
}

/// Where glibc is linked statically it cannot load what looks names up: /etc/hosts is what there is.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
mod system {
    use std::fs;
    use std::net::{IpAddr, SocketAddr};

    use super::{Address, Answer};

    pub fn addresses(host: &str, service: &str) -> Answer {
        let port = service.parse::<u16>().map_err(|_| format!("{service} is no port, and names are not looked up"))?;
        let hosts = fs::read_to_string("/etc/hosts").map_err(|error| format!("/etc/hosts: {error}"))?;
        let address = |line: &str| {
            let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
            let address: IpAddr = words.next()?.parse().ok()?;
            words.any(|name| name.eq_ignore_ascii_case(host)).then(|| Address::Ip(SocketAddr::new(address, port)))
        };
        let addresses: Vec<_> = hosts.lines().filter_map(address).collect();
        if addresses.is_empty() {
            return Err(format!("{host} is not in /etc/hosts, where alone a static sd-proxy looks"));
        }
        Ok(addresses)
    }
}
