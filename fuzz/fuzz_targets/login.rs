//! The files below /run/systemd and the control groups of processes: what is answered is what a second statement of their syntax
//! reads, and nothing that was opened stays open.
#![no_main]

mod control_group;
mod fields;
mod files;
mod input;
mod listings;
mod stated;

use std::ffi::{CStr, c_int};

use control_group::Told;
use fields::Fields;
use files::Files;
use libfuzzer_sys::fuzz_target;
use sdlite_core::login::process::{self, Process};
use sdlite_core::login::session::{self, Number};
use sdlite_core::login::{Buffer, machine, seat, user};
use sdlite_core::{Answer, Errno};

/// The caller's memory.
#[derive(Default)]
struct Memory(Vec<u8>);

impl Buffer for Memory {
    fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn push(&mut self, bytes: &[u8]) -> sdlite_core::Result<()> {
        self.0.extend(bytes);
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

type Result<T> = std::result::Result<T, c_int>;
type Words = Vec<Vec<u8>>;

// Behind a slash come the files of this process's control group and, after a byte 0xff, of process 1's; behind an asterisk the
// names in a directory below /run/systemd. Anything else is a file there.
fuzz_target!(|data: &[u8]| match data.split_first() {
    Some((b'/', groups)) => control_groups(groups),
    Some((b'*', names)) => listings::listings(names),
    _ => state(data),
});

fn control_groups(data: &[u8]) {
    let (own, init) = input::split_at(data, 0xff);
    let call = |field| {
        let files = Files { own: own.to_vec(), init: init.to_vec(), ..Files::default() };
        files::run(files, || text(|memory| process::text(Process::Pid(0), field, memory)))
    };
    let path = control_group::path(own).map(|path| if path.is_empty() { b"/" } else { path });
    assert_eq!(call(process::Field::Cgroup), path.map(<[u8]>::to_vec));
    let told = Told::new(own, init);
    let told = told.as_ref().map_err(|error| *error);
    assert_eq!(call(process::Field::Session), told.and_then(Told::session));
    assert_eq!(call(process::Field::Unit), told.and_then(Told::unit));
    assert_eq!(call(process::Field::UserUnit), told.and_then(Told::user_unit));
    assert_eq!(call(process::Field::Slice), told.and_then(Told::slice));
    assert_eq!(call(process::Field::UserSlice), told.and_then(Told::user_slice));
    assert_eq!(call(process::Field::OwnerUid), told.and_then(Told::owner));
}

fn state(data: &[u8]) {
    let fields = Fields::new(data);
    let known = State { data, fields: fields.as_ref().map_err(|error| *error) };
    known.text("STATE", libc::EIO, |memory| session::text(ID, session::STATE, memory));
    known.text("DESKTOP", libc::ENODATA, |memory| session::text(ID, session::DESKTOP, memory));
    known.text("CLASS", libc::EIO, |memory| machine::class(c"m", memory));
    known.text("DISPLAY", libc::ENODATA, |memory| user::display(7, memory));

    known.same(known.is("ACTIVE", libc::EIO), |memory| answer(session::is_active(ID, memory)));
    known.same(known.is("CAN_TTY", libc::ENODATA), |memory| answer(seat::can(SEAT, seat::TTY, memory)));

    let number = |which| move |memory: &mut Memory| session::number(ID, which, memory).map_err(Errno::number);
    known.same(known.number("UID", libc::EIO, |text| stated::uid(text).map(u64::from)), number(Number::Uid));
    known.same(
        known.number("LEADER", libc::ENODATA, |text| stated::pid(text).map(|pid| pid as u64)),
        number(Number::Leader),
    );
    known.same(
        known.number("VTNR", libc::ENODATA, |text| stated::unsigned32(text, 0).map(u64::from)),
        number(Number::Vt),
    );
    known.same(known.number("REALTIME", libc::EIO, |text| stated::unsigned(text, 0)), number(Number::StartTime));
    known.same(known.login_time(), |memory| user::login_time(7, memory).map_err(Errno::number));

    known.same(known.list("EXTRA_DEVICE_ACCESS", false), |memory| {
        let mut words = Vec::new();
        let is_there = session::extra_device_access(ID, memory, &mut |word: &CStr| push(&mut words, word));
        is_there.map(|is_there| is_there.then_some(words)).map_err(Errno::number)
    });
    known.same(known.list("SESSIONS", true), |memory| {
        let mut words = Vec::new();
        let field = user::Field::Sessions;
        let is_there = user::list(7, field, -1, memory, &mut |word: &CStr| push(&mut words, word));
        is_there.map(|is_there| is_there.then_some(words)).map_err(Errno::number)
    });
    known.same(known.interfaces(), |memory| {
        let mut indices = Vec::new();
        let is_there = machine::ifindices(c"m", memory, &mut |index| {
            indices.push(index);
            Ok(())
        });
        is_there.map(|is_there| is_there.then_some(indices)).map_err(Errno::number)
    });
    known.same(known.has_user_7(), |memory| answer(user::is_on_seat(7, false, SEAT, memory)));
    known.same(known.active(), |memory| {
        let user = seat::active(SEAT, true, true, memory).map_err(Errno::number)?;
        Ok((memory.0.clone(), user.expect("it was asked for")))
    });
    known.same(known.seat(), |memory| {
        let (mut sessions, mut users) = (Vec::new(), Vec::new());
        let mut push_user = |user| {
            users.push(user);
            Ok(())
        };
        let push_session = &mut |session: &CStr| push(&mut sessions, session);
        let [has_sessions, has_users] =
            seat::sessions(SEAT, memory, push_session, Some(&mut push_user)).map_err(Errno::number)?;
        Ok((has_sessions.then_some(sessions), has_users.then_some(users)))
    });
}

const ID: Option<&CStr> = Some(c"c1");
const SEAT: Option<&CStr> = Some(c"seat0");

fn push(words: &mut Words, word: &CStr) -> sdlite_core::Result<()> {
    words.push(word.to_bytes().to_vec());
    Ok(())
}

fn text(call: impl FnOnce(&mut Memory) -> sdlite_core::Result<()>) -> Result<Vec<u8>> {
    let mut memory = Memory::default();
    call(&mut memory).map(|()| memory.0).map_err(Errno::number)
}

fn answer(answer: Answer) -> Result<bool> {
    answer.map(|()| true).or_else(|no| no.error().map_or(Ok(false), |error| Err(error.number())))
}

/// A file, and what the second statement says of it.
struct State<'a> {
    data: &'a [u8],
    fields: Result<&'a Fields>,
}

impl State<'_> {
    /// Calls the library, whose answer has to be this one.
    fn same<T: PartialEq + std::fmt::Debug>(&self, stated: Result<T>, call: impl FnOnce(&mut Memory) -> Result<T>) {
        let files = Files { state: self.data.to_vec(), ..Files::default() };
        assert_eq!(files::run(files, || call(&mut Memory::default())), stated, "{}", self.data.escape_ascii());
    }

