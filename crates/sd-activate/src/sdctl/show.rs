//! Properties, as `show` prints them.

use serde_json::Value;

use super::time::date;
use super::unit::Unit;
use crate::spec::span::duration;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// These properties; all where there is none.
    pub properties: Vec<String>,
    /// Those without a value, too.
    pub all: bool,
    /// The values alone.
    pub value_only: bool,
}

impl Wanted {
    fn has(&self, property: &str) -> bool {
        self.properties.is_empty() || self.properties.iter().any(|wanted| wanted == property)
    }
}

/// The lines of a unit.
pub fn lines(unit: &Unit, wanted: &Wanted) -> Vec<String> {
    let mut lines = Vec::new();
    let properties = unit.properties();
    for (name, value) in properties {
        match name.as_str() {
            "Commands" => commands(value, wanted, &mut lines),
            "Listen" if wanted.has(name) => {
                let listen = value.as_array().into_iter().flatten();
                lines.extend(listen.map(|listen| line(name, &listening(listen), wanted)));
            }
            _ if wanted.has(name) => {
                let text = shown(name, value);
                // What is asked for by its name is shown, whatever it is.
                if !text.is_empty() || wanted.all || !wanted.properties.is_empty() {
                    lines.push(line(name, &text, wanted));
                }
            }
            _ => (),
        }
    }
    lines
}

fn line(name: &str, value: &str, wanted: &Wanted) -> String {
    if wanted.value_only { value.to_owned() } else { format!("{name}={value}") }
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Null if name.ends_with("USec") => "infinity".to_owned(),
        Value::Number(number) => match number.as_u64() {
            Some(moment) if name.ends_with("Timestamp") => date(moment),
            Some(time) if name.ends_with("USec") => duration(time, 1),
            _ => number.to_string(),
        },
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        Value::Null | Value::Object(_) => String::new(),
    }
}

fn listening(listen: &Value) -> String {
    format!("{} ({})", listen["address"].as_str().unwrap_or_default(), listen["type"].as_str().unwrap_or_default())
}

/// One line for each command, under the name of its setting.
fn commands(commands: &Value, wanted: &Wanted, lines: &mut Vec<String>) {
    for command in commands.as_array().into_iter().flatten() {
        let setting = command["setting"].as_str().unwrap_or_default();
        if wanted.has(setting) {
            lines.push(line(setting, &shown_command(command), wanted));
        }
    }
}

fn shown_command(command: &Value) -> String {
    let argv: Vec<&str> = command["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let moment = |name: &str| command[name].as_u64().map_or("n/a".to_owned(), date);
    let status = match (command["code"].as_str(), command["status"].as_i64()) {
        (Some("exited"), Some(status)) => format!("code=exited ; status={status}"),
        (Some(code), Some(number)) => {
            let signal = i32::try_from(number).ok().and_then(crate::spec::Signal::new);
            let name = signal.map_or(String::new(), |signal| signal.to_string());
            format!("code={code} ; status={number}/{}", name.trim_start_matches("SIG"))
        }
        _ => "code=(null) ; status=0/0".to_owned(),
    };
    format!(
        "{{ path={} ; argv[]={} ; ignore_errors={} ; start_time=[{}] ; stop_time=[{}] ; pid={} ; {status} }}",
        command["path"].as_str().unwrap_or_default(),
        argv.join(" "),
        if command["ignoreErrors"] == true { "yes" } else { "no" },
        moment("startTimestamp"),
        moment("stopTimestamp"),
        command["pid"].as_u64().unwrap_or_default(),
    )
}
