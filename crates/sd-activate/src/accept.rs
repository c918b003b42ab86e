//! Accept=yes: a service for each connection.

use std::collections::HashSet;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollTimeout;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{SockFlag, accept4};
use nix::unistd::Pid;

use crate::children::{End, reap};
use crate::error::Error;
use crate::listen::Sockets;
use crate::log::say;
use crate::options::Options;
use crate::signals::Signals;
use crate::spawn::Service;
use crate::wait::Waiter;

/// How long to wait, in milliseconds, where descriptors, memory or processes have run out.
const PAUSE: u16 = 100;
/// How long not to say so again.
const SILENCE: Duration = Duration::from_secs(10);

/// Serves until a signal ends it. Returns the exit status.
pub fn serve(mut sockets: Sockets, service: &mut Service, signals: &Signals, options: &Options) -> Result<u8, Error> {
    // A connection that is not passed as standard input is to be descriptor 3: accepted there, it needs no dup2(2).
    sockets.vacate()?;
    let flags = if options.inetd { SockFlag::SOCK_CLOEXEC } else { SockFlag::empty() };

    let mut children = Children::default();
    let signal = accept(&sockets, service, signals, flags, &mut children)?;
    sockets.close();
    children.pass_on(signal);
    children.wait(signals)?;
    Ok(0)
}

/// Accepts connections until a signal comes that ends this; returns it.
fn accept(
    sockets: &Sockets,
    service: &mut Service,
    signals: &Signals,
    flags: SockFlag,
    children: &mut Children,
) -> Result<Signal, Error> {
    let mut waiter = Waiter::new(signals, sockets.iter());
    let mut started_before = false;
    let mut shortage = Shortage::default();
    loop {
        let ready = if std::mem::take(&mut shortage.pause) {
            waiter.signals(PollTimeout::from(PAUSE))?
        } else {
            waiter.signals_and_sockets(PollTimeout::NONE)?
        };
        match ready.signal.then(|| signals.next()).flatten() {
            None => (),
            Some(Signal::SIGCHLD) => children.reap(),
            Some(signal) => return Ok(signal),
        }

        let held = shortage.held.take();
        // One from each socket, not all there are: to be told that there is no more costs more than poll(2) does.
        let accepted = ready.sockets().filter_map(|socket| connection(socket, flags).transpose());
        for connection in held.map(Ok).into_iter().chain(accepted) {
            let connection = match connection {
                Ok(connection) => connection,
                Err(failure) if failure.is_shortage() => {
                    shortage.is_there(&failure, None);
                    break;
                }
                Err(failure) => return Err(failure),
            };
            match service.start(Some(&connection)) {
                Ok(pid) => {
                    started_before = true;
                    children.0.insert(pid);
                }
                Err(failure) if failure.is_shortage() => {
                    shortage.is_there(&failure, Some(connection));
                    break;
                }
                Err(failure) if !started_before => return Err(failure),
                Err(failure) => say(failure),
            }
        }
    }
}

/// Descriptors, memory or processes have run out.
#[derive(Default)]
struct Shortage {
    /// Whether to wait before the next attempt.
    pause: bool,
    /// When the user was told.
    told: Option<Instant>,
    /// A connection that was accepted, but no service could be started for it.
    held: Option<OwnedFd>,
}

impl Shortage {
    fn is_there(&mut self, failure: &Error, held: Option<OwnedFd>) {
        self.pause = true;
        self.held = held;
        // Where connections keep it at a limit, every other one runs into it.
        if self.told.is_none_or(|told| told.elapsed() >= SILENCE) {
            self.told = Some(Instant::now());
            say(failure);
            say("Connections wait until there is room again.");
        }
    }
}

/// The next connection, None where the one that was reported is gone.
fn connection(socket: BorrowedFd<'_>, flags: SockFlag) -> Result<Option<OwnedFd>, Error> {
    match accept4(socket.as_raw_fd(), flags) {
        // SAFETY: accept4 has just opened it.
        Ok(connection) => Ok(Some(unsafe { OwnedFd::from_raw_fd(connection) })),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        // accept(2): errors that are the connection's own.
        Err(
            Errno::ECONNABORTED
            | Errno::ENETDOWN
            | Errno::EPROTO
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::EPERM,
        ) => Ok(None),
        Err(error) => Err(Error::Accept { descriptor: socket.as_raw_fd(), error }),
    }
}

/// The services that run.
#[derive(Default)]
struct Children(HashSet<Pid>);

impl Children {
    fn reap(&mut self) {
        while let Some((pid, end)) = reap() {
            // A line for every connection would cost as much as the connection.
            if self.0.remove(&pid) && end != End::Exited(0) {
                say(format_args!("Child {pid} {end}"));
            }
        }
    }

    fn pass_on(&self, signal: Signal) {
        for pid in &self.0 {
            // It can only fail where the child has ended; then SIGCHLD says so.
            let _ = kill(*pid, signal);
        }
    }

    fn wait(&mut self, signals: &Signals) -> Result<(), Error> {
        let mut waiter = Waiter::new(signals, std::iter::empty());
        while !self.0.is_empty() {
            waiter.signals(PollTimeout::NONE)?;
            match signals.next() {
                None => (),
                Some(Signal::SIGCHLD) => self.reap(),
                Some(signal) => self.pass_on(signal),
            }
        }
        Ok(())
    }
}
