//! What the service finds in its environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::spec::ExecSpec;

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One for every start of the service.
    Fixed(OsString),
    /// The process id of the service.
    Pid,
    /// The inode id of a pidfd of the service.
    PidfdId,
    /// Of its connection: $REMOTE_ADDR, and then $REMOTE_PORT.
    Remote,
}

/// The variables, in their order.
pub type Environment = Vec<(OsString, Value)>;

/// What LISTEN_FDS and its siblings say.
pub struct Passing<'a> {
    /// How many descriptors are passed.
    pub count: usize,
    /// Their names.
    pub names: &'a [Vec<u8>],
    /// Whether LISTEN_PIDFDID can be had.
    pub pidfs: bool,
}

/// The environment of a service: what is passed on from this process, what belongs to its descriptors, what is set.
pub fn build(exec: &ExecSpec, passing: Option<&Passing<'_>>) -> Environment {
    let mut environment = Environment::new();
    pass_on(&mut environment, exec);
    if let Some(passing) = passing {
        passing.tell(&mut environment);
    }
    assign(&mut environment, exec);
    environment
}

/// PassEnvironment=.
pub(super) fn pass_on(environment: &mut Environment, exec: &ExecSpec) {
    for name in &exec.pass_environment {
        if let Some(value) = std::env::var_os(name) {
            set(environment, name.into(), Value::Fixed(value));
        }
    }
}

/// Environment=.
pub(super) fn assign(environment: &mut Environment, exec: &ExecSpec) {
    for (name, value) in &exec.environment {
        set(environment, name.into(), Value::Fixed(value.clone()));
    }
}

impl Passing<'_> {
    /// LISTEN_FDS and its siblings.
    pub(super) fn tell(&self, environment: &mut Environment) {
        set(environment, "LISTEN_FDS".into(), Value::Fixed(self.count.to_string().into()));
        set(environment, "LISTEN_PID".into(), Value::Pid);
        if self.pidfs {
            set(environment, "LISTEN_PIDFDID".into(), Value::PidfdId);
        }
        if !self.names.is_empty() {
            let names = OsStr::from_bytes(&self.names.join(&b':')).to_owned();
            set(environment, "LISTEN_FDNAMES".into(), Value::Fixed(names));
        }
    }
}

/// A variable that is set again keeps its place.
pub fn set(environment: &mut Environment, name: OsString, value: Value) {
    match environment.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => environment.push((name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_again_keeps_its_place() {
        let mut environment = Environment::new();
        set(&mut environment, "A".into(), Value::Pid);
        set(&mut environment, "B".into(), Value::PidfdId);
        set(&mut environment, "A".into(), Value::Fixed("1".into()));
        assert_eq!(environment, [("A".into(), Value::Fixed("1".into())), ("B".into(), Value::PidfdId)]);
    }
}
