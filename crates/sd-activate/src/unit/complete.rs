//! What follows from a unit's lines together, and what they have to agree on.

use std::sync::Arc;

use nix::sys::socket::SockType;

use super::diagnostic::Level;
use super::draft::Draft;
use super::value::Invalid;
use crate::address::Address;
use crate::spec::{
    Endpoint, Input, JobMode, Kind, NotifyAccess, Output, Privileges, Relation, Restart, ServiceSpec, ServiceType,
    SocketSpec, UnitSpec, UnitType, dynamic_user,
};

/// The finished unit, or why there can be none.
pub fn complete(mut draft: Draft) -> Result<UnitSpec, Invalid> {
    draft.exec.confinement.imply();
    if draft.exec.confinement.dynamic_user {
        draft.exec.remove_ipc = true;
        let user = draft.exec.user.get_or_insert_with(|| dynamic_user::name_of(&draft.unit.name));
        draft.exec.group.get_or_insert_with(|| user.clone());
    }
    let mut unit = draft.unit.clone();
    let several = |relation| unit.related(relation).count() > 1;
    if several(Relation::OnFailure) && unit.jobs.on_failure == JobMode::Isolate {
        return error("OnFailureJobMode=isolate goes with one unit in OnFailure= only");
    }
    if several(Relation::OnSuccess) && unit.jobs.on_success == JobMode::Isolate {
        return error("OnSuccessJobMode=isolate goes with one unit in OnSuccess= only");
    }
    unit.kind = match unit.name.unit_type() {
        UnitType::Socket => Kind::Socket(Arc::new(socket(draft)?)),
        UnitType::Service => Kind::Service(Arc::new(service(draft)?)),
        UnitType::Target | UnitType::Other => Kind::Target,
    };
    Ok(unit)
}

fn error<T>(message: &str) -> Result<T, Invalid> {
    Err(Invalid { level: Level::Error, message: message.to_owned() })
}

fn socket(draft: Draft) -> Result<SocketSpec, Invalid> {
    let name = &draft.unit.name;
    let mut socket = draft.socket;
    if socket.listen.is_empty() {
        return error("it listens nowhere: give it a ListenStream= or another Listen…= setting");
    }
    if socket.accept && !socket.listen.iter().all(|listen| accepts(&listen.endpoint)) {
        return error("with Accept=yes it may only listen on what accepts connections: streams and sequential packets");
    }
    if socket.accept && draft.triggered.is_some() {
        return error(
            "Service= and Accept=yes do not go together: with the latter it is the template of the same name",
        );
    }
    if socket.accept && socket.max_connections == 0 {
        return error("with Accept=yes and MaxConnections=0 there could be no connection");
    }
    if !socket.symlinks.is_empty() && socket.listen.iter().filter(|listen| has_path(&listen.endpoint)).count() != 1 {
        return error("Symlinks= needs exactly one socket or FIFO with a path, to which the links lead");
    }
    let suffix = if socket.accept { "@.service" } else { ".service" };
    socket.service = draft.triggered.unwrap_or_else(|| name.with_suffix(suffix));
    socket.descriptor_name = draft.descriptor_name.unwrap_or_else(|| name.to_string());
    if socket.accept {
        socket.trigger_limit.burst = SocketSpec::ACCEPT_TRIGGER_BURST;
        socket.poll_limit.burst = SocketSpec::ACCEPT_POLL_BURST;
    }
    socket.trigger_limit.burst = draft.trigger_burst.unwrap_or(socket.trigger_limit.burst);
    socket.poll_limit.burst = draft.poll_burst.unwrap_or(socket.poll_limit.burst);
    (socket.exec, socket.kill) = (draft.exec, draft.kill);
    socket.exec.standard_input = draft.standard_input.unwrap_or(Input::Null);
    socket.exec.standard_output = draft.standard_output.unwrap_or(Output::Journal);
    Ok(socket)
}

/// Whether connections are accepted on it.
fn accepts(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Socket { address: Address::Vsock { socket_type: Some(own), .. }, .. } => *own != SockType::Datagram,
        Endpoint::Socket { socket_type, .. } => *socket_type != SockType::Datagram,
        _ => false,
    }
}

/// Whether it is a socket or FIFO in the file system.
fn has_path(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::Socket { address: Address::Path(_), .. } | Endpoint::Fifo(_))
}

fn service(draft: Draft) -> Result<ServiceSpec, Invalid> {
    let mut service = draft.service;
    let unspecified = if service.start.is_empty() { ServiceType::Oneshot } else { ServiceType::Simple };
    service.service_type = draft.service_type.unwrap_or(unspecified);
    let oneshot = service.service_type == ServiceType::Oneshot;

    let ends_all = draft.unit.end_actions.success.is_some();
    if service.start.is_empty() && service.stop.is_empty() && !ends_all {
        return error("it has no ExecStart= and no ExecStop=: there is nothing to do");
    }
    if service.start.is_empty() && !oneshot {
        return error("it has no ExecStart=, which only Type=oneshot may do without");
    }
    if service.start.is_empty() && !service.remain_after_exit && !ends_all {
        return error("it has no ExecStart=, which it may do without only with RemainAfterExit=yes");
    }
    if service.start.len() > 1 && !oneshot {
        return error(
            "it has more than one ExecStart=, which only Type=oneshot may have; an empty ExecStart= forgets those before it",
        );
    }
    if oneshot && matches!(service.restart, Restart::Always | Restart::OnSuccess) {
        return error("Restart=always and Restart=on-success do not go together with Type=oneshot: it would never end");
    }
    if oneshot && !service.restart_force_exit_status.is_empty() {
        return error("RestartForceExitStatus= does not go together with Type=oneshot");
    }

    let no_end = if oneshot { None } else { service.timeout_start };
    service.timeout_start = draft.timeout_start.unwrap_or(no_end);
    service.notify_access = match draft.notify_access {
        None | Some(NotifyAccess::None)
            if service.says_ready() || service.watchdog.is_some() || service.descriptor_store_max > 0 =>
        {
            NotifyAccess::Main
        }
        given => given.unwrap_or(NotifyAccess::None),
    };
    if draft.permissions_start_only {
        let ServiceSpec { condition, start_pre, start_post, reload, stop, stop_post, .. } = &mut service;
        for command in [condition, start_pre, start_post, reload, stop, stop_post].into_iter().flatten() {
            command.privileges = Privileges::Full;
        }
    }
    (service.exec, service.kill) = (draft.exec, draft.kill);
    (service.exec.standard_input, service.exec.standard_output) =
        streams(draft.standard_input, draft.standard_output, !service.exec.input_data.is_empty());
    Ok(service)
}

/// Where standard input and output lead if that is not said.
fn streams(input: Option<Input>, output: Option<Output>, data: bool) -> (Input, Output) {
    // "null" is as good as unsaid, and so is "inherit".
    let input = input.filter(|input| *input != Input::Null).unwrap_or(if data { Input::Data } else { Input::Null });
    let unspecified = match input {
        Input::Tty | Input::TtyForce | Input::TtyFail | Input::Socket | Input::Named(_) => Output::Inherit,
        Input::Null | Input::Data | Input::File(_) => Output::Journal,
    };
    (input, output.filter(|output| *output != Output::Inherit).unwrap_or(unspecified))
}
