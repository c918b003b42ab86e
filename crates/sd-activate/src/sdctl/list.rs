//! The tables of `list-units` and `list-sockets`.

use super::style::{Colour, Style};
use super::unit::Unit;

/// What a table is printed with.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The names of the columns, and what follows.
    pub legend: bool,
    /// No dots.
    pub plain: bool,
    /// All were asked for.
    pub all: bool,
    /// Only units in some state were asked for: nothing is said of how to see others.
    pub narrowed: bool,
    /// Columns for the types of addresses.
    pub types: bool,
    /// Colours.
    pub style: Style,
}

/// A cell's text, and its colour.
type Cell = (String, Colour);

fn cell(text: &str) -> Cell {
    (text.to_owned(), Colour::None)
}

/// The units.
pub fn units(units: &[Unit], table: Table) -> Vec<String> {
    let job = units.iter().any(|unit| !unit.text("JobType").is_empty());
    let mut header = vec![" ", "UNIT", "LOAD", "ACTIVE", "SUB", "JOB", "DESCRIPTION"];
    let mut rows: Vec<Vec<Cell>> = units.iter().map(unit_row).collect();
    if !job {
        header.remove(5);
        rows.iter_mut().for_each(|row| drop(row.remove(5)));
    }
    if table.plain {
        header.remove(0);
        rows.iter_mut().for_each(|row| drop(row.remove(0)));
    }
    let mut lines = print(&header, rows, table);
    if !table.legend {
        return lines;
    }
    if !units.is_empty() {
        lines.push(String::new());
        lines.push("LOAD   = Reflects whether the unit definition was properly loaded.".to_owned());
        lines.push("ACTIVE = The high-level unit activation state, i.e. generalization of SUB.".to_owned());
        lines.push("SUB    = The low-level unit activation state, values depend on unit type.".to_owned());
        if job {
            lines.extend(["JOB    = Pending job for the unit.".to_owned(), String::new()]);
        }
    }
    let colour = if units.is_empty() { Colour::Red } else { Colour::Bold };
    let mut count = table.style.paint(colour, format_args!("{} loaded units listed.", units.len()));
    if !table.all && !table.narrowed {
        count += &format!(" {}", table.style.paint(Colour::Grey, "Pass --all to see loaded but inactive units, too."));
    }
    lines.push(count);
    lines
}

fn unit_row(unit: &Unit) -> Vec<Cell> {
    let loaded = unit.text("LoadState") == "loaded";
    let (dot, colour) = match () {
        () if !loaded => ("●", Colour::Yellow),
        () if unit.is_failed() => ("●", Colour::Red),
        () => (" ", Colour::None),
    };
    let state = if unit.is_failed() { Colour::Red } else { Colour::None };
    vec![
        (dot.to_owned(), colour),
        (unit.name().to_owned(), state),
        (unit.text("LoadState").to_owned(), if loaded { Colour::None } else { Colour::Red }),
        (unit.text("ActiveState").to_owned(), state),
        (unit.text("SubState").to_owned(), state),
        cell(unit.text("JobType")),
        cell(unit.text("Description")),
    ]
}

/// What is listened on, by address.
pub fn sockets(units: &[Unit], table: Table) -> Vec<String> {
    let mut entries: Vec<(&str, &str, &Unit)> = Vec::new();
    for unit in units {
        for listen in unit.items("Listen") {
            let text = |name: &str| listen[name].as_str().unwrap_or_default();
            entries.push((text("address"), text("type"), unit));
        }
    }
    entries
        .sort_by_key(|(address, kind, unit)| (address.starts_with(|first| first != '/'), *address, *kind, unit.name()));
    let mut header = vec!["LISTEN", "TYPE", "UNIT", "ACTIVATES"];
    let mut rows = Vec::new();
    for (address, kind, unit) in &entries {
        let mut activates = unit.list("Triggers").into_iter();
        rows.push(vec![cell(address), cell(kind), cell(unit.name()), cell(activates.next().unwrap_or_default())]);
        rows.extend(activates.map(|other| vec![cell(""), cell(""), cell(""), cell(other)]));
    }
    if !table.types {
        header.remove(1);
        rows.iter_mut().for_each(|row| drop(row.remove(1)));
    }
    let mut lines = print(&header, rows, table);
    if table.legend {
        let colour = if entries.is_empty() { Colour::Red } else { Colour::Bold };
        lines.push(String::new());
        lines.push(table.style.paint(colour, format_args!("{} sockets listed.", entries.len())));
        if !table.all {
            lines.push("Pass --all to see loaded but inactive sockets, too.".to_owned());
        }
    }
    lines
}

/// The rows, with columns as wide as their widest cells.
fn print(header: &[&str], rows: Vec<Vec<Cell>>, table: Table) -> Vec<String> {
    let legend = table.legend.then(|| header.iter().map(|name| ((*name).to_owned(), Colour::Underlined)).collect());
    let all: Vec<Vec<Cell>> = legend.into_iter().chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].0.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let last = row.len() - 1;
        let cells = row.iter().zip(&widths).enumerate().map(|(column, ((text, colour), width))| {
            // Nothing stands behind the last.
            let padding = if column == last { 0 } else { width.saturating_sub(text.chars().count()) };
            table.style.paint(*colour, format_args!("{text}{:padding$}", ""))
        });
        cells.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}
