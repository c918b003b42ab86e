//! LISTEN_FDNAMES: any list is split as a second statement of the rule splits it, and names that were escaped and joined
//! come back.
#![no_main]

mod input;

use std::ffi::{CStr, CString};

use libfuzzer_sys::fuzz_target;
use sdlite_core::listen::Names;

fuzz_target!(|data: &[u8]| {
    let list = input::c_string(data);
    assert_eq!(split(&list), stated(list.to_bytes()), "{list:?}");

    // A name may hold everything but a zero.
    let names: Vec<Vec<u8>> = data.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(split(&joined(&names)), Some(names));
});

/// None where the list is refused.
fn split(list: &CStr) -> Option<Vec<Vec<u8>>> {
    let name = |name: sdlite_core::listen::Name<'_>| {
        let bytes: Vec<u8> = name.bytes().collect();
        // The C library allocates so many.
        bytes
    };
    match Names::split(list) {
        Ok(names) => Some(names.map(name).collect()),
        Err(error) => {
            assert_eq!(error.number(), libc::EINVAL, "{list:?}");
            None
        }
    }
}

/// The rule, byte by byte: a backslash takes the next one as it is.
fn stated(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut names = vec![Vec::new()];
    let mut bytes = list.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => names.push(Vec::new()),
            b'\\' => names.last_mut()?.push(*bytes.next()?),
            byte => names.last_mut()?.push(*byte),
        }
    }
    Some(names)
}

fn joined(names: &[Vec<u8>]) -> CString {
    let escaped = |name: &Vec<u8>| -> Vec<u8> {
        let escape = |byte: &u8| if b":\\".contains(byte) { vec![b'\\', *byte] } else { vec![*byte] };
        name.iter().flat_map(escape).collect()
    };
    CString::new(names.iter().map(escaped).collect::<Vec<_>>().join(&b':')).unwrap()
}
