//! sd-id128(3), where nothing but the arguments counts: texts, new IDs, and what is derived from one.

use std::ffi::{c_char, c_int};
use std::{array, fmt, ptr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function, nothing};
use crate::strategy::mostly;

pub const SD_ID128_TO_STRING: Function =
    Function { name: "sd_id128_to_string", share: 10, needs_namespace: false, compare: |it| to_string(it, 33) };
pub const SD_ID128_TO_UUID_STRING: Function =
    Function { name: "sd_id128_to_uuid_string", share: 10, needs_namespace: false, compare: |it| to_string(it, 37) };
pub const SD_ID128_FROM_STRING: Function =
    Function { name: "sd_id128_from_string", share: 30, needs_namespace: false, compare: from_string };
pub const SD_ID128_STRING_EQUAL: Function =
    Function { name: "sd_id128_string_equal", share: 20, needs_namespace: false, compare: string_equal };
pub const SD_ID128_RANDOMIZE: Function =
    Function { name: "sd_id128_randomize", share: 10, needs_namespace: false, compare: randomize };
pub const SD_ID128_GET_APP_SPECIFIC: Function =
    Function { name: "sd_id128_get_app_specific", share: 10, needs_namespace: false, compare: get_app_specific };

/// A sd_id128_t, as C passes it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Id([u64; 2]);

impl Id {
    /// What no function answers with.
    pub const UNTOUCHED: Self = Self([0x5d5d_5d5d_5d5d_5d5d; 2]);

    pub fn new(bytes: [u8; 16]) -> Self {
        let mut words = [0; 2];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
        }
        Self(words)
    }

    pub fn bytes(self) -> [u8; 16] {
        let [first, second] = self.0.map(u64::to_ne_bytes);
        array::from_fn(|i| *first.iter().chain(&second).nth(i).expect("sixteen bytes"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Any ID, at times one of those with a meaning.
pub fn ids() -> impl Strategy<Value = Id> {
    prop_oneof![
        20 => any::<[u8; 16]>(),
        1 => Just([0; 16]),
        1 => Just([0xff; 16]),
        1 => (0..16_usize, any::<u8>()).prop_map(|(i, byte)| array::from_fn(|at| if at == i { byte } else { 0 })),
    ]
    .prop_map(Id::new)
}

/// Texts that are an ID, or nearly.
pub fn texts() -> impl Strategy<Value = Bytes> {
    const OTHERS: &[&str] = &[
        "",
        "\n",
        "-",
        "0",
        "uninitialized",
        "Uninitialized",
        "uninitialize",
        "uninitialized ",
        "00000000000000000000000000000000",
        "00000000-0000-0000-0000-000000000000",
        "ffffffffffffffffffffffffffffffff",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "0x23456789abcdef0123456789abcdef01",
        "{01234567-89ab-cdef-0123-456789abcdef}",
        "01234567-89abcdef-0123-456789abcdef-",
        "0123-4567-89ab-cdef-0123-4567-89ab-cdef",
        "--------------------------------",
        "------------------------------------",
    ];
    const CHARACTERS: &[u8] = b"0129afAFgG-\n\r\0 :/@`+x\x7f\x80\xff";
    const ENDS: &[&str] = &["", "\n\n", "\r\n", " ", " \n", "\0", "\n\0", "0", "0\n", "00000", "-", "\n#", "\nx\n"];
    let id = (ids(), any::<bool>(), any::<bool>()).prop_map(|(id, hyphens, upper)| {
        let mut text: String = id.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        if hyphens {
            [20, 16, 12, 8].into_iter().for_each(|at| text.insert(at, '-'));
        }
        if upper { text.to_uppercase() } else { text }
    });
    let start = prop_oneof![8 => id, 1 => select(OTHERS).prop_map(str::to_owned)];
    // Some characters are others, or missing, or too many.
    let change = (0..40_usize, select(CHARACTERS), 0..3_u8);
    let changes = prop_oneof![3 => Just(Vec::new()), 1 => vec(change, 1..3)];
    (start, changes, mostly(3, "\n", ENDS)).prop_map(|(start, changes, end)| {
        let mut text = start.into_bytes();
        for (at, character, how) in changes {
            match (text.get_mut(at), how) {
                (Some(room), 0) => *room = character,
                (Some(_), 1) => drop(text.remove(at)),
                (Some(_), _) => text.insert(at, character),
                (None, _) => text.push(character),
            }
        }
        text.extend_from_slice(end.as_bytes());
        Bytes(text)
    })
}

/// The same, mostly without the end of a line.
fn arguments() -> impl Strategy<Value = Option<Bytes>> {
    let text = (texts(), mostly(2, true, &[false])).prop_map(|(mut text, cut)| {
        if cut && text.0.last() == Some(&b'\n') {
            text.0.pop();
        }
        text
    });
    proptest::option::weighted(0.98, text)
}

fn to_string(comparison: &Comparison<'_>, size: usize) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(Id, *mut c_char) -> *mut c_char;
    let observe = |to_string: Signature, id: &Id| {
        comparison.descriptors.install([]);
        // Where memory ends: a byte more would be the end of this process.
        let room = comparison.arguments.place(&vec![b'.'; size]).cast_mut();
        // SAFETY: there is that much room.
        let call = || c_int::from(unsafe { to_string(*id, room) } == room);
        // SAFETY: as many bytes have been placed.
        comparison
            .before()
            .observe(call, |_| Bytes(unsafe { std::slice::from_raw_parts(room.cast::<u8>(), size) }.to_vec()))
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&ids(), observe) }
}

fn from_string(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, *mut Id) -> c_int;
    let observe = |from_string: Signature, (text, wanted): &(Option<Bytes>, bool)| {
        comparison.descriptors.install([]);
        let text = comparison.place(text.clone().map(|text| text.0));
        let mut id = Id::UNTOUCHED;
        let ret = if *wanted { &raw mut id } else { ptr::null_mut() };
        // SAFETY: the pointers are NULL or to a string and an ID, and the function has written that or nothing.
        comparison
            .before()
            .observe(|| unsafe { from_string(text, ret) }, |_| unsafe { (&raw const id).read_volatile() })
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&(arguments(), mostly(4, true, &[false])), observe) }
}

