use std::ffi::c_int;
use std::time::SystemTime;

use sdlite_core::login::list;
use sdlite_core::login::user::{self, Field};

use super::{Room, Seat, Session, optional, text, texts, time};
use crate::Result;
use crate::error::answer;

/// A user, by the number: sd_uid_get_state(3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct User(u32);

/// Which sessions count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Require {
    /// Those in the foreground.
    Active,
    /// All but those that are closing.
    Online,
    /// All.
    Any,
}

impl Require {
    fn to_core(self) -> c_int {
        match self {
            Self::Active => 1,
            Self::Online => 0,
            Self::Any => -1,
        }
    }
}

impl User {
    /// The user of this number.
    pub fn new(uid: u32) -> Self {
        Self(uid)
    }

    /// All users who are logged in: sd_get_uids(3).
    ///
    /// # Errors
    ///
    /// The [module](super) lists the errors of all functions here.
    pub fn all() -> Result<Vec<Self>> {
        let mut users = Vec::new();
        list::uids(&mut |uid| {
            users.push(Self(uid));
            Ok(())
        })?;
        Ok(users)
    }

    /// The number.
    pub fn uid(self) -> u32 {
        self.0
    }

    /// `offline`, `lingering`, `online`, `active` or `closing`.
    pub fn state(self) -> Result<String> {
        text(|room| user::state(self.0, room))
    }

    /// The primary session, the graphical one if there is one.
    pub fn display(self) -> Result<Option<Session>> {
        Ok(optional(text(|room| user::display(self.0, room)))?.map(Session::new))
    }

    /// When the user logged in.
    pub fn login_time(self) -> Result<SystemTime> {
        Ok(time(user::login_time(self.0, &mut Room::default())?))
    }

    /// The sessions of the user.
    pub fn sessions(self, require: Require) -> Result<Vec<Session>> {
        let ids = self.list(Field::Sessions, require)?;
        Ok(ids.into_iter().map(Session::new).collect())
    }

    /// The seats that the user has sessions at.
    pub fn seats(self, require: Require) -> Result<Vec<Seat>> {
        let names = self.list(Field::Seats, require)?;
        Ok(names.into_iter().map(Seat::new).collect())
    }

    /// Whether the user has a session at a seat, in the foreground if that is required.
    pub fn is_on_seat(self, seat: &Seat, require_active: bool) -> Result<bool> {
        answer(user::is_on_seat(self.0, require_active, Some(&seat.c_name()?), &mut Room::default()))
    }

    fn list(self, field: Field, require: Require) -> Result<Vec<String>> {
        texts(|room, names| user::list(self.0, field, require.to_core(), room, names))
    }
}
