//! IDs as texts and in files: what they are read as is what a second statement of the rule reads, and what is written is read again.
#![no_main]

mod input;

use libfuzzer_sys::fuzz_target;
use sdlite_core::Errno;
use sdlite_core::id128::{self, Form, Id128};

fuzz_target!(|data: &[u8]| {
    let text = input::c_string(data);
    let id = id128::from_string(text.to_bytes());
    assert_eq!(id.map_err(Errno::number), stated(text.to_bytes()).ok_or(libc::EINVAL), "{text:?}");
    if let Ok(id) = id {
        assert_eq!(id128::from_string(&id128::to_string(&id)), Ok(id));
        assert_eq!(id128::from_string(&id128::to_uuid_string(&id)), Ok(id));
        assert!(
            [&id128::to_string(&id)[..], &id128::to_uuid_string(&id)]
                .contains(&&*data[..text.count_bytes()].to_ascii_lowercase())
        );
    }
    for (form, length) in [(Form::Plain, 32), (Form::Uuid, 36)] {
        let id = id128::of_file(data, form).map_err(Errno::number);
        assert_eq!(id, stated_in_file(data, length), "{}", data.escape_ascii());
    }
    if let Some((base, rest)) = data.split_first_chunk() {
        let app = rest.first_chunk().unwrap_or(base);
        let derived = id128::app_specific(base, app);
        assert_eq!(derived.is_err(), u128::from_be_bytes(*app) == 0);
        if let Ok(id) = derived {
            assert_eq!((id[6] >> 4, id[8] >> 6), (4, 2));
            assert_ne!(id, *base);
        }
    }
});

/// The rule, by numbers of the standard library.
fn stated(text: &[u8]) -> Option<Id128> {
    let groups: Vec<&str> = std::str::from_utf8(text).ok()?.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = groups.concat();
    let is_id =
        [&[32][..], &[8, 4, 4, 4, 12]].contains(&&*lengths) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| u128::from_str_radix(&digits, 16).expect("32 digits").to_be_bytes())
}

/// The same of what a file holds in the form that has so many characters.
fn stated_in_file(content: &[u8], length: usize) -> Result<Id128, i32> {
    match content {
        b"" => return Err(libc::ENOMEDIUM),
        b"uninitialized" | b"uninitialized\n" => return Err(libc::ENOPKG),
        _ if [13, 14].contains(&content.len()) => return Err(libc::EINVAL),
        _ => {}
    }
    let is_line = content.len() == length || content.len() == length + 1 && content.ends_with(b"\n");
    let id = is_line.then(|| stated(input::c_string(&content[..length]).to_bytes())).flatten();
    match id.ok_or(libc::EUCLEAN)? {
        id if u128::from_be_bytes(id) == 0 => Err(libc::ENOMEDIUM),
        id => Ok(id),
    }
}
