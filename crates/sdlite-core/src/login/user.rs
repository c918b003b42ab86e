//! sd_uid_get_state(3) and its siblings.

use core::ffi::{CStr, c_int};
use core::ops::Range;

use super::words::{self, Kind, Words};
use super::{Buffer, file, keep, seat};
use crate::text::{self, Text};
use crate::{Answer, Errno, Result, number, sys, yes_if};

/// sd_uid_get_state(3). Somebody who has never logged in is `offline`.
pub fn state(uid: u32, buffer: &mut dyn Buffer) -> Result<()> {
    if !read(uid, "STATE", buffer)? {
        return buffer.push(b"offline");
    }
    if buffer.bytes().is_empty() { Err(Errno::IO) } else { Ok(()) }
}

/// sd_uid_get_display(3): the primary session.
pub fn display(uid: u32, buffer: &mut dyn Buffer) -> Result<()> {
    read(uid, "DISPLAY", buffer)?;
    if buffer.bytes().is_empty() { Err(Errno::NODATA) } else { Ok(()) }
}

/// sd_uid_get_login_time(3): microseconds since the epoch. ENXIO for somebody who is not logged in.
pub fn login_time(uid: u32, buffer: &mut dyn Buffer) -> Result<u64> {
    let Some([state, time]) = &fields(uid, ["STATE", "REALTIME"], buffer)? else { return Err(Errno::NXIO) };
    let is_logged_in = matches!(&*file::value(buffer, state), b"active\0" | b"online\0");
    match file::value(buffer, time) {
        time if time.is_empty() || state.is_empty() => Err(Errno::IO),
        time if is_logged_in => number::u64(sys::terminated(time)),
        _ => Err(Errno::NXIO),
    }
}

/// sd_uid_is_on_seat(3).
pub fn is_on_seat(uid: u32, require_active: bool, seat: Option<&CStr>, buffer: &mut dyn Buffer) -> Answer {
    check(uid)?;
    let users = if require_active { "ACTIVE_UID" } else { "UIDS" };
    match seat::field(seat, users, buffer) {
        // Where there is no such seat, nobody is on it.
        Err(Errno::NOENT) => buffer.truncate(0),
        result => result?,
    }
    let mut room = text::room::<16>();
    let mut wanted = Text::new(&mut room);
    let wanted = wanted.push_unsigned(uid).finish()?;
    let mut found = false;
    let result = words::split_all(buffer, Kind::Escaped, &mut |word: &CStr| {
        found = word == wanted;
        // What comes behind it does not matter.
        if found { Err(Errno::INVAL) } else { Ok(()) }
    });
    if !found {
        result?;
    }
    yes_if(found)
}

/// What users have lists of.
#[derive(Clone, Copy)]
pub enum Field {
    /// Sessions.
    Sessions,
    /// Seats on which they have sessions.
    Seats,
}

/// sd_uid_get_sessions(3), sd_uid_get_seats(3): those that are active, that are online, or with a negative number all. False where
/// there is no list.
#[inline(never)]
pub fn list(
    uid: u32,
    field: Field,
    require_active: c_int,
    buffer: &mut dyn Buffer,
    words: &mut dyn Words,
) -> Result<bool> {
    let name = match (field, require_active) {
        (Field::Sessions, ..0) => "SESSIONS",
        (Field::Sessions, 0) => "ONLINE_SESSIONS",
        (Field::Sessions, _) => "ACTIVE_SESSIONS",
        (Field::Seats, ..0) => "SEATS",
        (Field::Seats, 0) => "ONLINE_SEATS",
        (Field::Seats, _) => "ACTIVE_SEATS",
    };
    read(uid, name, buffer)?;
    words::split_all(buffer, Kind::Unique, words)
}

/// Leaves a field of a user's file in the buffer; false, and nothing, where there is no file.
fn read(uid: u32, field: &str, buffer: &mut dyn Buffer) -> Result<bool> {
    let found = fields(uid, [field; 2], buffer)?;
    let [value, _] = found.as_ref().unwrap_or(&[0..0, 0..0]);
    keep(buffer, 0, value);
    Ok(found.is_some())
}

/// Finds two fields of a user's file; None where there is no file.
#[inline(never)]
fn fields(uid: u32, names: [&str; 2], buffer: &mut dyn Buffer) -> Result<Option<[Range<usize>; 2]>> {
    check(uid)?;
    let mut room = text::room::<16>();
    let mut file = Text::new(&mut room);
    let file = file.push_unsigned(uid).finish()?;
    match file::fields("users", file.to_bytes(), names, buffer) {
        Err(Errno::NOENT) => Ok(None),
        values => values.map(Some),
    }
}

fn check(uid: u32) -> Result<()> {
    if number::is_uid(uid) { Ok(()) } else { Err(Errno::INVAL) }
}
