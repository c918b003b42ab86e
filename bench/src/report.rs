//! docs/benchmarks.md.

use std::fs;
use std::process::Command;

use sdlite_test_support as support;
use support::{run, source};

use crate::activation::{Connections, FirstAnswer};
use crate::aims::{NOISE, aims};
use crate::calls::Call;
use crate::floods::Flooded;
use crate::log::Logged;
use crate::markdown::{grouped, share, table};
use crate::measured::Measured;
use crate::messages::Messages;
use crate::plots;
use crate::proxy::{Footprint, Proxied};
use crate::size::{Shared, Static};
use crate::start::Start;
use crate::units::Cost;

/// What stands in the way of those that are not met on every machine.
const BOUNDS: &str = "\
    What bounds them: the shared library has 109 functions. Their code takes 42 KB, their unwind tables 14 KB, their names and \
    versions 11 KB. Most of the instructions with which a program starts are those that it needs for the C library alone \
    (below). libsystemd asks for its process id once and remembers it, whereas libsdlite asks each time: \
    `sd_watchdog_enabled()` and `sd_listen_fds()` take longer for it when they are called again and again. A daemon calls them \
    once, and then libsystemd has to ask, too. A connection from units has a session, a control group and lines in the \
    log of its own, and its client sees the end when sd-activate has reaped the service, as with systemd; the command \
    line has none of that. Making and removing the group takes a quarter of sd-activate's time for it. Most of its \
    memory are pages of the program and of the C library, which other processes share. Each entry of \
    `sd_journal_print()` is a datagram, and 60 % of its time is the kernel's.";

/// Writes it, with its plots.
pub fn write(measured: &Measured) {
    let directory = source().join("docs");
    fs::create_dir_all(directory.join("benchmarks")).expect("a directory for plots");
    plots::write(measured, &directory.join("benchmarks"));
    let text = format!(
        "# Benchmarks\n\n{}\n\n![Overview](benchmarks/{})\n\n\
        \\* beside a dynamic program with libsystemd.\n\n## Aims\n\n{}{BOUNDS}\n\n\
        ## Exact\n\n{}## Times\n\n{}",
        conditions(measured),
        plots::OVERVIEW,
        aims(measured),
        exact(measured, "![Starting a program](benchmarks/start.svg)\n\n"),
        times(measured, true),
    );
    let file = directory.join("benchmarks.md");
    fs::write(&file, text.trim_end().to_owned() + "\n").expect("docs/benchmarks.md");
    eprintln!("{} and its plots are written.", file.display());
}

/// What was measured, without plots.
pub fn tables(measured: &Measured) -> String {
    exact(measured, "") + &times(measured, false)
}

/// The value of a line of a file that Linux has.
fn line(file: &str, key: &str) -> String {
    let file = fs::read_to_string(file).expect("a file that Linux has");
    let value = file
        .lines()
        .find_map(|line| Some(line.strip_prefix(key)?.trim_start_matches(['\t', ' ', ':', '=']).to_owned()));
    value.unwrap_or_else(|| "unknown".to_owned()).trim_matches('"').to_owned()
}

pub fn our_version() -> String {
    line(source().join("Cargo.toml").to_str().expect("text"), "version")
}

/// When and on what it was measured.
pub fn occasion() -> String {
    let today = run(Command::new("date").args(["-u", "+%Y-%m-%d"]).env("LC_ALL", "C")).stdout;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
    let kernel: Vec<_> = kernel.trim().split(['.', '-']).take(2).collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{}, {} (×{processors}), {}, Linux {}",
        String::from_utf8_lossy(&today).trim(),
        line("/proc/cpuinfo", "model name"),
        line("/etc/os-release", "PRETTY_NAME"),
        kernel.join("."),
    )
}

