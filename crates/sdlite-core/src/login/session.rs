//! sd_session_is_active(3) and its siblings. A session of None is the one that this process is in.

use core::ffi::CStr;

use super::process::{self, Process};
use super::words::{self, Kind, Words};
use super::{Buffer, c_str, file};
use crate::text::{self, Text};
use crate::{Answer, Errno, Result, number, yes_if};

/// A text that is known about sessions.
#[derive(Clone, Copy)]
pub struct Field {
    name: &'static str,
    /// What it means that the file does not have it.
    absent: Errno,
}

impl Field {
    /// One that not every session has.
    const fn new(name: &'static str) -> Self {
        Self { name, absent: Errno::NODATA }
    }
}

/// `online`, `active` or `closing`.
pub const STATE: Field = Field { name: "STATE", absent: Errno::IO };
/// The name of the user.
pub const USERNAME: Field = Field::new("USER");
/// The seat that it is at.
pub const SEAT: Field = Field::new("SEAT");
/// The PAM service that registered it.
pub const SERVICE: Field = Field::new("SERVICE");
/// `x11`, `wayland`, `tty`, `mir` or `unspecified`.
pub const TYPE: Field = Field::new("TYPE");
/// `user`, `greeter`, `lock-screen` and others.
pub const CLASS: Field = Field::new("CLASS");
/// The desktop that runs in it.
pub const DESKTOP: Field = Field::new("DESKTOP");
/// Its X11 display.
pub const DISPLAY: Field = Field::new("DISPLAY");
/// The host that a remote session comes from.
pub const REMOTE_HOST: Field = Field::new("REMOTE_HOST");
/// The user there.
pub const REMOTE_USER: Field = Field::new("REMOTE_USER");
/// The terminal.
pub const TTY: Field = Field::new("TTY");

const ACTIVE: Field = Field { name: "ACTIVE", absent: Errno::IO };
const REMOTE: Field = Field::new("REMOTE");
/// What is known about a session, as text. ENODATA or EIO where it is not.
#[inline(never)]
pub fn text(session: Option<&CStr>, field: Field, buffer: &mut dyn Buffer) -> Result<()> {
    read(session, field.name, buffer)?;
    if buffer.bytes().is_empty() { Err(field.absent) } else { Ok(()) }
}

/// sd_session_is_active(3).
pub fn is_active(session: Option<&CStr>, buffer: &mut dyn Buffer) -> Answer {
    is(session, ACTIVE, buffer)
}

/// sd_session_is_remote(3).
pub fn is_remote(session: Option<&CStr>, buffer: &mut dyn Buffer) -> Answer {
    is(session, REMOTE, buffer)
}

fn is(session: Option<&CStr>, field: Field, buffer: &mut dyn Buffer) -> Answer {
    text(session, field, buffer)?;
    yes_if(number::boolean(buffer.bytes())?)
}

/// A number that is known about sessions.
#[derive(Clone, Copy)]
pub enum Number {
    /// The user.
    Uid,
    /// The process that leads it.
    Leader,
    /// The virtual terminal.
    Vt,
    /// When it began: microseconds since the epoch.
    StartTime,
}

/// What is known about a session, as a number. ENODATA or EIO where it is not.
#[inline(never)]
pub fn number(session: Option<&CStr>, which: Number, buffer: &mut dyn Buffer) -> Result<u64> {
    let field = match which {
        Number::Uid => Field { name: "UID", absent: Errno::IO },
        Number::Leader => Field::new("LEADER"),
        Number::Vt => Field::new("VTNR"),
        Number::StartTime => Field { name: "REALTIME", absent: Errno::IO },
    };
    text(session, field, buffer)?;
    let text = c_str(buffer)?;
    match which {
        Number::Uid => number::uid(text).map(u64::from),
        // It is positive.
        Number::Leader => number::pid(text).map(|pid| pid.unsigned_abs().into()),
        Number::Vt => number::u32(text, 0).map(u64::from),
        Number::StartTime => number::u64(text),
    }
}

/// sd_session_get_extra_device_access(3). False where there is no list of them.
pub fn extra_device_access(session: Option<&CStr>, buffer: &mut dyn Buffer, ids: &mut dyn Words) -> Result<bool> {
    read(session, "EXTRA_DEVICE_ACCESS", buffer)?;
    words::split_all(buffer, Kind::Plain, ids)
}

/// Leaves a field of a session's file in the buffer.
fn read(session: Option<&CStr>, field: &str, buffer: &mut dyn Buffer) -> Result<()> {
    let mut room = text::room::<256>();
    let mut own = Text::new(&mut room);
    let id = match session {
        Some(id) => id.to_bytes(),
        None => {
            process::text(Process::Pid(0), process::Field::Session, buffer)?;
            // It is a part of a unit's name, which is no longer than a file's.
            own.push(buffer.bytes()).finish()?.to_bytes()
        }
    };
    if !is_id(id) {
        return Err(Errno::INVAL);
    }
    file::field("sessions", id, field, buffer).map_err(not_there)
}

/// Whether a session can have this id.
pub(super) fn is_id(id: &[u8]) -> bool {
    !id.is_empty() && id.iter().all(u8::is_ascii_alphanumeric)
}

/// What it means for a session, a seat or a machine that its file is not there.
pub(super) fn not_there(error: Errno) -> Errno {
    if error == Errno::NOENT { Errno::NXIO } else { error }
}
