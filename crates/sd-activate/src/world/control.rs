//! The control socket, and who is connected to it. Nobody there can keep anybody waiting: what a client does not read stays with that
//! client, and its next call is read when it has had the answer to the one before.

mod restore;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use restore::SavedControl;

use super::poll::{Key, Poll, Tells};
use crate::control::call::{Call, Failure, Reply};
use crate::control::frame::Frames;
use crate::control::log::{Reading, to_json};
use crate::control::request::Request;
use crate::control::{INTERFACE, SERVICE};
use crate::engine::{Answer, Refusal, RefusalKind, RequestId};
use crate::log::ring::{Place, Ring};

/// So many may be connected; who comes then is sent away.
const CLIENTS_MAX: usize = 64;
/// How long nobody is let in, where there is no descriptor or memory for that.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest call.
const CALL_MAX: usize = 64 * 1024;
/// So much of the log is laid ready for a client at a time.
const LOG_PIECE: usize = 64 * 1024;

/// The control socket.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of its file.
    file: (u64, u64),
    clients: Vec<Option<Client>>,
    last_request: u64,
    /// The clients that can go on.
    due: Vec<usize>,
    /// So far the log was looked at for those who follow it.
    log_end: Place,
    /// Until then nobody is let in: there was no descriptor or memory for it.
    closed_until: Option<Instant>,
}

/// Somebody who is connected.
struct Client {
    stream: UnixStream,
    frames: Frames,
    /// Replies that were not taken yet.
    out: Vec<u8>,
    state: State,
}

#[derive(Clone, Serialize, Deserialize)]
enum State {
    /// It may call.
    Idle,
    /// A unit has still to do what it has asked; where it does not want to wait for that, it is answered at the next turn.
    Waiting { request: RequestId, unit: String, no_block: bool },
    /// It is told the log.
    Reading { reading: Reading, next: Place },
}

