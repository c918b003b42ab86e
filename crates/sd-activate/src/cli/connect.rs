//! `--connect=`: a service that opens its own port is started by the first connection, and stopped when nobody is connected any more.
//! Three units do that, as systemd-socket-proxyd(8) describes it: the socket, a proxy, and the service that the proxy needs.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use nix::sys::stat::{Mode, umask};

use super::activate::{Activation, NO_LIMIT};
use super::manage;
use crate::address::Address;
use crate::error::Error;
use crate::exec;
use crate::spec::{
    Command, Dependency, Endpoint, Kind, Origin, Privileges, Relation, Scope, ServiceSpec, ServiceType, SocketSpec,
    UnitName, UnitSpec, WorkingDirectory,
};
use crate::unit::load::Loader;
use crate::world::anew::Itself;
use crate::world::{Asking, Settings};

/// The name by which this program is sd-proxy.
pub const PROXY: &str = "sd-proxy";
/// How long it may take until the service listens, where nothing is said: as TimeoutStartSec=.
const WAIT: &str = "90s";

/// What does not go with it: the service is passed nothing, and what it is passed is not its own port.
const OTHERS: [&str; 8] = ["accept", "datagram", "fdname", "inetd", "listen-datagram", "now", "once", "seqpacket"];

/// Where connections go.
#[derive(Debug)]
pub struct Connect {
    /// Where the service listens.
    target: OsString,
    /// How long nobody has to be connected before it is stopped.
    idle: Option<String>,
    wait: Option<String>,
}

impl Connect {
    /// What the options say.
    pub fn of(matches: &ArgMatches) -> Result<Option<Self>, Error> {
        let time = |name| matches.get_one::<String>(name).cloned();
        let (idle, wait) = (time("idle"), time("wait"));
        let Some(target) = matches.get_one::<OsString>("connect").cloned() else {
            return match (idle, wait) {
                (None, None) => Ok(None),
                _ => Err(Error::Options(
                    "--idle= and --wait= go with --connect=ADDRESS, where the service listens itself.",
                )),
            };
        };
        if OTHERS.iter().any(|name| matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine)) {
            return Err(Error::Options(
                "With --connect= the service opens its own port, and is passed no socket: --accept, --datagram, --fdname=, \
                 --inetd, --listen-datagram=, --now, --once and --seqpacket may not be combined with it.",
            ));
        }
        Ok(Some(Self { target, idle, wait }))
    }
}

/// Runs the units, until a signal stops them. Returns the exit status.
pub fn run(activation: Activation, connect: &Connect, arguments: &[OsString]) -> Result<u8, Error> {
    if activation.socket.listen.is_empty() {
        return Err(Error::Options("No sockets to listen on specified. Name one with --listen=ADDRESS."));
    }
    if activation.socket.listen.iter().any(|listen| leads_to(&listen.endpoint, &connect.target)) {
        return Err(Error::Options(
            "--connect= names what --listen= listens on: the service has to listen somewhere else, such as on another port.",
        ));
    }
    let units = units(activation, connect)?;
    let asking = Asking {
        // There may be many such processes, each with units of the same names.
        path: None,
        unit_path: Vec::new(),
        user: false,
        itself: Itself::new(arguments),
    };
    let settings = Settings { sockets: false, ..Settings::default() };
    let socket = units[0].name.clone();
    manage::run(Loader::of(units), &[socket], Scope::system(), settings, asking)
}

/// Whether who connects to the target comes to the socket itself.
fn leads_to(listening: &Endpoint, target: &OsStr) -> bool {
    let (Endpoint::Socket { address, .. }, Ok(target)) = (listening, Address::parse(target)) else { return false };
    match (address, &target) {
        (Address::Port(port), Address::Inet(to)) => *port == to.port() && to.ip().is_loopback(),
        (Address::Port(port), Address::Inet6(to)) => *port == to.port() && to.ip().is_loopback(),
        (Address::Inet(own), Address::Inet(to)) if own.ip().is_unspecified() => {
            own.port() == to.port() && to.ip().is_loopback()
        }
        (address, target) => address == target,
    }
}

/// The socket, the proxy and the service.
fn units(activation: Activation, connect: &Connect) -> Result<[UnitSpec; 3], Error> {
    let Activation { socket, mut service, .. } = activation;
    let proxy_name = name("sd-proxy.service");
    let service_name = service_name(&service.start[0]).filter(|name| *name != proxy_name);
    let service_name = service_name.unwrap_or_else(|| name("server.service"));

    let command = &mut service.start[0];
    let path = exec::find(command.path.as_os_str())?;
    command.path = std::path::absolute(&path).unwrap_or(path);
    service.exec.working_directory =
        std::env::current_dir().ok().map(|path| WorkingDirectory { path: Some(path), optional: false });
    service.exec.umask = own_umask();

    let mut proxy = UnitSpec::new(proxy_name.clone(), Kind::Service(Arc::new(proxy(connect))));
    proxy.description = Some(format!("Proxy to {}", connect.target.to_string_lossy()));
    // Where the service ends, so does the proxy: the next connection starts both.
    proxy.dependencies = [Relation::BindsTo, Relation::After]
        .map(|relation| Dependency { relation, unit: service_name.clone(), origin: Origin::option("--connect=") })
        .into();

    let mut server = UnitSpec::new(service_name, Kind::Service(Arc::new(service)));
    server.stop_when_unneeded = true;
    for unit in [&mut proxy, &mut server] {
        // They are started as often as somebody comes.
        unit.start_limit = NO_LIMIT;
    }
    let socket = SocketSpec { service: proxy_name, ..socket };
    Ok([UnitSpec::new(name("sd-activate.socket"), Kind::Socket(Arc::new(socket))), proxy, server])
}

fn proxy(connect: &Connect) -> ServiceSpec {
    let mut arguments = vec![PROXY.into()];
    arguments.push(format!("--wait={}", connect.wait.as_deref().unwrap_or(WAIT)).into());
    arguments.extend(connect.idle.as_ref().map(|idle| format!("--exit-idle-time={idle}").into()));
    arguments.extend(["--".into(), connect.target.clone()]);
    let mut service = ServiceSpec { service_type: ServiceType::Exec, ..ServiceSpec::default() };
    service.exec.log.identifier = Some(PROXY.to_owned());
    service.start.push(Command {
        // This program, also where its file was replaced meanwhile.
        path: PathBuf::from("/proc/self/exe"),
        arguments,
        expand: false,
        ignore_failure: false,
        privileges: Privileges::Restricted,
        origin: Origin::option("--connect="),
    });
    service
}

/// Named by what is executed.
fn service_name(command: &Command) -> Option<UnitName> {
    UnitName::new(&format!("{}.service", command.path.file_name()?.to_str()?))
}

fn name(name: &str) -> UnitName {
    UnitName::new(name).expect("a valid name")
}

/// The umask of this process, which the service inherits.
fn own_umask() -> nix::libc::mode_t {
    let own = umask(Mode::empty());
    umask(own);
    own.bits()
}
