//! `--fork`: the service manager of one command, until that is ready.

use std::ffi::OsString;
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, bind, recvmsg, setsockopt, socket,
};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout, fork};

use super::{options, print};
use crate::end::Failure;
use crate::error::{errno, reason};
use crate::execute::execute;
use crate::say;

/// The exit status of a command that cannot be executed: EXIT_EXEC of systemd.exec(5).
const NOT_EXECUTED: u8 = 203;

/// What is passed on to the command.
const PASSED_ON: [Signal; 8] = [
    Signal::SIGHUP,
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// The longest message that is looked at, and as many descriptors as one can come with.
const LONGEST: usize = 4096;
const SCM_MAX_FD: usize = 253;

/// Starts the command, and waits until it is ready or has ended. Returns the exit status.
pub(super) fn run(command: &[OsString], quiet: bool) -> Result<u8, Failure> {
    let failed = |what: &'static str| move |error| Failure::of(what, error);
    let socket = listen().map_err(failed("Failed to open a socket for notifications"))?;
    let mut watched = SigSet::from_iter(PASSED_ON);
    watched.add(Signal::SIGCHLD);
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&watched), Some(&mut before)).map_err(failed("Failed to block signals"))?;
    let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC).map_err(failed("Failed to watch signals"))?;

    // SAFETY: there is one thread.
    let child = match unsafe { fork() }.map_err(failed("Failed to fork"))? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
            let error = begin(command, &socket);
            say(format_args!("Failed to execute '{}': {}", options::joined(command), reason(error)));
            // SAFETY: ends this process, without what the other one does at its end.
            unsafe { libc::_exit(NOT_EXECUTED.into()) }
        }
    };
    if !quiet {
        print(child);
    }
    wait(child, &socket, &signals)
}

/// A socket with an abstract address that the kernel chooses.
fn listen() -> Result<UnixDatagram, Errno> {
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, PassCred, &true)?;
    bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
    Ok(socket.into())
}

/// Becomes the command. Returns why it did not.
fn begin(command: &[OsString], socket: &UnixDatagram) -> Errno {
    let prepare = || {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        let address = socket.local_addr()?;
        let name = [b"@", address.as_abstract_name().unwrap_or_default()].concat();
        let name = OsString::from_vec(name);
        // SAFETY: there is one thread.
        unsafe { std::env::set_var("NOTIFY_SOCKET", name) };
        std::io::Result::Ok(())
    };
    match prepare() {
        Ok(()) => execute(command),
        Err(error) => errno(error),
    }
}

/// Until the command is ready, or has ended.
fn wait(child: Pid, socket: &UnixDatagram, signals: &SignalFd) -> Result<u8, Failure> {
    let failed = |error| Failure::of("Failed to run event loop", error);
    loop {
        let mut ready =
            [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => (),
            Err(error) => return Err(failed(error)),
        }
        let [notified, signaled] = ready.map(|descriptor| descriptor.any().unwrap_or(false));
        // First: a command that ends at once may have said that it is ready.
        if notified {
            if receive(socket, child).map_err(failed)? {
                return Ok(0);
            }
        } else if signaled {
            if let Some(status) = handle(signals, child).map_err(failed)? {
                return Ok(status);
            }
        }
    }
}

/// Passes a signal on, or finds out whether the command has ended, and how.
fn handle(signals: &SignalFd, child: Pid) -> Result<Option<u8>, Errno> {
    let signal = signals.read_signal()?.and_then(|signal| Signal::try_from(signal.ssi_signo as i32).ok());
    match signal {
        Some(Signal::SIGCHLD) => match waitpid(child, Some(WaitPidFlag::WNOHANG))? {
            WaitStatus::Exited(_, status) => Ok(Some(status as u8)),
            WaitStatus::Signaled(..) => Err(Errno::EPROTO),
            _ => Ok(None),
        },
        Some(signal) => {
            let _ = kill(child, signal);
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Reads a message. Whether it comes from the command and says that this is ready.
fn receive(socket: &UnixDatagram, child: Pid) -> Result<bool, Errno> {
    let mut text = [0; LONGEST];
    let mut parts = [IoSliceMut::new(&mut text)];
    let mut room = nix::cmsg_space!(libc::ucred, [std::os::fd::RawFd; SCM_MAX_FD]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut room), flags) {
        Ok(message) => message,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut sender = None;
    for part in message.cmsgs()? {
        match part {
            ControlMessageOwned::ScmCredentials(credentials) => sender = Some(credentials.pid()),
            // Nothing is kept. Whoever waits for a barrier goes on.
            ControlMessageOwned::ScmRights(descriptors) => {
                for descriptor in descriptors {
                    // SAFETY: it came with this message, and nobody else knows it.
                    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
                }
            }
            _ => (),
        }
    }
    let length = message.bytes;
    match sender {
        Some(pid) if pid == child.as_raw() => {
            Ok(text[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1"))
        }
        Some(pid) => {
            say(format_args!(
                "Received notification message from unexpected process {pid} (expected {child}), ignoring."
            ));
            Ok(false)
        }
        None => Ok(false),
    }
}