    fn text(&self, name: &str, absent: c_int, call: impl FnOnce(&mut Memory) -> sdlite_core::Result<()>) {
        self.same(self.field(name, absent).map(<[u8]>::to_vec), |memory| {
            call(memory).map(|()| memory.0.clone()).map_err(Errno::number)
        });
    }

    fn field(&self, name: &str, absent: c_int) -> Result<&[u8]> {
        self.fields?.get(name).ok_or(absent)
    }

    fn is(&self, name: &str, absent: c_int) -> Result<bool> {
        match &*self.field(name, absent)?.to_ascii_lowercase() {
            b"1" | b"yes" | b"y" | b"true" | b"t" | b"on" => Ok(true),
            b"0" | b"no" | b"n" | b"false" | b"f" | b"off" => Ok(false),
            _ => Err(libc::EINVAL),
        }
    }

    fn number(&self, name: &str, absent: c_int, read: impl Fn(&[u8]) -> Result<u64>) -> Result<u64> {
        read(self.field(name, absent)?)
    }

    fn login_time(&self) -> Result<u64> {
        let (state, time) = (self.field("STATE", libc::EIO)?, self.field("REALTIME", libc::EIO)?);
        if [&b"active"[..], b"online"].contains(&state) { stated::unsigned(time, 0) } else { Err(libc::ENXIO) }
    }

    fn list(&self, name: &str, is_unique: bool) -> Result<Option<Words>> {
        let list = self.fields?.get(name);
        let mut words = fields::words(list.unwrap_or_default(), false).0;
        if is_unique {
            let all = std::mem::take(&mut words);
            all.into_iter().for_each(|word| {
                if !words.contains(&word) {
                    words.push(word)
                }
            });
        }
        Ok(list.map(|_| words))
    }

    fn interfaces(&self) -> Result<Option<Vec<c_int>>> {
        let index = |word: &Vec<u8>| match stated::int(word) {
            Ok(index) if index > 0 => Ok(index),
            Ok(_) | Err(libc::EINVAL) => Err(libc::EUCLEAN),
            Err(error) => Err(error),
        };
        self.list("NETIF", false)?.map(|words| words.iter().map(index).collect()).transpose()
    }

    /// The users on a seat, up to a backslash with nothing behind it, and whether there is none.
    fn users(&self) -> Result<Option<(Words, bool)>> {
        Ok(self.fields?.get("UIDS").map(|list| fields::words(list, true)))
    }

    fn has_user_7(&self) -> Result<bool> {
        let (users, is_whole) = self.users()?.unwrap_or((Vec::new(), true));
        match users.contains(&b"7".to_vec()) {
            false if !is_whole => Err(libc::EINVAL),
            is_there => Ok(is_there),
        }
    }

    fn active(&self) -> Result<(Vec<u8>, u32)> {
        let session = self.field("ACTIVE", libc::ENODATA)?;
        Ok((session.to_vec(), stated::uid(self.field("ACTIVE_UID", libc::ENODATA)?)?))
    }

    fn seat(&self) -> Result<(Option<Words>, Option<Vec<u32>>)> {
        let sessions = self.list("SESSIONS", false)?;
        let Some((users, is_whole)) = self.users()? else { return Ok((sessions, None)) };
        let users = users.iter().map(|user| stated::uid(user)).collect::<Result<Vec<_>>>()?;
        match sessions.as_ref().map_or(0, Vec::len) {
            _ if !is_whole => Err(libc::EINVAL),
            number if number != users.len() => Err(libc::EUCLEAN),
            _ => Ok((sessions, Some(users))),
        }
    }
}