/// On what, and with what.
fn conditions(measured: &Measured) -> String {
    let releases: Vec<_> = measured
        .releases
        .iter()
        .map(|release| match release.directory {
            None => format!("{} as installed", release.name),
            Some(_) => format!("{} with the C library that belongs to it", release.name),
        })
        .collect();
    format!(
        "Written by `make bench` on {}. libsdlite {} was compared with {}; sd-activate with \
        {}.\n\nBytes, instructions and system calls are exact: every run gives the same. Times are ratios, each the median of \
        many rounds in which those that are compared take turns; up to {NOISE} of the other's time counts as the same.",
        occasion(),
        our_version(),
        releases.join(" and "),
        measured.activators.join(", "),
    )
}

fn section(title: &str, text: &str, table: String, after: &str) -> String {
    if table.is_empty() { String::new() } else { format!("### {title}\n\n{text}\n\n{table}{after}") }
}

fn exact(measured: &Measured, start_plot: &str) -> String {
    let mut text = String::new();
    text += &section(
        "Shared library",
        "Stripped, as it is distributed, and with the libraries that are loaded with it, but for the C library's own.",
        shared(&measured.shared),
        "",
    );
    text += &section(
        "Static programs",
        "What a program grows by that is linked with `-static -Wl,--gc-sections`: the library's code and data, its unwind \
        tables, and all together with what the C library adds for it where the program needs none of that itself.",
        statics(&measured.statics),
        "",
    );
    text += &section(
        "Starting a program",
        "It calls `sd_listen_fds()` and ends. Instructions are those from the dynamic linker's first to the last, without the \
        kernel's. A program of a few pages is too small for the kernel to say how much memory it had.",
        starts(&measured.starts),
        start_plot,
    );
    for (release, calls) in measured.releases.iter().zip(&measured.calls) {
        text += &section(
            &format!("Calls, beside {}", release.name),
            "System calls and, without the kernel's, instructions of a typical call, not the first: ours, and theirs.",
            costs(calls),
            "Nobody answers `sd_notify_barrier()`, which is given no time to wait.\n\n",
        );
    }
    text
}

fn times(measured: &Measured, plots: bool) -> String {
    let plot =
        |name: &str, what: &str| if plots { format!("![{what}](benchmarks/{name}.svg)\n\n") } else { String::new() };
    let mut text = String::new();
    text += &section(
        "Starting a program",
        "From before fork to after wait, of what it is with the first.",
        table(
            &["program", "time"],
            measured.starts.iter().map(|start| vec![start.program.clone(), share(start.of_their_time)]),
        ),
        "",
    );
    for (i, (release, calls)) in measured.releases.iter().zip(&measured.calls).enumerate() {
        text += &section(
            &format!("Time of calls, beside {}", release.name),
            "Both libraries in one process, measured by Criterion.",
            call_times(calls),
            &if i + 1 == measured.calls.len() { plot("calls", "Time of calls") } else { String::new() },
        );
    }
    for (i, (release, messages)) in measured.releases.iter().zip(&measured.messages).enumerate() {
        text += &section(
            &format!("Messages per second, beside {}", release.name),
            "To another process, which does nothing but take them.",
            message_rates(messages),
            &if i + 1 == measured.messages.len() { plot("messages", "Messages per second") } else { String::new() },
        );
    }
    text += &section(
        "A process for each connection",
        "The service is a small static program that sends back what it gets. The client has one connection at a time waiting \
        for its end, or eight.",
        connections(&measured.connections),
        &plot("connections", "Connections per second"),
    );
    text += &section(
        "A service that is not yet running",
        "From the connection to the first answer; the service accepts by itself. tcpserver has nothing of the kind.",
        first_answers(&measured.first_answers),
        "",
    );
    text += &section(
        "Many units",
        "Loading is `sd-activate --verify`, with each of 500 sockets and its service. The sockets of the others are units, too, each with \
        a service that nobody needs; a connection has a service of its own. The first answer is that of the article's service, from its \
        units: in a container with systemd as PID 1, where sd-activate runs beside it.",
        costs_of_units(&measured.costs),
        "",
    );
    text += &section(
        "While a service floods its manager",
        "The time of a connection while another service does what it can, of the time of one while nobody does. A flood takes processors, \
        whoever takes what it sends: so the same flood is measured that comes to another process, which does nothing else than \
        take it.",
        flooded(&measured.flooded),
        "",
    );
    text += &section(
        "Entries of the log",
        "One program logs as fast as it is read: to sd-activate, which keeps the newest entries in memory and writes them to a \
        file, as text; or to journald, which keeps them in a file in memory. By the clock on the wall, which includes what it \
        takes the program; and by the processor's time that each entry takes the one who reads it.",
        logged(&measured.logged),
        "",
    );
    text += &section(
        "A proxy",
        "What passes through sd-proxy beside systemd-socket-proxyd, over TCP both ways: the throughput, as many times the other's, and the \
        processor's time that the proxy takes for the same, of the other's. Clients and backends share the processors with it.",
        proxied(&measured.proxied) + &footprints(&measured.footprints),
        "",
    );
    text
}

