//! A table of lines, each in a unit of its own.

use crate::oracle;
use crate::same::{Files, differences};

/// Lines of [Service], of [Unit] and of [Socket], apart by `---`; "¶" starts a further line.
const LINES: &str = include_str!("lines.txt");

#[test]
fn each_line_is_to_systemd_what_it_is_here() {
    if !oracle::is_here() {
        return;
    }
    let mut files = Files::new();
    let mut names = Vec::new();
    for block in LINES.split("\n---\n") {
        let (section, lines) = block.trim().split_once('\n').unwrap();
        for (index, line) in lines.lines().enumerate() {
            let line = line.replace('¶', "\n");
            let (name, text) = match section {
                "[Unit]" => {
                    (format!("u{index}@x.service"), format!("[Unit]\n{line}\n[Service]\nExecStart=/bin/true\n"))
                }
                "[Service]" => (format!("s{index}.service"), format!("[Service]\nExecStart=/bin/true\n{line}\n")),
                _ => (format!("s{index}.socket"), format!("[Socket]\nListenStream=@x\n{line}\n")),
            };
            files.insert(name.clone(), text.into_bytes());
            names.push(name);
        }
    }
    // systemd refuses a socket without its service.
    for name in names.iter().filter(|name| name.ends_with(".socket")) {
        let stem = name.strip_suffix(".socket").unwrap();
        for service in [format!("{stem}.service"), format!("{stem}@.service")] {
            files.entry(service).or_insert_with(|| b"[Service]\nExecStart=/bin/true\n".to_vec());
        }
    }
    let differences = differences(&files, &names);
    for (name, difference) in &differences {
        println!("{name}:\n{}\n{difference}\n", String::from_utf8_lossy(&files[name]));
    }
    assert!(differences.is_empty(), "{} of {} differ", differences.len(), names.len());
}
