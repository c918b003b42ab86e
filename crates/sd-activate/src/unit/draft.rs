//! A unit while its lines are read: what is not said yet is known as such.

use crate::spec::{
    ExecSpec, Input, Kill, NotifyAccess, Output, ServiceSpec, ServiceType, SocketSpec, Timeout, UnitName, UnitSpec,
};

/// A unit of whatever type, and what its lines have not said.
pub struct Draft {
    /// What every unit has.
    pub unit: UnitSpec,
    /// What a socket has.
    pub socket: SocketSpec,
    /// What a service has.
    pub service: ServiceSpec,
    /// What the processes of either run in.
    pub exec: ExecSpec,
    /// How they are ended.
    pub kill: Kill,

    /// Type=.
    pub service_type: Option<ServiceType>,
    /// NotifyAccess=.
    pub notify_access: Option<NotifyAccess>,
    /// TimeoutStartSec=, without which a oneshot service has no end.
    pub timeout_start: Option<Timeout>,
    /// PermissionsStartOnly=.
    pub permissions_start_only: bool,

    /// Service=.
    pub triggered: Option<UnitName>,
    /// FileDescriptorName=.
    pub descriptor_name: Option<String>,
    /// TriggerLimitBurst=.
    pub trigger_burst: Option<u32>,
    /// PollLimitBurst=.
    pub poll_burst: Option<u32>,

    /// StandardInput=.
    pub standard_input: Option<Input>,
    /// StandardOutput=.
    pub standard_output: Option<Output>,
}

impl Draft {
    /// A unit of which no line was read.
    pub fn new(unit: UnitSpec) -> Self {
        Self {
            socket: SocketSpec::new(&unit.name),
            unit,
            service: ServiceSpec::default(),
            exec: ExecSpec::default(),
            kill: Kill::default(),
            service_type: None,
            notify_access: None,
            timeout_start: None,
            permissions_start_only: false,
            triggered: None,
            descriptor_name: None,
            trigger_burst: None,
            poll_burst: None,
            standard_input: None,
            standard_output: None,
        }
    }
}