fn shared(rows: &[Shared]) -> String {
    let ours = rows.last().map_or((0, 0), |row| (row.bytes, row.bytes_with_needs));
    let row = |row: &Shared| {
        let part = |ours: u64, bytes: u64| {
            if ours == bytes { String::new() } else { format!("1/{:.1}", bytes as f64 / ours as f64) }
        };
        let needs = if row.needs.is_empty() { "nothing".to_owned() } else { row.needs.join(", ") };
        vec![
            row.library.clone(),
            grouped(row.bytes),
            part(ours.0, row.bytes),
            needs,
            grouped(row.bytes_with_needs),
            part(ours.1, row.bytes_with_needs),
        ]
    };
    let head = ["library", "bytes", "libsdlite has", "loaded with it", "bytes in all", "libsdlite has"];
    table(&head, rows.iter().map(row))
}

fn statics(rows: &[Static]) -> String {
    let row = |row: &Static| {
        let growth = [row.growth.library, row.growth.tables, row.growth.total].map(grouped);
        [vec![row.part.to_owned(), row.library.clone(), row.libc.to_owned()], growth.to_vec()].concat()
    };
    table(&["what is used", "library", "libc", "bytes", "unwind tables", "in all"], rows.iter().map(row))
}

fn starts(rows: &[Start]) -> String {
    let row = |row: &Start| {
        let memory = if row.peak_kib == 0 { "–".to_owned() } else { grouped(row.peak_kib) };
        vec![row.program.clone(), grouped(row.instructions), row.page_faults.to_string(), memory]
    };
    table(&["program", "instructions", "page faults", "most memory, KiB"], rows.iter().map(row))
}

fn costs(calls: &[Call]) -> String {
    let row = |call: &Call| {
        let theirs = call.theirs.as_ref();
        let instructions = |count: Option<u64>| count.map_or("–".to_owned(), grouped);
        vec![
            format!("`{}()`", call.function),
            call.ours.system_calls.1.clone(),
            call.ours.system_calls.0.to_string(),
            theirs.map_or("–".to_owned(), |theirs| theirs.system_calls.0.to_string()),
            instructions(call.ours.instructions),
            instructions(theirs.and_then(|theirs| theirs.instructions)),
        ]
    };
    let head = ["function", "system calls", "ours", "theirs", "instructions, ours", "theirs"];
    table(&head, calls.iter().map(row))
}

fn call_times(calls: &[Call]) -> String {
    let row = |call: &Call| {
        let of_theirs = call.of_their_time.map_or("–".to_owned(), |time| format!("{time:.2}"));
        vec![format!("`{}()`", call.function), format!("{:.1}", call.ours.nanoseconds / 1000.0), of_theirs]
    };
    table(&["function", "µs", "of libsystemd's time"], calls.iter().map(row))
}

