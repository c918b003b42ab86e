//! From the command line to the exit status.

pub mod activate;
mod connect;
mod manage;
pub mod names;
pub mod units;

use std::ffi::OsString;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::SigSet;

use activate::{Activation, Unusable};

use crate::engine::{Engine, Port, Subject};
use crate::error::Error;
use crate::exec::environment::{self, Passing};
use crate::exec::{self, Plan, Stream, Surroundings};
use crate::log::say;
use crate::spec::ResourceLimit;
use crate::world::{self, Inherited, Socket, World, anew};

/// Exit status for everything that has none of its own.
const FAILURE: u8 = 1;
/// Exit statuses that a shell, too, gives for a command that cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What programs that use select(2) can bear: as the original, every service gets this for each connection.
const FD_SETSIZE: rlim_t = 1024;

/// The standard streams of this process.
const KEPT: [Stream; 3] = [Stream::Kept, Stream::Kept, Stream::Kept];

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    if arguments.get(1).is_some_and(|argument| argument == anew::VERIFY) {
        return anew::verify();
    }
    if arguments.first().is_some_and(|name| name == connect::PROXY) {
        return sd_tools::proxy::main(arguments);
    }
    if units::are_asked_for(&arguments) {
        return units::main(arguments);
    }
    match activate::parse(arguments.clone()) {
        Ok(mut activation) => exit_status(match activation.connect.take() {
            Some(connect) => connect::run(activation, &connect, &arguments),
            None => activate(activation),
        }),
        Err(Unusable::Options(not_options)) => not_options.print(),
        Err(Unusable::Error(error)) => exit_status(Err(error)),
    }
}

/// Says what is wrong, if anything is.
fn exit_status(result: Result<u8, Error>) -> u8 {
    result.unwrap_or_else(|error| {
        say(&error);
        status(&error)
    })
}

fn status(error: &Error) -> u8 {
    match error {
        Error::NotFound { .. } | Error::InterpreterNotFound { .. } => NOT_FOUND,
        Error::NotExecutable { .. } => NOT_EXECUTABLE,
        _ => FAILURE,
    }
}

fn activate(mut activation: Activation) -> Result<u8, Error> {
    // Before anything is opened: a socket must not become standard output.
    open_standard_descriptors();
    let path = exec::find(activation.command().path.as_os_str())?;
    let passed = world::passed()?;
    let inherited = Inherited::block().map_err(Error::Signals)?;
    world::adopt_orphans();
    let sockets = open(&activation, passed)?;
    let signals = inherited.watch().map_err(Error::Signals)?;
    if activation.socket.accept {
        activation.service.exec.limits = limit_descriptors(sockets.len());
    }

    let plan = Box::new(plan(&activation, &path, sockets.len(), &signals.inherited)?);
    let title = title(&activation);
    let subject = Subject { name: title.clone(), title, hint: library_path_hint(&activation) };
    let (socket, service) = activation.units();
    let engine = Engine::of_command(activation.once, socket, sockets.len(), service, subject);
    let mut world = World::new(signals)?;
    world.serve(plan, sockets)?;
    world.run(engine)
}

/// What was passed in, and after that what the command line says.
fn open(activation: &Activation, mut sockets: Vec<Socket>) -> Result<Vec<Socket>, Error> {
    let spec = &activation.socket;
    if !sockets.is_empty() {
        say(format_args!("Received {} descriptors via the environment.", sockets.len()));
    }
    let count = sockets.len() + spec.listen.len();
    if count == 0 {
        return Err(Error::Options("No sockets to listen on specified or passed in. Name one with --listen=ADDRESS."));
    }
    if activation.is_inetd() && !spec.accept && count > 1 {
        return Err(Error::Options("--inetd only supported with a single file descriptor, or with --accept."));
    }
    for listen in &spec.listen {
        sockets.push(Socket::open(listen, spec)?);
    }
    for (index, socket) in sockets.iter().enumerate() {
        socket.prepare(Port(index), spec.accept)?;
    }
    for (index, socket) in sockets.iter().enumerate() {
        socket.announce(Port(index));
    }
    Ok(sockets)
}

fn plan(activation: &Activation, path: &std::path::Path, count: usize, inherited: &Inherited) -> Result<Plan, Error> {
    let accept = activation.socket.accept;
    let count = if accept { 1 } else { count };
    let inetd = activation.is_inetd();
    if inetd && !activation.names.is_empty() {
        say("--fdname= has no effect with --inetd present.");
    }
    let names = if inetd { Vec::new() } else { names::of_each(activation.names.clone(), count) };
    let passing = Passing { count, names: &names, pidfs: sdlite_core::pidfd::has_inode_ids() };
    let environment = environment::build(&activation.service.exec, (!inetd).then_some(&passing));
    let surroundings = Surroundings {
        // The original executes the service in its own place, but forks for each connection and cleans up after it.
        mask: if accept { SigSet::empty() } else { inherited.mask },
        default_signals: if accept { inherited.ignored.clone() } else { Vec::new() },
        streams: if inetd { [Stream::Passed(0), Stream::Passed(0), Stream::Kept] } else { KEPT },
        list: !inetd,
        limits: activation.service.exec.limits.clone(),
        shell: true,
        ..Surroundings::default()
    };
    Plan::new(&[path.to_owned()], &activation.command().arguments, &environment, surroundings)
}

/// The command and its arguments.
fn title(activation: &Activation) -> String {
    activation.command().arguments.join(std::ffi::OsStr::new(" ")).to_string_lossy().into_owned()
}

/// A program that does not find its libraries ends with the status of a shell that does not find a program.
fn library_path_hint(activation: &Activation) -> Option<(u8, String)> {
    const NAME: &str = "LD_LIBRARY_PATH";
    let passed = activation.service.exec.environment.iter().any(|(name, _)| name == NAME);
    (!passed && std::env::var_os(NAME).is_some()).then(|| {
        let hint =
            "$LD_LIBRARY_PATH is set here but is not passed on. If the service needs it, add -E LD_LIBRARY_PATH.";
        (NOT_FOUND, hint.to_owned())
    })
}

fn open_standard_descriptors() {
    for descriptor in 0..=2 {
        // SAFETY: asks about a number, and opens a file that nothing else owns; it gets the lowest number, this one.
        unsafe {
            if libc::fcntl(descriptor, libc::F_GETFD) < 0 && Errno::last() == Errno::EBADF {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
}

/// Limits the descriptors of services: once, here, and they inherit it. What is returned is the limit that each has to set for
/// itself, where this process needs more.
fn limit_descriptors(sockets: usize) -> Vec<ResourceLimit> {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Vec::new() };
    let limited = soft.min(FD_SETSIZE);
    if (sockets as rlim_t) < limited / 2 {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, limited, hard);
        return Vec::new();
    }
    vec![ResourceLimit { resource: Resource::RLIMIT_NOFILE, soft: limited, hard }]
}