impl Control {
    /// Opens the socket. Where another process has it, or nothing can be there, why.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("Failed to open the control socket {}: {error}.", path.display());
        if let Some(directory) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed)?;
        }
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if let Ok(other) = UnixStream::connect(path) {
                    return Err(another(path, &other));
                }
                // Whoever made it has ended without removing it.
                fs::remove_file(path).and_then(|()| UnixListener::bind(path))
            }
            bound => bound,
        };
        let listener = listener.map_err(failed)?;
        // Until then nobody is let in: the peer's credentials are looked at.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            file: (metadata.dev(), metadata.ino()),
            clients: Vec::new(),
            last_request: 0,
            due: Vec::new(),
            log_end: 0,
            closed_until: None,
        })
    }

    /// Lets in who comes.
    pub fn accept(&mut self, now: Instant, poll: &Poll) {
        // Others have their turn though they come without end.
        for _ in 0..CLIENTS_MAX {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.close_until(now + PAUSE, poll),
            };
            let free = self.clients.iter().position(Option::is_none).unwrap_or(self.clients.len());
            let admitted = free < CLIENTS_MAX && is_admitted(&stream) && stream.set_nonblocking(true).is_ok();
            if !admitted || poll.add(Key::Client(free), &stream, Tells::Always).is_err() {
                continue;
            }
            let client = Client { stream, frames: Frames::new(CALL_MAX), out: Vec::new(), state: State::Idle };
            match self.clients.get_mut(free) {
                Some(slot) => *slot = Some(client),
                None => self.clients.push(Some(client)),
            }
        }
    }

    /// Has who comes wait, in the kernel's queue.
    fn close_until(&mut self, until: Instant, poll: &Poll) {
        if poll.watch(Key::Control, &self.listener, Tells::Never).is_ok() {
            self.closed_until = Some(until);
        }
    }

    /// When who waits may be let in, where there was a shortage.
    pub fn closed_until(&self) -> Option<Instant> {
        self.closed_until
    }

    /// Lets in who comes again, when it is time for that.
    pub fn open_again(&mut self, now: Instant, poll: &Poll) {
        if self.closed_until.take_if(|until| *until <= now).is_some() {
            let _ = poll.watch(Key::Control, &self.listener, Tells::Always);
        }
    }

    /// Whether somebody can go on without anything having come.
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Who can go on, those included who follow the log where that has grown.
    pub fn take_due(&mut self, log: &Ring) -> Vec<usize> {
        let mut due = std::mem::take(&mut self.due);
        if std::mem::replace(&mut self.log_end, log.end()) != log.end() {
            let reads = |client: &Option<Client>| matches!(client, Some(Client { state: State::Reading { .. }, .. }));
            due.extend(self.clients.iter().enumerate().filter(|(_, client)| reads(client)).map(|(number, _)| number));
        }
        due
    }

    /// Goes on with a client: sends what it can take, and reads what it calls, if anything.
    pub fn go_on(&mut self, number: usize, hung_up: bool, log: &Ring, poll: &Poll) -> Option<(Call, Request)> {
        let Some(Some(client)) = self.clients.get_mut(number) else { return None };
        // What it has sent before it hung up counts.
        let step = if hung_up && !matches!(client.state, State::Idle) { Step::Gone } else { client.step(log) };
        let tells = match step {
            Step::Call(call) => match Request::of(&call) {
                Ok(request) => return Some((call, request)),
                Err(failure) => {
                    self.reply(number, &Reply::Fails(failure), call.oneway);
                    return None;
                }
            },
            Step::Gone => {
                self.drop_client(number, poll);
                return None;
            }
            Step::Reads => Tells::Always,
            Step::Writes => Tells::Writable,
            Step::Waits => Tells::Never,
        };
        if poll.watch(Key::Client(number), &client.stream, tells).is_err() {
            self.drop_client(number, poll);
        }
        None
    }

    /// Replies to a client, which can then go on.
    pub fn reply(&mut self, number: usize, reply: &Reply, oneway: bool) {
        if let Some(Some(client)) = self.clients.get_mut(number) {
            client.state = State::Idle;
            if !oneway {
                client.out.extend(reply.message());
            }
            self.due.push(number);
        }
    }

    /// A request of nobody, or that nobody waits for.
    pub fn request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// A request of a client, which waits for its answer.
    pub fn request_of(&mut self, number: usize, unit: &str, no_block: bool) -> RequestId {
        let request = self.request();
        if let Some(Some(client)) = self.clients.get_mut(number) {
            client.state = State::Waiting { request, unit: unit.to_owned(), no_block };
            self.due.push(number);
        }
        request
    }

    /// Tells a client the log.
    pub fn read_log(&mut self, number: usize, reading: Reading, log: &Ring) {
        if let Some(Some(client)) = self.clients.get_mut(number) {
            client.begin(reading, log);
            self.due.push(number);
        }
    }

    /// Tells who has asked what has become of it, where somebody still waits for that.
    pub fn answer(&mut self, request: RequestId, answer: Answer) {
        let mut clients = self.clients.iter().enumerate();
        let waiting = clients.find_map(|(number, client)| match &client.as_ref()?.state {
            State::Waiting { request: its, unit, no_block } if *its == request => Some((number, unit, *no_block)),
            _ => None,
        });
        let Some((number, unit, no_block)) = waiting else { return };
        let reply = match answer {
            // Who does not wait is not told, also where that is known at once.
            Answer::Ended(_) if no_block => Reply::Returns(json!({})),
            Answer::Ended(result) => Reply::Returns(json!({ "result": result.word() })),
            Answer::Refused(refusal) => Reply::Fails(refused(unit, &refusal)),
        };
        self.reply(number, &reply, false);
    }

    fn drop_client(&mut self, number: usize, poll: &Poll) {
        let Some(client) = self.clients.get_mut(number).and_then(Option::take) else { return };
        let _ = poll.remove(&client.stream);
        self.due.retain(|due| *due != number);
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let file = fs::symlink_metadata(&self.path).map(|metadata| (metadata.dev(), metadata.ino()));
        if file.is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What a client does next.
enum Step {
    /// It has called this.
    Call(Call),
    /// It is gone, or what it says is no call.
    Gone,
    /// It is to be told when it calls.
    Reads,
    /// It is to be told when it takes more.
    Writes,
    /// It waits.
    Waits,
}

impl Client {
    fn step(&mut self, log: &Ring) -> Step {
        loop {
            match self.send() {
                Ok(true) => (),
                Ok(false) => return Step::Writes,
                Err(()) => return Step::Gone,
            }
            match &mut self.state {
                State::Waiting { no_block: false, .. } => return Step::Waits,
                State::Waiting { .. } => self.end(json!({})),
                State::Reading { .. } => {
                    if !self.read_on(log) {
                        return Step::Waits;
                    }
                    // A piece at a time: others have their turn though there is always more, and room for it.
                    if !matches!(self.state, State::Idle) && self.out.len() > LOG_PIECE {
                        return Step::Writes;
                    }
                }
                State::Idle => match self.receive() {
                    Some(step) => return step,
                    None => continue,
                },
            }
        }
    }

    /// Whether all that was to be sent was taken.
    fn send(&mut self) -> Result<bool, ()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(0) => return Err(()),
                Ok(length) => drop(self.out.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(_) => return Err(()),
            }
        }
        Ok(true)
    }

    /// The next call, or what else there is to do. None: there is more to be read.
    fn receive(&mut self) -> Option<Step> {
        match self.frames.take() {
            Ok(Some(message)) => return Some(Call::parse(&message).map_or(Step::Gone, Step::Call)),
            Ok(None) => (),
            Err(_) => return Some(Step::Gone),
        }
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => Some(Step::Gone),
            Ok(length) => {
                self.frames.push(bytes.get(..length).unwrap_or_default());
                None
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(Step::Reads),
            Err(error) if error.kind() == ErrorKind::Interrupted => None,
            Err(_) => Some(Step::Gone),
        }
    }

    fn end(&mut self, parameters: Value) {
        self.out.extend(Reply::Returns(parameters).message());
        self.state = State::Idle;
    }

    /// Begins to tell the log: of the entries that are there, those that are asked for.
    fn begin(&mut self, reading: Reading, log: &Ring) {
        let next = reading.query.of(log).first().map_or(log.end(), |(place, _)| *place);
        self.state = State::Reading { reading, next };
    }

    /// Lays the next entries ready. Whether there was anything to do.
    fn read_on(&mut self, log: &Ring) -> bool {
        let State::Reading { reading, next } = &mut self.state else { return false };
        let lost = log.dropped().saturating_sub(*next);
        if lost > 0 {
            self.out.extend(Reply::Continues(json!({ "dropped": lost })).message());
        }
        for (place, entry) in log.from(*next) {
            *next = place + 1;
            if reading.query.has(entry) {
                self.out.extend(Reply::Continues(json!({ "entry": to_json(entry) })).message());
            }
            if self.out.len() > LOG_PIECE {
                return true;
            }
        }
        *next = log.end();
        let follow = reading.follow;
        if !follow {
            self.end(json!({}));
        }
        !self.out.is_empty()
    }
}

