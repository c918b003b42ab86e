//! What `status` shows of a unit.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::style::{Colour, Style};
use super::time::{ago, date};
use super::unit::Unit;
use crate::control::properties::code_word;
use crate::spec::span::duration;
use crate::spec::{Signal, status};

/// How wide the names before the colons are.
const WIDTH: usize = 11;

/// What is known besides the unit itself.
pub struct Surroundings<'a> {
    /// Whether it is enabled.
    pub file_state: Option<&'a str>,
    /// Other units, by their names.
    pub others: &'a dyn Fn(&str) -> Option<Unit>,
    /// The processes in its control group, and in those below that, by the groups.
    pub processes: Vec<Value>,
    /// Microseconds since 1970.
    pub now: u64,
    /// Colours.
    pub style: Style,
}

/// The lines, without those of the log.
pub fn lines(unit: &Unit, around: &Surroundings<'_>) -> Vec<String> {
    let Surroundings { style, .. } = around;
    let mut lines = Lines(Vec::new());
    let description = Some(unit.text("Description")).filter(|text| !text.is_empty() && *text != unit.name());
    let description = description.map_or(String::new(), |text| format!(" - {text}"));
    lines.0.push(format!("{} {}{description}", style.paint(colour(unit), glyph(unit)), unit.name()));
    lines.add("Loaded", loaded(unit, around));
    drop_ins(unit, &mut lines);
    lines.add("Active", active(unit, around));
    if let Some(time) = ran_for(unit) {
        lines.add("Duration", duration(time, 1000));
    }
    // Those that it starts have one kind of dot, whatever they do.
    let triggers = |name: &str| format!("{} {name}", other_dot(name, around, |_| "●"));
    lines.add_all("Triggers", unit.list("Triggers").into_iter().map(triggers));
    let triggered_by = |name: &str| format!("{} {name}", other_dot(name, around, glyph));
    lines.add_all("TriggeredBy", unit.list("TriggeredBy").into_iter().map(triggered_by));
    lines.add_all("Listen", unit.items("Listen").map(listen));
    if unit.flag("Accept") {
        let (accepted, connected) = (unit.number("NAccepted"), unit.number("NConnections"));
        lines.add("Accepted", format!("{accepted}; Connected: {connected};"));
    }
    for command in unit.items("Commands").filter(|command| command["stopTimestamp"].is_u64()) {
        lines.add("Process", process(command));
    }
    pids(unit, &mut lines);
    let text = unit.text("StatusText");
    if !text.is_empty() {
        lines.add("Status", format!("\"{text}\""));
    }
    if !around.processes.is_empty() {
        lines.add("Tasks", unit.number("TasksCurrent").to_string());
        lines.add_all("CGroup", group(unit.text("ControlGroup"), &around.processes).into_iter());
    }
    lines.0
}

/// Lines, each with a name before a colon.
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, label: &str, text: impl AsRef<str>) {
        self.0.push(format!("{label:>WIDTH$}: {}", text.as_ref()));
    }

    /// The name stands before the first alone.
    fn add_all(&mut self, label: &str, texts: impl Iterator<Item = String>) {
        for (number, text) in texts.enumerate() {
            match number {
                0 => self.add(label, text),
                _ => self.0.push(format!("{:WIDTH$}  {text}", "")),
            }
        }
    }
}

fn colour(unit: &Unit) -> Colour {
    match unit.text("ActiveState") {
        "active" | "reloading" => Colour::Green,
        "failed" => Colour::Red,
        _ => Colour::None,
    }
}

fn glyph(unit: &Unit) -> &'static str {
    match unit.text("ActiveState") {
        "reloading" => "↻",
        "inactive" => "○",
        "failed" => "×",
        _ => "●",
    }
}

fn other_dot(name: &str, around: &Surroundings<'_>, glyph: impl Fn(&Unit) -> &'static str) -> String {
    match (around.others)(name) {
        Some(other) => around.style.paint(colour(&other), glyph(&other)),
        None => "●".to_owned(),
    }
}

fn loaded(unit: &Unit, around: &Surroundings<'_>) -> String {
    let state = unit.text("LoadState");
    let why = unit.text("LoadError");
    if !why.is_empty() {
        return format!("{} (Reason: {why})", around.style.paint(Colour::Red, state));
    }
    let path = unit.text("FragmentPath");
    if path.is_empty() {
        return state.to_owned();
    }
    match around.file_state {
        Some(enabled) => {
            let colour = match enabled {
                "enabled" | "enabled-runtime" | "linked" | "linked-runtime" | "alias" => Colour::Green,
                "disabled" => Colour::Yellow,
                _ => Colour::None,
            };
            format!("{state} ({path}; {})", around.style.paint(colour, enabled))
        }
        None => format!("{state} ({path})"),
    }
}

/// The drop-ins of each directory, as a tree.
fn drop_ins(unit: &Unit, lines: &mut Lines) {
    let mut directories: Vec<(&str, Vec<&str>)> = Vec::new();
    for path in unit.list("DropInPaths") {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        match directories.last_mut() {
            Some((last, names)) if *last == directory => names.push(name),
            _ => directories.push((directory, vec![name])),
        }
    }
    let shown =
        directories.iter().flat_map(|(directory, names)| [(*directory).to_owned(), format!("└─{}", names.join(", "))]);
    lines.add_all("Drop-In", shown);
}

