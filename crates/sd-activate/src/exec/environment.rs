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
    for name in &exec.pass_environment {
        if let Some(value) = std::env::var_os(name) {
            set(&mut environment, name.into(), Value::Fixed(value));
        }
    }
    if let Some(passing) = passing {
        set(&mut environment, "LISTEN_FDS".into(), Value::Fixed(passing.count.to_string().into()));
        set(&mut environment, "LISTEN_PID".into(), Value::Pid);
        if passing.pidfs {
            set(&mut environment, "LISTEN_PIDFDID".into(), Value::PidfdId);
        }
        if !passing.names.is_empty() {
            let names = OsStr::from_bytes(&passing.names.join(&b':')).to_owned();
            set(&mut environment, "LISTEN_FDNAMES".into(), Value::Fixed(names));
        }
    }
    for (name, value) in &exec.environment {
        set(&mut environment, name.into(), Value::Fixed(value.clone()));
    }
    environment
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
