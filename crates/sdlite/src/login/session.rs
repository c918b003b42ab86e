use std::ffi::{CStr, CString};
use std::time::SystemTime;

use sdlite_core::login::Buffer;
use sdlite_core::login::list::Directory;
use sdlite_core::login::session::{self, Number};
use sdlite_core::{Answer, Errno};

use super::{Room, Seat, User, c_name, names, optional, text, texts, time};
use crate::Result;
use crate::error::answer;

/// A session, by its id: sd_session_is_active(3).
///
/// ```no_run
/// use sdlite::login::Session;
///
/// fn main() -> std::io::Result<()> {
///     for session in Session::all()? {
///         println!("{}: {} at {:?}", session.id(), session.username()?, session.tty()?);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Session(String);

impl Session {
    /// The session of this id. If there is none, the functions below fail with `ENXIO`.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// All sessions: sd_get_sessions(3).
    ///
    /// # Errors
    ///
    /// The [module](super) lists the errors of all functions here.
    pub fn all() -> Result<Vec<Self>> {
        Ok(names(Directory::Sessions)?.into_iter().map(Self).collect())
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// Whether it is in the foreground of its seat.
    pub fn is_active(&self) -> Result<bool> {
        self.ask(session::is_active)
    }

    /// Whether it comes from another host.
    pub fn is_remote(&self) -> Result<bool> {
        self.ask(session::is_remote)
    }

    /// `online`, `active` or `closing`.
    pub fn state(&self) -> Result<String> {
        self.text(session::STATE)
    }

    /// The user.
    pub fn user(&self) -> Result<User> {
        self.id_number(Number::Uid).map(User::new)
    }

    /// The name of the user.
    pub fn username(&self) -> Result<String> {
        self.text(session::USERNAME)
    }

    /// The process that registered it.
    pub fn leader(&self) -> Result<u32> {
        self.id_number(Number::Leader)
    }

    /// When it began.
    pub fn start_time(&self) -> Result<SystemTime> {
        self.number(Number::StartTime).map(time)
    }

    /// `tty`, `x11`, `wayland`, `mir`, `web` or `unspecified`.
    pub fn kind(&self) -> Result<String> {
        self.text(session::TYPE)
    }

    /// `user`, `greeter`, `lock-screen` and others.
    pub fn class(&self) -> Result<String> {
        self.text(session::CLASS)
    }

    /// The seat it is at. Remote sessions have none.
    pub fn seat(&self) -> Result<Option<Seat>> {
        Ok(optional(self.text(session::SEAT))?.map(Seat::new))
    }

    /// The PAM service that registered it, such as `sshd`.
    pub fn service(&self) -> Result<Option<String>> {
        optional(self.text(session::SERVICE))
    }

    /// The desktop that runs in it.
    pub fn desktop(&self) -> Result<Option<String>> {
        optional(self.text(session::DESKTOP))
    }

    /// Its X11 display, such as `:0`.
    pub fn display(&self) -> Result<Option<String>> {
        optional(self.text(session::DISPLAY))
    }

    /// Its terminal, such as `tty1`.
    pub fn tty(&self) -> Result<Option<String>> {
        optional(self.text(session::TTY))
    }

    /// The number of its virtual terminal.
    pub fn vt(&self) -> Result<Option<u32>> {
        optional(self.id_number(Number::Vt))
    }

    /// The host it comes from.
    pub fn remote_host(&self) -> Result<Option<String>> {
        optional(self.text(session::REMOTE_HOST))
    }

    /// The user on that host.
    pub fn remote_user(&self) -> Result<Option<String>> {
        optional(self.text(session::REMOTE_USER))
    }

    /// The tags of devices that it may use beyond those of its seat: sd_session_get_extra_device_access(3).
    pub fn extra_device_access(&self) -> Result<Vec<String>> {
        let id = self.c_id()?;
        texts(|room, ids| session::extra_device_access(Some(&id), room, ids))
    }

    fn text(&self, field: session::Field) -> Result<String> {
        let id = self.c_id()?;
        text(|room| session::text(Some(&id), field, room))
    }

    fn number(&self, which: Number) -> Result<u64> {
        Ok(session::number(Some(&self.c_id()?), which, &mut Room::default())?)
    }

    /// A number that has 32 bits.
    fn id_number(&self, which: Number) -> Result<u32> {
        u32::try_from(self.number(which)?).map_err(|_| Errno::INVAL.into())
    }

    fn ask(&self, question: fn(Option<&CStr>, &mut dyn Buffer) -> Answer) -> Result<bool> {
        answer(question(Some(&self.c_id()?), &mut Room::default()))
    }

    fn c_id(&self) -> Result<CString> {
        c_name(&self.0)
    }
}
