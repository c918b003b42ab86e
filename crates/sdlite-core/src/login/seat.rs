//! sd_seat_get_active(3) and its siblings. A seat of None is the one of the session that this process is in.

use core::ffi::CStr;
use core::ops::Range;

use super::words::{self, Kind, Words};
use super::{Buffer, file, keep, session};
use crate::text::{self, Text};
use crate::{Answer, Errno, Result, number, sys, yes_if};

/// What can be asked of a seat.
#[derive(Clone, Copy)]
pub struct Capability(&'static str);

/// Text consoles.
pub const TTY: Capability = Capability("CAN_TTY");
/// Graphics.
pub const GRAPHICAL: Capability = Capability("CAN_GRAPHICAL");

/// sd_seat_can_tty(3), sd_seat_can_graphical(3).
pub fn can(seat: Option<&CStr>, capability: Capability, buffer: &mut dyn Buffer) -> Answer {
    field(seat, capability.0, buffer).map_err(session::not_there)?;
    if buffer.bytes().is_empty() {
        return Err(Errno::NODATA.into());
    }
    yes_if(number::boolean(buffer.bytes())?)
}

/// sd_seat_get_active(3): leaves the active session in the buffer, if it is `wanted`, and returns its user, if that is.
pub fn active(seat: Option<&CStr>, wanted: bool, user_wanted: bool, buffer: &mut dyn Buffer) -> Result<Option<u32>> {
    let [session, user] = &fields(seat, ["ACTIVE", "ACTIVE_UID"], buffer).map_err(session::not_there)?;
    if wanted && session.is_empty() {
        return Err(Errno::NODATA);
    }
    let uid = match file::value(buffer, user) {
        _ if !user_wanted => None,
        [] => return Err(Errno::NODATA),
        user => Some(number::uid(sys::terminated(user))?),
    };
    keep(buffer, 0, session);
    Ok(uid)
}

/// sd_seat_get_sessions(3): hands out the sessions and, if they are asked for, the users, as numbers. Tells of both whether there is
/// a list of them. EUCLEAN where there are users, but not as many as sessions.
pub fn sessions(
    seat: Option<&CStr>,
    buffer: &mut dyn Buffer,
    sessions: &mut dyn Words,
    users: Option<&mut dyn FnMut(u32) -> Result<()>>,
) -> Result<[bool; 2]> {
    let [session, uid] = &fields(seat, ["SESSIONS", "UIDS"], buffer).map_err(session::not_there)?;
    let mut surplus = 0isize;
    words::split(file::value(buffer, session), Kind::Plain, &mut |session: &CStr| {
        surplus = surplus.wrapping_add(1);
        sessions.push(session)
    })?;
    if let Some(users) = users {
        words::split(file::value(buffer, uid), Kind::Escaped, &mut |uid: &CStr| {
            surplus = surplus.wrapping_sub(1);
            users(number::uid(uid)?)
        })?;
        if surplus != 0 && !uid.is_empty() {
            return Err(Errno::UCLEAN);
        }
    }
    Ok([session, uid].map(|list| !list.is_empty()))
}

/// Leaves a field of a seat's file in the buffer. ENOENT where there is no such file.
pub(super) fn field(seat: Option<&CStr>, name: &str, buffer: &mut dyn Buffer) -> Result<()> {
    let [value, _] = &fields(seat, [name; 2], buffer)?;
    keep(buffer, 0, value);
    Ok(())
}

/// Finds two fields of a seat's file. ENOENT where there is no such file.
#[inline(never)]
fn fields(seat: Option<&CStr>, names: [&str; 2], buffer: &mut dyn Buffer) -> Result<[Range<usize>; 2]> {
    let mut room = text::room::<{ libc::PATH_MAX as usize }>();
    let mut own = Text::new(&mut room);
    let name = match seat {
        Some(name) if is_file_name(name.to_bytes()) => name.to_bytes(),
        Some(_) => return Err(Errno::INVAL),
        None => {
            session::text(None, session::SEAT, buffer)?;
            own.push(buffer.bytes()).finish()?.to_bytes()
        }
    };
    file::fields("seats", name, names, buffer)
}

fn is_file_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && name.len() <= 255 && !name.contains(&b'/')
}
