//! What is asked, once its call was understood.

use serde_json::{Map, Value};

use super::call::{Call, Failure};
use super::log::Reading;
use super::{INTERFACE, SERVICE};
use crate::engine::{Verb, Whom};
use crate::spec::{Signal, UnitName};

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `org.varlink.service.GetInfo`.
    Info,
    /// `org.varlink.service.GetInterfaceDescription`.
    Interface(String),
    /// Who is asked.
    Describe,
    /// All units.
    Units,
    /// A unit.
    Unit(UnitName),
    /// The unit of a process.
    UnitOf(i32),
    /// The processes of a unit.
    Processes(UnitName),
    /// Something is to be done with a unit.
    Do {
        /// What.
        verb: Verb,
        /// With whom.
        unit: UnitName,
        /// The answer has not to wait for its end.
        no_block: bool,
    },
    /// Forget that units have failed.
    ResetFailed,
    /// Read the unit files anew.
    Reload,
    /// Execute the manager anew.
    Reexecute,
    /// The log.
    Log(Reading),
}

/// The methods that are verbs of units, of which the name is all that they need.
const VERBS: [(&str, Verb); 8] = [
    ("StartUnit", Verb::Start),
    ("StopUnit", Verb::Stop),
    ("RestartUnit", Verb::Restart),
    ("TryRestartUnit", Verb::TryRestart),
    ("ReloadUnit", Verb::Reload),
    ("ReloadOrRestartUnit", Verb::ReloadOrRestart),
    ("ReloadOrTryRestartUnit", Verb::TryReloadOrRestart),
    ("ResetFailedUnit", Verb::ResetFailed),
];

/// The method of a verb.
pub fn method(verb: Verb) -> &'static str {
    VERBS.iter().find(|(_, known)| *known == verb).map_or("KillUnit", |(method, _)| method)
}

impl Request {
    /// What a call asks.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        let (interface, method) = call.method.rsplit_once('.').unwrap_or_default();
        let parameters = Parameters::new(&call.parameters);
        match interface {
            SERVICE => match method {
                "GetInfo" => Ok(Self::Info),
                "GetInterfaceDescription" => Ok(Self::Interface(parameters.text("interface")?.to_owned())),
                _ => Err(no_method(&call.method)),
            },
            INTERFACE => Self::of_manager(method, &parameters, call),
            _ => Err(Failure::of_service("InterfaceNotFound", Some(("interface", interface)))),
        }
    }

    fn of_manager(method: &str, parameters: &Parameters<'_>, call: &Call) -> Result<Self, Failure> {
        if let Some((_, verb)) = VERBS.iter().find(|(known, _)| *known == method) {
            let no_block = parameters.flag("noBlock")?;
            return Ok(Self::Do { verb: *verb, unit: parameters.unit()?, no_block });
        }
        Ok(match method {
            "Describe" => Self::Describe,
            "ListUnits" => Self::Units,
            "GetUnit" => Self::Unit(parameters.unit()?),
            "GetUnitProcesses" => Self::Processes(parameters.unit()?),
            "GetUnitByPID" => {
                let pid = parameters.integer("pid")?.and_then(|pid| i32::try_from(pid).ok());
                Self::UnitOf(pid.filter(|pid| *pid > 0).ok_or_else(|| Failure::invalid("pid"))?)
            }
            "KillUnit" => {
                let whom = match parameters.optional_text("whom")? {
                    None | Some("all") => Whom::All,
                    Some("main") => Whom::Main,
                    Some("control") => Whom::Control,
                    Some(_) => return Err(Failure::invalid("whom")),
                };
                let signal = match parameters.integer("signal")? {
                    None => Some(Signal::TERM),
                    Some(number) => i32::try_from(number).ok().and_then(Signal::new),
                };
                let signal = signal.ok_or_else(|| Failure::invalid("signal"))?;
                Self::Do { verb: Verb::Kill(signal, whom), unit: parameters.unit()?, no_block: false }
            }
            "ResetFailed" => Self::ResetFailed,
            "Reload" => Self::Reload,
            "Reexecute" => Self::Reexecute,
            "ReadLog" if !call.more => return Err(Failure::of_service("ExpectedMore", None)),
            "ReadLog" => Self::Log(Reading::parse(parameters)?),
            _ => return Err(no_method(&call.method)),
        })
    }
}

fn no_method(method: &str) -> Failure {
    Failure::of_service("MethodNotFound", Some(("method", method)))
}

