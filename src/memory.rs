//! What becomes the caller's to free(): strings and arrays, which are of malloc(3).

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};

use sdlite_core::login::{Buffer, Words};
use sdlite_core::{Errno, Result};

/// What is behind the last byte of a string, and behind the last pointer of an array.
const END: [u8; size_of::<*mut c_char>()] = [0; size_of::<*mut c_char>()];

/// Bytes that grow, freed unless they become the caller's.
pub(crate) struct Memory {
    data: *mut u8,
    len: usize,
    capacity: usize,
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self { data: ptr::null_mut(), len: 0, capacity: 0 }
    }

    /// Room for so many more bytes, which has to be filled. Behind it there is room for the end. None where memory has run out.
    #[inline(never)]
    fn grow(&mut self, by: usize) -> Option<NonNull<u8>> {
        let start = self.len;
        let len = start.checked_add(by)?;
        let needed = len.checked_add(END.len())?;
        if needed > self.capacity {
            // Half as much again: what grows by single bytes need not be copied as often.
            let capacity = needed.checked_add(len / 2)?;
            // SAFETY: it is memory of malloc, or NULL.
            let data = unsafe { libc::realloc(self.data.cast(), capacity) };
            if data.is_null() {
                return None;
            }
            (self.data, self.capacity) = (data.cast(), capacity);
        }
        self.len = len;
        // SAFETY: there is as much memory, and more.
        NonNull::new(unsafe { self.data.add(start) })
    }

    /// One more byte.
    pub(crate) fn push_byte(&mut self, byte: u8) -> Result<()> {
        let room = self.grow(1).ok_or(Errno::NOMEM)?;
        // SAFETY: there is room for it.
        unsafe { room.write(byte) };
        Ok(())
    }

    /// Puts an end behind the last byte: that of a string, or of an array of pointers.
    #[inline(never)]
    fn end(&mut self) -> Result<()> {
        let end = self.grow(0).ok_or(Errno::NOMEM)?;
        // SAFETY: there is room for it.
        unsafe { end.cast::<[u8; END.len()]>().write(END) };
        Ok(())
    }

    pub(crate) fn into_string(mut self) -> Result<*mut c_char> {
        self.end()?;
        Ok(ManuallyDrop::new(self).data.cast())
    }
}

impl Buffer for Memory {
    fn bytes(&mut self) -> &mut [u8] {
        if self.data.is_null() {
            return &mut [];
        }
        // SAFETY: as many bytes have been written.
        unsafe { core::slice::from_raw_parts_mut(self.data, self.len) }
    }

    #[inline(never)]
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let room = self.grow(bytes.len()).ok_or(Errno::NOMEM)?;
        // SAFETY: there is room for as many, of which nobody else knows.
        unsafe { room.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it is memory of malloc, or NULL, and nobody else's.
        unsafe { libc::free(self.data.cast()) };
    }
}

/// An array of strings that ends in NULL, freed with all of them unless it becomes the caller's.
pub(crate) struct Strings(Memory);

impl Strings {
    pub(crate) const fn new() -> Self {
        Self(Memory::new())
    }

    fn len(&self) -> usize {
        self.0.len / size_of::<*mut c_char>()
    }

    pub(crate) fn count(&self) -> c_int {
        count(self.len())
    }

    #[inline(never)]
    pub(crate) fn push(&mut self, mut string: Memory) -> Result<()> {
        string.end()?;
        let place = self.0.grow(size_of::<*mut c_char>()).ok_or(Errno::NOMEM)?;
        // SAFETY: there is room for it, and aligned, as all that is before it is as large.
        unsafe { place.cast::<*mut c_char>().write(ManuallyDrop::new(string).data.cast()) };
        Ok(())
    }

    /// Puts the NULL behind the last string.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.0.end()
    }

    /// The array, which has to have an end.
    pub(crate) fn into_raw(self) -> *mut *mut c_char {
        ManuallyDrop::new(self).0.data.cast()
    }
}

impl Words for Strings {
    #[inline(never)]
    fn push(&mut self, word: &CStr) -> Result<()> {
        let mut string = Memory::new();
        string.push(word.to_bytes())?;
        Self::push(self, string)
    }
}

impl Drop for Strings {
    #[inline(never)]
    fn drop(&mut self) {
        for i in 0..self.len() {
            // SAFETY: there are as many, each a string of malloc, and nobody else's.
            unsafe { libc::free(self.0.data.cast::<*mut c_void>().add(i).read()) };
        }
    }
}

/// An array of numbers, freed unless it becomes the caller's.
pub(crate) struct Numbers(Memory);

impl Numbers {
    pub(crate) const fn new() -> Self {
        Self(Memory::new())
    }

    pub(crate) fn push(&mut self, number: u32) -> Result<()> {
        self.0.push(&number.to_ne_bytes())
    }

    pub(crate) fn count(&self) -> c_int {
        count(self.0.len / size_of::<u32>())
    }

    /// Sees to it that even the array of no numbers is not NULL.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.0.end()
    }

    /// The array, which has to have an end.
    pub(crate) fn into_raw(self) -> *mut u32 {
        ManuallyDrop::new(self).0.data.cast()
    }
}

/// A number of elements as C's functions return it.
fn count(elements: usize) -> c_int {
    c_int::try_from(elements).unwrap_or(c_int::MAX)
}
