//! Bytes that are shown as text, and bytes that a function of C reads.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr;

use crate::sys;

/// Bytes, shown as a literal of Rust; of many, the beginning and what tells them apart from others.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 300;
        match self.0.get(..SHOWN) {
            None => write!(f, "b\"{}\"", self.0.escape_ascii()),
            Some(start) => {
                let mut hasher = DefaultHasher::new();
                self.hash(&mut hasher);
                write!(f, "b\"{}\"... {} bytes, hash {:x}", start.escape_ascii(), self.0.len(), hasher.finish())
            }
        }
    }
}

/// A string that a function of C has left to the caller, whose memory is given back.
///
/// # Safety
///
/// It is a string of malloc(3).
pub unsafe fn take_string(string: *mut c_char) -> Bytes {
    // SAFETY: as the caller promises.
    unsafe {
        let bytes = Bytes(CStr::from_ptr(string).to_bytes().to_vec());
        libc::free(string.cast());
        bytes
    }
}

/// The same, of an array of strings.
///
/// # Safety
///
/// It is an array of strings that ends in NULL, all of malloc(3).
pub unsafe fn take_strings(array: *mut *mut c_char) -> Vec<Bytes> {
    let mut strings = Vec::new();
    // SAFETY: as the caller promises.
    unsafe {
        loop {
            let string = array.add(strings.len()).read();
            if string.is_null() {
                libc::free(array.cast());
                return strings;
            }
            strings.push(take_string(string));
        }
    }
}

/// Room for an argument that ends where readable memory ends: whoever reads on dies.
pub struct Guarded {
    start: *mut u8,
    placed: RefCell<Vec<u8>>,
}

impl Guarded {
    const SIZE: usize = 4 << 20;

    pub fn new() -> Self {
        let (size, page) = (Self::SIZE, 1 << 16);
        let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, at an address of the kernel's choice, of which the last pages become inaccessible.
        let start = unsafe {
            let start = libc::mmap(ptr::null_mut(), size + page, read_write, private, -1, 0);
            assert!(start != libc::MAP_FAILED, "mmap");
            sys::check(libc::mprotect(start.byte_add(size), page, libc::PROT_NONE)).expect("mprotect");
            start.cast()
        };
        Self { start, placed: RefCell::default() }
    }

    /// Where `bytes` now are. What was placed before is gone.
    pub fn place(&self, bytes: &[u8]) -> *const c_char {
        let mut placed = self.placed.borrow_mut();
        placed.clear();
        placed.extend_from_slice(bytes);
        let offset = Self::SIZE.checked_sub(bytes.len()).expect("an argument that fits");
        // SAFETY: that many bytes are there, and nothing else refers to them.
        unsafe {
            let at = self.start.add(offset);
            ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
            at.cast()
        }
    }

    /// As `place`, with a zero byte behind.
    pub fn place_string(&self, bytes: &[u8]) -> *const c_char {
        self.place(&[bytes, b"\0"].concat())
    }

    /// Whether what was placed is still what it was.
    pub fn kept(&self) -> bool {
        let placed = self.placed.borrow();
        // SAFETY: as many bytes as `place` has put there.
        let bytes = unsafe { std::slice::from_raw_parts(self.start.add(Self::SIZE - placed.len()), placed.len()) };
        bytes == *placed
    }
}
