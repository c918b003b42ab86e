//! What comes out through pointers.

use std::ffi::{c_int, c_void};
use std::ptr;

use crate::bytes::{Bytes, take_string, take_strings};

#[derive(Clone, Copy)]
pub enum Kind {
    /// A string of malloc(3).
    Text,
    /// 32 bits: a user, a process, a number of things.
    Number,
    /// Microseconds.
    Time,
    /// An array of strings that ends in NULL, all of malloc(3).
    Texts,
    /// An array of numbers, as many as the output of that place says; of the result where there is none.
    Numbers { counted_by: Option<usize> },
}

#[derive(Debug, PartialEq)]
pub enum Value {
    NotWanted,
    Untouched,
    Null,
    Text(Bytes),
    Number(u64),
    Texts(Vec<Bytes>),
    Numbers(Vec<u32>),
    /// An array whose length nobody tells.
    Uncounted,
    /// More was written than that.
    Beyond([[u8; SIZE]; CELLS]),
}

const SIZE: usize = 8;
const CELLS: usize = 5;
const UNTOUCHED: [u8; SIZE] = [0x5d; SIZE];

/// Room for what comes out, with more before and behind it.
#[repr(C, align(8))]
pub struct Cells {
    cells: [[u8; SIZE]; CELLS],
    kinds: &'static [Kind],
    wanted: [bool; 3],
}

impl Cells {
    pub fn new(kinds: &'static [Kind], wanted: [bool; 3]) -> Self {
        Self { cells: [UNTOUCHED; CELLS], kinds, wanted }
    }

    pub fn pointers(&mut self) -> [*mut c_void; 3] {
        let first = (&raw mut self.cells[1]).cast::<[u8; SIZE]>();
        // SAFETY: there are as many cells.
        let cell = |i: usize| unsafe { first.add(i) };
        [0, 1, 2].map(|i| if self.wanted[i] && i < self.kinds.len() { cell(i).cast() } else { ptr::null_mut() })
    }

    /// What has been written. The memory is given back as the manual says.
    pub fn values(&self, result: c_int) -> Vec<Value> {
        // SAFETY: it is initialized; the function has written what its manual says, or nothing.
        let cells = unsafe { (&raw const self.cells).read_volatile() };
        let outside = |i: usize| i == 0 || i > self.kinds.len();
        let beyond = (0..CELLS).any(|i| outside(i) && cells[i] != UNTOUCHED);
        let of = |(i, kind): (usize, &Kind)| {
            let cell = cells[i + 1];
            match *kind {
                _ if !self.wanted[i] => Value::NotWanted,
                _ if cell == UNTOUCHED => Value::Untouched,
                Kind::Number if cell[4..] != UNTOUCHED[4..] => Value::Beyond(cells),
                Kind::Number => Value::Number(number(cell).into()),
                Kind::Time => Value::Number(u64::from_ne_bytes(cell)),
                _ if pointer(cell).is_null() => Value::Null,
                // SAFETY: the function has left what the table says.
                Kind::Text => Value::Text(unsafe { take_string(pointer(cell).cast()) }),
                // SAFETY: the same.
                Kind::Texts => Value::Texts(unsafe { take_strings(pointer(cell).cast()) }),
                Kind::Numbers { counted_by } => {
                    let count = match counted_by {
                        None => usize::try_from(result).ok(),
                        Some(i) => (self.wanted[i] && cells[i + 1] != UNTOUCHED).then(|| number(cells[i + 1]) as usize),
                    };
                    // SAFETY: the same.
                    unsafe { take_numbers(pointer(cell).cast(), count) }
                }
            }
        };
        let values = self.kinds.iter().enumerate().map(of);
        if beyond { vec![Value::Beyond(cells)] } else { values.collect() }
    }
}

fn number(cell: [u8; SIZE]) -> u32 {
    let [a, b, c, d, ..] = cell;
    u32::from_ne_bytes([a, b, c, d])
}

fn pointer(cell: [u8; SIZE]) -> *mut c_void {
    let mut bytes = [0; size_of::<usize>()];
    bytes.copy_from_slice(&cell[..size_of::<usize>()]);
    ptr::with_exposed_provenance_mut(usize::from_ne_bytes(bytes))
}

/// # Safety
///
/// It is an array of malloc(3) with at least as many numbers.
unsafe fn take_numbers(array: *mut u32, count: Option<usize>) -> Value {
    // SAFETY: as the caller promises.
    unsafe {
        let numbers = count.map(|count| (0..count).map(|i| array.add(i).read()).collect());
        libc::free(array.cast());
        numbers.map_or(Value::Uncounted, Value::Numbers)
    }
}
