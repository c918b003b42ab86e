use std::ffi::CString;

use sdlite_core::login::list::Directory;
use sdlite_core::login::seat::{self, Capability};

use super::{Room, Session, User, c_name, names, optional, text, texts};
use crate::Result;
use crate::error::answer;

/// A seat, by its name: screens, keyboards and whatever else is for one person to use. sd_seat_get_active(3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Seat(String);

impl Seat {
    /// The seat of this name, such as `seat0`. If there is none, the functions below fail with `ENXIO`.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// All seats: sd_get_seats(3).
    ///
    /// # Errors
    ///
    /// The [module](super) lists the errors of all functions here.
    pub fn all() -> Result<Vec<Self>> {
        Ok(names(Directory::Seats)?.into_iter().map(Self).collect())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The session in the foreground.
    pub fn active_session(&self) -> Result<Option<Session>> {
        let name = self.c_name()?;
        Ok(optional(text(|room| seat::active(Some(&name), true, false, room).map(drop)))?.map(Session::new))
    }

    /// The user of the session in the foreground.
    pub fn active_user(&self) -> Result<Option<User>> {
        let uid = seat::active(Some(&self.c_name()?), false, true, &mut Room::default());
        Ok(optional(uid.map_err(Into::into))?.flatten().map(User::new))
    }

    /// The sessions at this seat.
    pub fn sessions(&self) -> Result<Vec<Session>> {
        let name = self.c_name()?;
        let ids = texts(|room, sessions| seat::sessions(Some(&name), room, sessions, None))?;
        Ok(ids.into_iter().map(Session::new).collect())
    }

    /// Whether sessions can be on a text console here.
    pub fn can_tty(&self) -> Result<bool> {
        self.can(seat::TTY)
    }

    /// Whether there are graphics here.
    pub fn can_graphical(&self) -> Result<bool> {
        self.can(seat::GRAPHICAL)
    }

    fn can(&self, capability: Capability) -> Result<bool> {
        answer(seat::can(Some(&self.c_name()?), capability, &mut Room::default()))
    }

    pub(super) fn c_name(&self) -> Result<CString> {
        c_name(&self.0)
    }
}
