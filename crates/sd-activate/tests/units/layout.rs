//! Links, masks, templates and drop-ins on the unit path.

use crate::oracle;
use crate::same::{Files, differences_with_links};

/// A service that says where it was read from.
fn service(description: &str) -> Vec<u8> {
    format!("[Unit]\nDescription={description}\n[Service]\nExecStart=/bin/true\n").into_bytes()
}

fn description(description: &str) -> Vec<u8> {
    format!("[Unit]\nDescription={description}\n").into_bytes()
}

#[test]
fn files_are_found_where_systemd_finds_them() {
    if !oracle::is_here() {
        return;
    }
    let files: Files = [
        ("real.service", service("real")),
        ("template@.service", service("template, %i")),
        ("template@own.service", service("an instance of its own, %i")),
        ("plain@.service", service("plain, %i")),
        ("elsewhere/real.service", service("not read")),
        ("empty.service", Vec::new()),
        ("../linked_service_file", service("linked")),
        ("real.service.d/b.conf", description("real, b")),
        ("real.service.d/a.conf", description("real, a")),
        ("alias.service.d/c.conf", description("alias, c")),
        ("template@.service.d/a.conf", description("template, a")),
        ("template@x.service.d/a.conf", description("template of x, a")),
        ("template@y.service.d/b.conf", description("template of y, b")),
        ("a-b-c.service", service("a-b-c")),
        ("a-.service.d/same.conf", description("a-, same")),
        ("a-b-.service.d/same.conf", description("a-b-, same")),
        ("a-.service.d/z.conf", description("a-, z, of %N")),
        ("d.service", service("d")),
        ("d.service.d/10-masked.conf", Vec::new()),
        ("service.d/10-masked.conf", b"[Service]\nUMask=0001\n".to_vec()),
        ("service.d/20-all.conf", b"[Service]\nLimitNPROC=77\n".to_vec()),
        ("d.service.d/not-read", b"[Service]\nUMask=0002\n".to_vec()),
        ("d.service.wants/real.service", description("not read")),
        ("group.target", description("a group")),
        ("listening.socket", b"[Socket]\nListenStream=@listening\n".to_vec()),
        ("listening.service", service("listening")),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text))
    .collect();
    let links = [
        ("alias.service", "real.service"),
        ("far-alias.service", "alias.service"),
        ("dangling.service", "nowhere.service"),
        ("masked.service", "/dev/null"),
        ("linked.service", "../linked_service_file"),
        ("badly-linked.service", "elsewhere/real.service"),
        ("other@.service", "template@.service"),
        ("real-other@.service", "plain@.service"),
        ("single@x.service", "template@x.service"),
        ("wrong-type.socket", "real.service"),
        ("loop1.service", "loop2.service"),
        ("loop2.service", "loop1.service"),
        ("service.d/20-masked-by-a-link.conf", "/dev/null"),
        ("group.target.wants/real.service", "../real.service"),
        ("group.target.wants/listening.socket", "../listening.socket"),
        ("group.target.wants/template@z.service", "../template@.service"),
        ("group.target.wants/not-a-unit", "../real.service"),
        ("group.target.wants/masked.socket", "/dev/null"),
        ("group.target.requires/a-b-c.service", "../a-b-c.service"),
    ];
    let names = [
        "real.service",
        "template@x.service",
        "template@y.service",
        "template@own.service",
        "template@with\\x20escape.service",
        "empty.service",
        "masked.service",
        "linked.service",
        "real-other@y.service",
        "badly-linked.service",
        "far-alias.service",
        "dangling.service",
        "nowhere.service",
        "missing.service",
        "missing@x.service",
        "wrong-type.socket",
        "loop1.service",
        "a-b-c.service",
        "d.service",
        "group.target",
        "listening.socket",
    ]
    .map(str::to_owned);
    let differences = differences_with_links(&files, &links, &names);
    for (name, difference) in &differences {
        println!("{name}:\n{difference}\n");
    }
    assert!(differences.is_empty(), "{} of {} differ", differences.len(), names.len());
}
