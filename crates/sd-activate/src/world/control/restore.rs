//! The control socket, as another process had it: `daemon-reexec`.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{CALL_MAX, Client, Control, State};
use crate::control::frame::Frames;
use crate::log::ring::Place;
use crate::saved::{self, Descriptor, Saved};
use crate::world::poll::{Key, Poll, Tells};

/// The control socket, and who is connected to it, without what its end does.
#[derive(Serialize, Deserialize)]
pub struct SavedControl {
    listener: Descriptor,
    #[serde(with = "saved")]
    path: PathBuf,
    file: (u64, u64),
    clients: Vec<Option<SavedClient>>,
    last_request: u64,
    log_end: Place,
}

/// Somebody who is connected.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedClient {
    stream: Descriptor,
    #[serde(with = "saved")]
    frames: Vec<u8>,
    #[serde(with = "saved")]
    out: Vec<u8>,
    state: State,
}

impl Saved for Client {
    type Form = SavedClient;

    fn save(&self) -> SavedClient {
        let Self { stream, frames, out, state } = self;
        let stream = Descriptor::of(stream);
        SavedClient { stream, frames: frames.rest().to_vec(), out: out.clone(), state: state.clone() }
    }

    fn restore(SavedClient { stream, frames: rest, out, state }: SavedClient) -> Option<Self> {
        let mut frames = Frames::new(CALL_MAX);
        frames.push(&rest);
        Some(Self { stream: OwnedFd::restore(stream)?.into(), frames, out, state })
    }
}

impl Control {
    /// Writes it down.
    pub fn save(&self) -> SavedControl {
        let Self { listener, path, file, clients, last_request, due: _, log_end, closed_until: _ } = self;
        SavedControl {
            listener: Descriptor::of(listener),
            path: path.clone(),
            file: *file,
            clients: clients.iter().map(Saved::save).collect(),
            last_request: *last_request,
            log_end: *log_end,
        }
    }

    /// The same again. Each client is looked at.
    pub fn restore(state: SavedControl, poll: &Poll) -> Result<Self, Errno> {
        let SavedControl { listener, path, file, clients, last_request, log_end } = state;
        let listener = OwnedFd::restore(listener).ok_or(Errno::EBADF)?.into();
        let clients: Vec<Option<Client>> = clients.into_iter().map(|client| Client::restore(client?)).collect();
        let connected = clients.iter().enumerate().filter_map(|(number, client)| Some((number, client.as_ref()?)));
        let due = connected
            .map(|(number, client)| poll.add(Key::Client(number), &client.stream, Tells::Never).map(|()| number));
        let due = due.collect::<Result<_, _>>()?;
        Ok(Self { listener, path, file, due, clients, last_request, log_end, closed_until: None })
    }
}
