//! Addresses of sockets: those that are sent to, and those that the kernel tells.

use core::ffi::{CStr, c_char, c_int};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ptr;

/// The address of a socket: as many bytes of the storage as the length says.
pub(crate) struct SocketAddress {
    storage: MaybeUninit<libc::sockaddr_storage>,
    len: usize,
}

impl SocketAddress {
    /// As much of the storage as was written. No address is longer than the storage, whatever `len` says.
    ///
    /// # Safety
    ///
    /// The first `len` bytes of the storage are initialised, all of them where it is that long or longer.
    pub(super) unsafe fn new(storage: MaybeUninit<libc::sockaddr_storage>, len: usize) -> Self {
        Self { storage, len: len.min(size_of::<libc::sockaddr_storage>()) }
    }

    /// An address from elsewhere; what is too long for any address is cut.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut address =
            Self { storage: MaybeUninit::uninit(), len: bytes.len().min(size_of::<libc::sockaddr_storage>()) };
        // SAFETY: there are that many bytes on both sides.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address.storage.as_mut_ptr().cast(), address.len) };
        address
    }

    /// Reads the structure at the start of the storage, unless the address is shorter than that.
    ///
    /// # Safety
    ///
    /// `T` is a structure of integers, and no more aligned than `sockaddr_storage`.
    unsafe fn start<T>(&self) -> Option<&T> {
        // SAFETY: as many bytes are initialised, and any are valid integers.
        (self.len >= size_of::<T>()).then(|| unsafe { &*self.storage.as_ptr().cast() })
    }

    /// Too short to have a family.
    pub(crate) fn is_empty(&self) -> bool {
        self.len < size_of::<libc::sa_family_t>()
    }

    pub(crate) fn family(&self) -> c_int {
        // SAFETY: it is an integer.
        unsafe { self.start::<libc::sa_family_t>() }.map_or(libc::AF_UNSPEC, |family| c_int::from(*family))
    }

    /// What stands behind the family: in an address of AF_UNIX, `sun_path`.
    pub(crate) fn data(&self) -> &[u8] {
        // SAFETY: that many bytes are initialised.
        let bytes = unsafe { core::slice::from_raw_parts(self.storage.as_ptr().cast(), self.len) };
        bytes.get(size_of::<libc::sa_family_t>()..).unwrap_or_default()
    }

    /// The port, which addresses of AF_INET and AF_INET6 have at the same place.
    pub(crate) fn port(&self) -> Option<u16> {
        self.data().first_chunk().map(|port| u16::from_be_bytes(*port))
    }

    /// The address as one of AF_INET, unless it is too short.
    pub(crate) fn inet(&self) -> Option<&libc::sockaddr_in> {
        // SAFETY: it is a structure of integers, and one of those that the storage is for.
        unsafe { self.start() }
    }

    /// The address as one of AF_INET6, unless it is too short.
    pub(crate) fn inet6(&self) -> Option<&libc::sockaddr_in6> {
        // SAFETY: as in `inet`.
        unsafe { self.start() }
    }
}

/// An address to send to: as many bytes as the length says.
pub(crate) struct Address {
    storage: Storage,
    len: libc::socklen_t,
}

#[repr(C)]
union Storage {
    unix: libc::sockaddr_un,
    vsock: libc::sockaddr_vm,
}

impl Address {
    /// The address of an unnamed socket of AF_UNIX.
    pub(crate) const fn new() -> Self {
        let unix = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
        Self { storage: Storage { unix }, len: size_of::<libc::sa_family_t>() as libc::socklen_t }
    }

    /// The address of a path that is known to fit: a constant that does not, does not compile.
    pub(crate) const fn path(path: &'static CStr) -> Self {
        let mut address = Self::new();
        if !address.set_path(path) {
            panic!("no room for the path");
        }
        address
    }

    /// Makes it a path, or with a `@` in front an abstract name. False where there is no room for that.
    pub(crate) const fn set_path(&mut self, path: &CStr) -> bool {
        let path = path.to_bytes_with_nul();
        // SAFETY: it is an address of AF_UNIX; there is room for as many bytes as are copied.
        unsafe {
            let room = &mut self.storage.unix.sun_path;
            if path.len() > room.len() {
                return false;
            }
            ptr::copy_nonoverlapping(path.as_ptr().cast(), room.as_mut_ptr(), path.len());
            self.len = (offset_of!(libc::sockaddr_un, sun_path) + path.len()) as libc::socklen_t;
            if room[0] == b'@' as c_char {
                // The zero byte is in front of a name, not behind it.
                room[0] = 0;
                self.len -= 1;
            }
        }
        true
    }

    /// Makes it a port of a virtual machine or of its host.
    pub(crate) fn set_vsock(&mut self, cid: u32, port: u32) {
        // SAFETY: the structure is of integers, for which zero is a value.
        let mut vsock: libc::sockaddr_vm = unsafe { MaybeUninit::zeroed().assume_init() };
        vsock.svm_family = libc::AF_VSOCK as libc::sa_family_t;
        vsock.svm_cid = cid;
        vsock.svm_port = port;
        self.storage.vsock = vsock;
        self.len = size_of::<libc::sockaddr_vm>() as libc::socklen_t;
    }

    pub(crate) fn family(&self) -> c_int {
        // SAFETY: both structures begin with it.
        c_int::from(unsafe { self.storage.unix.sun_family })
    }

    pub(super) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub(super) fn len(&self) -> libc::socklen_t {
        self.len
    }
}