/// The error for a job that there cannot be.
pub fn refused(unit: &str, refusal: &Refusal) -> Failure {
    let error = match refusal.kind {
        RefusalKind::NotFound => "NoSuchUnit",
        RefusalKind::NotLoaded => "LoadFailed",
        RefusalKind::OnlyByDependency => "OnlyByDependency",
        RefusalKind::Destructive => "TransactionIsDestructive",
        RefusalKind::NotApplicable => "JobTypeNotApplicable",
        RefusalKind::Other => "Refused",
    };
    failure(error, unit, &refusal.why)
}

/// An error of the manager's own, with what there is to say.
pub fn failure(error: &str, unit: &str, message: &str) -> Failure {
    let parameters = [("unit", unit), ("message", message)];
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    Failure { error: format!("{INTERFACE}.{error}"), parameters: parameters.collect() }
}

/// What this service tells of itself.
pub fn information() -> Value {
    json!({
        "vendor": "libsdlite",
        "product": "sd-activate",
        "version": env!("CARGO_PKG_VERSION"),
        "url": env!("CARGO_PKG_HOMEPAGE"),
        "interfaces": [SERVICE, INTERFACE],
    })
}

/// Whether somebody may ask: this user, and root.
fn is_admitted(stream: &UnixStream) -> bool {
    let peer = getsockopt(stream, sockopt::PeerCredentials).map(|credentials| credentials.uid());
    peer.is_ok_and(|uid| uid == 0 || uid == geteuid().as_raw())
}

fn another(path: &Path, other: &UnixStream) -> String {
    let process = getsockopt(other, sockopt::PeerCredentials).map_or(0, |credentials| credentials.pid());
    format!(
        "The control socket {} is that of another manager, process {process}: sdctl asks that one. \
         --control=PATH gives this one a socket of its own.",
        path.display()
    )
}
