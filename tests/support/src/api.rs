//! What the library has: the one table of its functions, src/libsdlite.map, and its headers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source;

/// A version node, with the functions that are at it.
#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// As `LIBSYSTEMD_209`.
    pub name: String,
    /// The node before it.
    pub parent: Option<String>,
    /// By their names.
    pub functions: BTreeSet<String>,
}

/// The version nodes of the library, the oldest first.
pub fn nodes() -> Vec<Node> {
    let map = fs::read_to_string(source().join("src/libsdlite.map")).expect("the version script");
    let (_, script) = map.split_once("*/").expect("a comment at its beginning");
    let mut nodes = Vec::new();
    let mut rest = script.trim();
    while let Some((name, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').expect("the end of a node");
        let (parent, after) = after.split_once(';').expect("what ends a node");
        let (global, _) = inside.split_once("local:").unwrap_or((inside, ""));
        let functions = global.trim().trim_start_matches("global:").split(';').map(|name| name.trim().to_owned());
        nodes.push(Node {
            name: name.trim().to_owned(),
            parent: Some(parent.trim().to_owned()).filter(|parent| !parent.is_empty()),
            functions: functions.filter(|name| !name.is_empty()).collect(),
        });
        rest = after.trim();
    }
    assert_eq!(rest, "", "what no node has");
    nodes
}

/// Every function of the library.
pub fn functions() -> BTreeSet<String> {
    nodes().into_iter().flat_map(|node| node.functions).collect()
}

/// The names of the headers, in order.
pub fn headers() -> Vec<String> {
    let files = fs::read_dir(source().join("include/systemd")).expect("the headers").flatten();
    let mut names: Vec<_> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The functions that a header declares, one at the beginning of a line each.
pub fn declared(header: &Path) -> Vec<String> {
    let header = fs::read_to_string(header).expect("a header");
    let function = |line: &str| {
        let (before, _) = line.split_once('(').filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))?;
        let (result, name) = before.rsplit_once([' ', '*'])?;
        (name.starts_with("sd_") && !result.starts_with("static")).then(|| name.to_owned())
    };
    header.lines().filter_map(function).collect()
}

/// A header, by its name.
pub fn header(name: &str) -> PathBuf {
    source().join("include/systemd").join(name)
}