fn active(unit: &Unit, around: &Surroundings<'_>) -> String {
    let (state, sub) = (unit.text("ActiveState"), unit.text("SubState"));
    let shown = if state == sub { state.to_owned() } else { format!("{state} ({sub})") };
    let mut text = around.style.paint(colour(unit), shown);
    let result = unit.text("Result");
    if !matches!(result, "" | "success") {
        text += &format!(" (Result: {result})");
    }
    let moment = unit.number(match state {
        "active" | "reloading" => "ActiveEnterTimestamp",
        "inactive" | "failed" => "InactiveEnterTimestamp",
        "activating" => "InactiveExitTimestamp",
        _ => "ActiveExitTimestamp",
    });
    if moment > 0 {
        text += &format!(" since {}; {}", date(moment), ago(moment, around.now));
    }
    text
}

/// How long it was active, if it no longer is.
fn ran_for(unit: &Unit) -> Option<u64> {
    let (enter, exit) = (unit.number("ActiveEnterTimestampMonotonic"), unit.number("ActiveExitTimestampMonotonic"));
    let over = matches!(unit.text("ActiveState"), "inactive" | "failed");
    if over && enter > 0 { exit.checked_sub(enter) } else { None }
}

fn listen(listen: &Value) -> String {
    format!("{} ({})", listen["address"].as_str().unwrap_or_default(), listen["type"].as_str().unwrap_or_default())
}

fn process(command: &Value) -> String {
    let argv: Vec<&str> = command["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let setting = command["setting"].as_str().unwrap_or_default();
    let end = end(command["code"].as_str().unwrap_or_default(), command["status"].as_u64().unwrap_or_default());
    format!("{} {setting}={} ({end})", command["pid"].as_u64().unwrap_or_default(), argv.join(" "))
}

/// How a process has ended.
fn end(code: &str, number: u64) -> String {
    if code != "exited" {
        let signal = i32::try_from(number).ok().and_then(Signal::new);
        let name = signal.map_or(number.to_string(), |signal| signal.to_string());
        return format!("code={code}, signal={}", name.trim_start_matches("SIG"));
    }
    match u8::try_from(number).ok().and_then(status::name) {
        Some(name) => format!("code=exited, status={number}/{name}"),
        None => format!("code=exited, status={number}"),
    }
}

fn pids(unit: &Unit, lines: &mut Lines) {
    let (main, control) = (unit.number("MainPID"), unit.number("ControlPID"));
    let last = unit.number("ExecMainPID");
    let shown = |pid: u64| match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("{pid} ({})", name.trim_end()),
        Err(_) => pid.to_string(),
    };
    let main_line = match main {
        0 if last > 0 && unit.number("ExecMainExitTimestamp") > 0 => {
            let code = i32::try_from(unit.number("ExecMainCode")).map_or("", code_word);
            Some(format!("{last} ({})", end(code, unit.number("ExecMainStatus"))))
        }
        0 => None,
        pid => Some(shown(pid)),
    };
    match (main_line, control) {
        (None, 0) => (),
        (None, control) => lines.add("Cntrl PID", shown(control)),
        (Some(line), 0) => lines.add("Main PID", line),
        (Some(line), control) => lines.add("Main PID", format!("{line}; Control PID: {}", shown(control))),
    }
}

/// A control group with its processes, and those below it, as a tree.
fn group(path: &str, processes: &[Value]) -> Vec<String> {
    let mut lines = vec![path.to_owned()];
    lines.extend(below(path, processes));
    lines
}

fn below(path: &str, processes: &[Value]) -> Vec<String> {
    let rest = |process: &Value| {
        let group = process["controlGroup"].as_str()?;
        group.strip_prefix(path).map(str::to_owned)
    };
    let own: Vec<&Value> = processes.iter().filter(|process| rest(process).as_deref() == Some("")).collect();
    let names =
        processes.iter().filter_map(|process| Some(rest(process)?.strip_prefix('/')?.split('/').next()?.to_owned()));
    let names: BTreeSet<String> = names.collect();
    let width = own.iter().map(|process| process["pid"].to_string().len()).max().unwrap_or(0);
    let mut nodes: Vec<Vec<String>> = own
        .iter()
        .map(|process| {
            let (pid, command) = (process["pid"].to_string(), process["command"].as_str().unwrap_or_default());
            vec![format!("{pid:>width$} {command}")]
        })
        .collect();
    nodes.extend(names.into_iter().map(|name| {
        let lines = below(&format!("{path}/{name}"), processes);
        [vec![name], lines].concat()
    }));
    let last = nodes.len().saturating_sub(1);
    let branch = |(number, node): (usize, Vec<String>)| {
        let (first, others) = if number == last { ("└─", "  ") } else { ("├─", "│ ") };
        let line = move |(index, line): (usize, String)| format!("{}{line}", if index == 0 { first } else { others });
        node.into_iter().enumerate().map(line).collect::<Vec<_>>()
    };
    nodes.into_iter().enumerate().flat_map(branch).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_control_group_is_shown_as_a_tree() {
        let process =
            |group: &str, pid: u32, command: &str| json!({ "controlGroup": group, "pid": pid, "command": command });
        let processes = [
            process("/a/b", 7, "one"),
            process("/a/b", 1234, "two"),
            process("/a/b/c/d", 8, "three"),
            process("/a/b/e", 9, "four"),
        ];
        let expected = ["/a/b", "├─   7 one", "├─1234 two", "├─c", "│ └─d", "│   └─8 three", "└─e", "  └─9 four"];
        assert_eq!(group("/a/b", &processes), expected);
    }
}