fn message_rates(rows: &[Messages]) -> String {
    let row = |row: &Messages| {
        let rates = [row.ours_per_second, row.theirs_per_second].map(|rate| grouped(rate as u64 / 100 * 100));
        let function = format!("`{}()`", row.function);
        [vec![function, row.threads.to_string()], rates.to_vec(), vec![format!("{:.2}", row.times_theirs)]].concat()
    };
    table(&["function", "threads", "libsdlite", "libsystemd", "ratio"], rows.iter().map(row))
}

fn logged(rows: &[Logged]) -> String {
    let row = |row: &Logged| {
        let rates = [row.ours, row.theirs].map(|rate| grouped(rate.per_second as u64 / 100 * 100));
        let costs = [row.ours, row.theirs].map(|rate| format!("{:.1}", rate.nanoseconds / 1000.0));
        let [ratio, computed] = [row.times_theirs, row.times_theirs_computed].map(|ratio| format!("{ratio:.1}"));
        [vec![row.way.to_owned()], rates.to_vec(), vec![ratio], costs.to_vec(), vec![computed]].concat()
    };
    let head =
        ["logged as", "sd-activate, a second", "journald", "ratio", "µs of sd-activate's", "of journald's", "ratio"];
    table(&head, rows.iter().map(row))
}

fn flooded(rows: &[Flooded]) -> String {
    let row = |row: &Flooded| {
        let times =
            [row.times_elsewhere, row.times, row.times / row.times_elsewhere].map(|times| format!("{times:.2}"));
        let names = vec![row.flood.to_owned(), row.service.to_owned(), grouped(row.microseconds as u64)];
        [names, times.to_vec()].concat()
    };
    let head =
        ["another service", "a service", "µs", "with the flood elsewhere", "with the flood", "what sd-activate adds"];
    table(&head, rows.iter().map(row))
}

fn proxied(rows: &[Proxied]) -> String {
    let row = |row: &Proxied| vec![row.what.clone(), format!("{:.2}", row.throughput), format!("{:.2}", row.computed)];
    table(&["what passes", "throughput", "its own time"], rows.iter().map(row))
}

fn footprints(rows: &[Footprint]) -> String {
    let row = |row: &Footprint| {
        let [ours, theirs] = [row.ours, row.theirs].map(|figure| format!("{} {}", grouped(figure as u64), row.unit));
        vec![row.what.to_owned(), ours, theirs, share(row.ours / row.theirs)]
    };
    table(&["what it takes", "sd-proxy", "systemd-socket-proxyd", "ratio"], rows.iter().map(row))
}

fn connections(rows: &[Connections]) -> String {
    let row = |row: &Connections| {
        let rate = grouped(row.per_second as u64 / 10 * 10);
        vec![row.activator.to_owned(), row.in_flight.to_string(), rate, format!("{:.2}", row.of_systemds_time)]
    };
    table(
        &["activator", "at a time", "connections per second", "of systemd-socket-activate's time"],
        rows.iter().map(row),
    )
}

fn costs_of_units(rows: &[Cost]) -> String {
    let row = |row: &Cost| {
        let [ours, theirs] = [row.ours, row.theirs].map(|figure| format!("{} {}", grouped(figure as u64), row.unit));
        vec![row.what.to_owned(), ours, row.beside.to_owned(), theirs, share(row.ratio)]
    };
    table(&["what", "sd-activate", "beside", "that", "ratio"], rows.iter().map(row))
}

fn first_answers(rows: &[FirstAnswer]) -> String {
    let row = |row: &FirstAnswer| {
        vec![
            row.activator.to_owned(),
            format!("{:.1}", row.microseconds / 1000.0),
            format!("{:.2}", row.of_systemds_time),
        ]
    };
    table(&["activator", "ms", "of systemd-socket-activate's time"], rows.iter().map(row))
}