fn string_equal(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, Id) -> c_int;
    // The text of the ID itself, or another one.
    let cases = (arguments(), ids(), any::<bool>()).prop_map(|(text, id, other)| {
        let read = text.as_ref().and_then(|text| id_of(&text.0));
        (text, if other { id } else { read.unwrap_or(id) })
    });
    let observe = |string_equal: Signature, (text, id): &(Option<Bytes>, Id)| {
        comparison.descriptors.install([]);
        let text = comparison.place(text.clone().map(|text| text.0));
        // SAFETY: the pointer is NULL or to a string.
        comparison.before().observe(|| unsafe { string_equal(text, *id) }, nothing)
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}

/// The ID of a text with so many digits, whatever stands between them.
fn id_of(text: &[u8]) -> Option<Id> {
    let digits: Vec<u32> = text.iter().filter_map(|byte| char::from(*byte).to_digit(16)).collect();
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
    Some(Id::new(bytes.try_into().ok()?))
}

fn randomize(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*mut Id) -> c_int;
    let observe = |randomize: Signature, wanted: &bool| {
        comparison.descriptors.install([]);
        let mut id = Id::UNTOUCHED;
        let ret = if *wanted { &raw mut id } else { ptr::null_mut() };
        comparison.before().observe(
            // SAFETY: the pointer is NULL or to an ID.
            || unsafe { randomize(ret) },
            // What is not random, and whether the rest is another than before.
            |_| {
                // SAFETY: the function has written an ID or nothing.
                let id = unsafe { (&raw const id).read_volatile() };
                (id.bytes()[6] >> 4, id.bytes()[8] >> 6, id != Id::UNTOUCHED)
            },
        )
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&mostly(9, true, &[false]), observe) }
}

fn get_app_specific(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(Id, Id, *mut Id) -> c_int;
    let observe = |get: Signature, (base, app, wanted): &(Id, Id, bool)| {
        comparison.descriptors.install([]);
        let mut id = Id::UNTOUCHED;
        let ret = if *wanted { &raw mut id } else { ptr::null_mut() };
        // SAFETY: the pointer is NULL or to an ID, and the function has written that or nothing.
        comparison.before().observe(|| unsafe { get(*base, *app, ret) }, |_| unsafe { (&raw const id).read_volatile() })
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&(ids(), ids(), mostly(9, true, &[false])), observe) }
}