/// The parameters of a call. One that is null is as good as missing.
pub struct Parameters<'a>(&'a Map<String, Value>);

impl<'a> Parameters<'a> {
    /// Those of a call.
    pub fn new(parameters: &'a Map<String, Value>) -> Self {
        Self(parameters)
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<&'a str, Failure> {
        self.optional_text(name)?.ok_or_else(|| Failure::invalid(name))
    }

    /// A text that may be missing.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| Failure::invalid(name))).transpose()
    }

    /// What is false where it is missing.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        self.get(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(|| Failure::invalid(name)))
    }

    /// A number from zero on.
    pub fn integer(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.get(name).map(|value| value.as_u64().ok_or_else(|| Failure::invalid(name))).transpose()
    }

    /// A list of which each is read so.
    pub fn list<T>(&self, name: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<Vec<T>>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let list = value.as_array().and_then(|list| list.iter().map(read).collect());
        Ok(Some(list.ok_or_else(|| Failure::invalid(name))?))
    }

    fn unit(&self) -> Result<UnitName, Failure> {
        UnitName::new(self.text("name")?).ok_or_else(|| Failure::invalid("name"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, parameters: Value) -> Result<Request, Failure> {
        let message = json!({ "method": method, "parameters": parameters, "more": true }).to_string();
        Request::of(&Call::parse(message.as_bytes()).expect("a call"))
    }

    fn manager(method: &str, parameters: Value) -> Result<Request, Failure> {
        request(&format!("{INTERFACE}.{method}"), parameters)
    }

    fn unit(name: &str) -> UnitName {
        UnitName::new(name).unwrap()
    }

    #[test]
    fn every_method_of_the_interface_is_understood() {
        let described = super::super::DESCRIPTION.lines().filter_map(|line| line.strip_prefix("method "));
        let methods: Vec<&str> = described.filter_map(|method| method.split('(').next()).collect();
        assert!(methods.len() > 10, "{methods:?}");
        for method in methods {
            let parameters = json!({ "name": "a.service", "pid": 1 });
            assert!(manager(method, parameters).is_ok(), "{method}");
        }
    }

    #[test]
    fn requests_are_read_from_their_parameters() {
        let stop = Request::Do { verb: Verb::Stop, unit: unit("a.socket"), no_block: true };
        assert_eq!(manager("StopUnit", json!({ "name": "a.socket", "noBlock": true })), Ok(stop));
        let kill = Request::Do { verb: Verb::Kill(Signal::HUP, Whom::Main), unit: unit("a.service"), no_block: false };
        let parameters = json!({ "name": "a.service", "signal": 1, "whom": "main" });
        assert_eq!(manager("KillUnit", parameters), Ok(kill));
        for (verb, method) in [(Verb::Restart, "RestartUnit"), (Verb::Kill(Signal::TERM, Whom::All), "KillUnit")] {
            assert_eq!(super::method(verb), method);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let invalid = |parameter| Err(Failure::invalid(parameter));
        assert_eq!(manager("StartUnit", json!({})), invalid("name"));
        assert_eq!(manager("StartUnit", json!({ "name": "a" })), invalid("name"));
        assert_eq!(manager("StartUnit", json!({ "name": "a.service", "noBlock": 1 })), invalid("noBlock"));
        assert_eq!(manager("GetUnitByPID", json!({ "pid": 0 })), invalid("pid"));
        assert_eq!(manager("KillUnit", json!({ "name": "a.service", "signal": 65 })), invalid("signal"));
        assert_eq!(manager("KillUnit", json!({ "name": "a.service", "whom": "none" })), invalid("whom"));
        assert_eq!(manager("ReadLog", json!({ "units": [1] })), invalid("units"));
        let error = |result: Result<Request, Failure>| result.unwrap_err().error;
        assert_eq!(error(manager("Frobnicate", json!({}))), "org.varlink.service.MethodNotFound");
        assert_eq!(error(request("a.b.C", json!({}))), "org.varlink.service.InterfaceNotFound");
        assert_eq!(error(request("C", json!({}))), "org.varlink.service.InterfaceNotFound");
        let once = Call::parse(format!(r#"{{"method":"{INTERFACE}.ReadLog"}}"#).as_bytes()).unwrap();
        assert_eq!(error(Request::of(&once)), "org.varlink.service.ExpectedMore");
    }
}
