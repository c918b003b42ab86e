//! Calls and replies.

use serde_json::{Map, Value, json};

use super::SERVICE;

/// A call of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The interface and, behind the last point, the method.
    pub method: String,
    /// What it is given.
    pub parameters: Map<String, Value>,
    /// Several replies are expected.
    pub more: bool,
    /// No reply is expected.
    pub oneway: bool,
}

impl Call {
    /// Reads a message. None where it is no call.
    pub fn parse(message: &[u8]) -> Option<Self> {
        let Value::Object(mut call) = serde_json::from_slice(message).ok()? else { return None };
        let Some(Value::String(method)) = call.remove("method") else { return None };
        let parameters = match call.remove("parameters") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(parameters)) => parameters,
            Some(_) => return None,
        };
        let mut flag = |name| match call.remove(name) {
            None | Some(Value::Null) => Some(false),
            Some(Value::Bool(flag)) => Some(flag),
            Some(_) => None,
        };
        let (more, oneway, upgrade) = (flag("more")?, flag("oneway")?, flag("upgrade")?);
        (!upgrade).then_some(Self { method, parameters, more, oneway })
    }

    /// The call as a message.
    pub fn message(&self) -> Vec<u8> {
        let mut call = json!({ "method": self.method, "parameters": self.parameters });
        if self.more {
            call["more"] = true.into();
        }
        if self.oneway {
            call["oneway"] = true.into();
        }
        message(&call)
    }
}

/// What a call comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// What the method returns.
    Returns(Value),
    /// The same, and more will follow.
    Continues(Value),
    /// It has failed.
    Fails(Failure),
}

/// Why a call has failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The interface and, behind the last point, the error.
    pub error: String,
    /// What belongs to it.
    pub parameters: Map<String, Value>,
}

impl Failure {
    /// An error that every service has, and the one parameter that it has.
    pub fn of_service(error: &str, parameter: Option<(&str, &str)>) -> Self {
        let parameters = parameter.map(|(name, value)| (name.to_owned(), value.into()));
        Self { error: format!("{SERVICE}.{error}"), parameters: parameters.into_iter().collect() }
    }

    /// A parameter is missing, or is not what it has to be.
    pub fn invalid(parameter: &str) -> Self {
        Self::of_service("InvalidParameter", Some(("parameter", parameter)))
    }

    /// The error's name without the interface.
    pub fn name(&self) -> &str {
        self.error.rsplit('.').next().unwrap_or_default()
    }

    /// A parameter that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)?.as_str()
    }
}

impl Reply {
    /// Reads a message. None where it is no reply.
    pub fn parse(message: &[u8]) -> Option<Self> {
        let Value::Object(mut reply) = serde_json::from_slice(message).ok()? else { return None };
        let parameters = match reply.remove("parameters") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(parameters)) => parameters,
            Some(_) => return None,
        };
        Some(match (reply.remove("error"), reply.remove("continues")) {
            (Some(Value::String(error)), _) => Self::Fails(Failure { error, parameters }),
            (None | Some(Value::Null), Some(Value::Bool(true))) => Self::Continues(parameters.into()),
            (None | Some(Value::Null), None | Some(Value::Null | Value::Bool(false))) => {
                Self::Returns(parameters.into())
            }
            _ => return None,
        })
    }

    /// The reply as a message.
    pub fn message(&self) -> Vec<u8> {
        message(&match self {
            Self::Returns(parameters) => json!({ "parameters": parameters }),
            Self::Continues(parameters) => json!({ "parameters": parameters, "continues": true }),
            Self::Fails(Failure { error, parameters }) => json!({ "error": error, "parameters": parameters }),
        })
    }
}

fn message(value: &Value) -> Vec<u8> {
    // A zero byte in a text is escaped in JSON.
    let mut message = value.to_string().into_bytes();
    message.push(0);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_as_they_are_written() {
        for (more, oneway) in [(false, false), (true, false), (false, true)] {
            let parameters = Map::from_iter([("name".to_owned(), "a\0b".into())]);
            let call = Call { method: "a.b.C".to_owned(), parameters, more, oneway };
            let message = call.message();
            let (end, message) = message.split_last().unwrap();
            assert_eq!(*end, 0);
            assert!(!message.contains(&0));
            assert_eq!(Call::parse(message), Some(call));
        }
    }

    #[test]
    fn what_is_no_call_is_none() {
        for message in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"method":1}"#,
            r#"{"method":"a.b","parameters":[]}"#,
            r#"{"method":"a.b","more":1}"#,
            r#"{"method":"a.b","upgrade":true}"#,
            r#"{"method":"a.b"} x"#,
        ] {
            assert_eq!(Call::parse(message.as_bytes()), None, "{message}");
        }
        assert!(Call::parse(br#"{"method":"a.b","parameters":null,"more":null,"other":[]}"#).is_some());
        assert!(Call::parse("[".repeat(100_000).as_bytes()).is_none());
    }

    #[test]
    fn replies_are_read_as_they_are_written() {
        for reply in [
            Reply::Returns(json!({ "a": 1 })),
            Reply::Continues(json!({})),
            Reply::Fails(Failure::invalid("name")),
            Reply::Fails(Failure::of_service("ExpectedMore", None)),
        ] {
            let message = reply.message();
            assert_eq!(Reply::parse(message.strip_suffix(b"\0").unwrap()), Some(reply));
        }
        for message in ["", "1", r#"{"parameters":1}"#, r#"{"error":1}"#, r#"{"continues":1}"#] {
            assert_eq!(Reply::parse(message.as_bytes()), None, "{message}");
        }
    }
}
