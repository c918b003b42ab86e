//! What this process has written down before it was executed anew.

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Envelope, State, VERSION};
use crate::log::say;
use crate::saved::{Descriptor, Saved};
use crate::world::Socket;
use crate::world::sockets::close_all_but;

/// The variable that says which descriptor it is.
pub const VARIABLE: &str = "SD_ACTIVATE_STATE";
/// The option with which a program says whether it reads what stands in its standard input.
pub const VERIFY: &str = "--verify-state";
/// What its answer begins with then.
pub const ANSWER: &str = "sd-activate ";
/// It cannot be changed any more.
pub const SEALS: SealFlag =
    SealFlag::F_SEAL_SEAL.union(SealFlag::F_SEAL_SHRINK).union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_WRITE);

/// What was there.
pub enum Received {
    /// Nothing: this process was not executed anew.
    Nothing,
    /// All.
    State(Box<State>),
    /// Sockets alone, as from another manager: the rest was not understood.
    Sockets(Vec<Socket>),
}

/// Takes what this process has written down before it was executed anew.
pub fn receive() -> Received {
    let Some(number) = env::var_os(VARIABLE) else { return Received::Nothing };
    // SAFETY: this is the only thread, and no value of a variable is held.
    unsafe { env::remove_var(VARIABLE) };
    let number = number.to_str().and_then(|number| number.parse().ok());
    let Some(written) = number.and_then(open).and_then(|file| parse(file).ok()) else {
        say(format_args!("What ${VARIABLE} names cannot be read: nothing is known of what ran before."));
        return Received::Nothing;
    };
    let Envelope { version, process, sockets, state } = written;
    if process != std::process::id() {
        return Received::Nothing;
    }
    match understand(version, state) {
        Ok(state) => Received::State(Box::new(state)),
        Err(why) => {
            say(format_args!("{why} All that is left are the sockets: what runs is not known any more."));
            let kept: BTreeSet<RawFd> = sockets.iter().map(Descriptor::number).collect();
            close_all_but(&kept);
            Received::Sockets(sockets.into_iter().filter_map(OwnedFd::restore).map(Socket::passed).collect())
        }
    }
}

/// Says whether this program goes on from what stands in standard input. Returns the exit status.
pub fn verify() -> u8 {
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let understood = input.map_err(serde_json::Error::io).and_then(parse::<Value>).map_err(|error| error.to_string());
    match understood.and_then(|Envelope { version, state, .. }| understand(version, state)) {
        Ok(_) => {
            let _ = writeln!(io::stdout(), "{ANSWER}{}", env!("CARGO_PKG_VERSION"));
            0
        }
        Err(why) => {
            say(why);
            1
        }
    }
}

fn understand(version: u32, state: Value) -> Result<State, String> {
    if version != VERSION {
        return Err(format!(
            "The state has the form {version}, and sd-activate {} reads {VERSION}.",
            env!("CARGO_PKG_VERSION")
        ));
    }
    serde_json::from_value(state).map_err(|error| format!("The state is not understood: {error}."))
}

/// The sealed file at this descriptor.
fn open(number: RawFd) -> Option<File> {
    if number <= libc::STDERR_FILENO {
        return None;
    }
    // SAFETY: who sets the variable says by it that the descriptor is this process's.
    let file = unsafe { OwnedFd::from_raw_fd(number) };
    match fcntl(&file, FcntlArg::F_GET_SEALS) {
        Ok(seals) if SealFlag::from_bits_retain(seals).contains(SEALS) => Some(file.into()),
        _ => {
            std::mem::forget(file);
            None
        }
    }
}

fn parse<T: DeserializeOwned>(mut file: File) -> serde_json::Result<Envelope<T>> {
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut text)).map_err(serde_json::Error::io)?;
    serde_json::from_slice(&text)
}
