//! docs/peers.md: what stands in it between two marks.

use std::fs;
use std::process::Command;

use sdlite_test_support as support;
use support::{run, source};

use super::figures::{Figures, figures};
use super::memory::Memory;
use super::root::{DEBIAN, Root, fetch};
use super::times::Time;
use crate::markdown::{grouped, share, table};
use crate::plot::Plot;
use crate::report::{occasion, our_version};

const BEGIN: &str = "<!-- Written by make bench-peers. -->\n";
const END: &str = "<!-- End of what make bench-peers writes. -->\n";

/// Measures, and writes it; where supervisors are named, measures these alone, and prints their tables.
pub fn write(names: &[&str]) {
    let fetched = fetch();
    crate::run::enter();
    let root = Root::new(fetched);
    let figures = figures(&root, names);
    let text = format!("{}\n\n{}", versions(&root), tables(&figures));
    if !names.is_empty() {
        print!("{text}");
        return;
    }
    let file = source().join("docs/peers.md");
    let page = fs::read_to_string(&file).expect("docs/peers.md");
    let (before, rest) = page.split_once(BEGIN).expect("a mark");
    let (_, after) = rest.split_once(END).expect("another");
    fs::write(&file, format!("{before}{BEGIN}{text}{END}{after}")).expect("docs/peers.md");
    plot(&figures);
    eprintln!("{} and its plot are written.", file.display());
}

fn versions(root: &Root) -> String {
    let systemd = run(Command::new("systemd-socket-activate").arg("--version")).stdout;
    // `systemd 252 (252.39-1~deb12u2)`
    let systemd = String::from_utf8_lossy(&systemd).split(' ').take(2).collect::<Vec<_>>().join(" ");
    let debian = DEBIAN.map(|package| format!("{package} {}", root.version(package)));
    format!(
        "Measured on {}: sd-activate {}, {systemd}, {}, docker-systemctl-replacement {}.",
        occasion(),
        our_version(),
        debian.join(", "),
        root.version_of_systemctl(),
    )
}

fn cell<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

/// With two digits that count.
fn milliseconds(value: f64) -> String {
    match value {
        100.0.. => grouped(value.round() as u64),
        10.0.. => format!("{value:.0}"),
        1.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn ratio(value: f64) -> String {
    if value < 0.095 { share(value) } else { milliseconds(value) }
}

fn tables(figures: &[Figures]) -> String {
    let rows = |row: fn(&Figures) -> Vec<String>| {
        figures.iter().map(move |of| [vec![of.name.to_owned()], row(of)].concat()).collect::<Vec<_>>()
    };
    let measured = |row: &Vec<String>| row[1..].iter().any(|cell| cell != "–");
    let section = |title: &str, head: &[&str], row: fn(&Figures) -> Vec<String>| {
        let table = table(&[&["supervisor"], head].concat(), rows(row).into_iter().filter(measured));
        format!("### {title}\n\n{table}")
    };
    [
        section(
            "Start and stop, in milliseconds",
            &["start", "of ours", "first answer", "of ours", "signal", "of ours", "end", "of ours"],
            |of| {
                let times = [&of.times.start, &of.times.answer, &of.times.signal, &of.times.end].map(Option::as_ref);
                let both = |time: Option<&Time>| {
                    let of_ours = time.and_then(|time| time.of_ours);
                    [cell(time, |time| milliseconds(time.milliseconds)), cell(of_ours, ratio)]
                };
                times.into_iter().flat_map(both).collect()
            },
        ),
        section("Start, in system calls", &["until the service is executed"], |of| {
            vec![cell(of.calls_to_start, |calls| grouped(calls as u64))]
        }),
        section("Orphans", &["processor's time, µs", "system calls"], |of| {
            let reaped = of.reaped.as_ref();
            vec![
                cell(reaped, |reaped| format!("{:.1}", reaped.time)),
                cell(reaped, |reaped| format!("{:.1}", reaped.system_calls)),
            ]
        }),
        section(
            "Memory, in KiB: resident, and of that in no file",
            &["one service", "one and its socket", "100 services", "100 sockets"],
            |of| {
                let both = |memory: &Memory| format!("{} / {}", grouped(memory.resident), grouped(memory.anonymous));
                of.memory.iter().map(|memory| cell(memory.as_ref(), both)).collect()
            },
        ),
        section("Bytes", &["programs", "libraries"], |of| {
            [of.size.programs, of.size.libraries].map(|size| cell((size > 0).then_some(size), grouped)).into()
        }),
        section(
            "A service that dies 20 times",
            &["holds the socket", "restarts", "answered", "lost", "usual gap, ms", "longest gap, ms"],
            |of| match &of.restarted {
                Some(restarted) => vec![
                    if of.holds_sockets { "yes" } else { "no" }.to_owned(),
                    restarted.restarts.to_string(),
                    grouped(restarted.answered as u64),
                    if restarted.restarts > 0 { grouped(restarted.lost as u64) } else { "all that follow".to_owned() },
                    cell((restarted.restarts > 0).then_some(restarted.usual), milliseconds),
                    cell((restarted.restarts > 0).then_some(restarted.longest), milliseconds),
                ],
                None => vec!["–".to_owned(); 6],
            },
        ),
    ]
    .concat()
}

fn plot(figures: &[Figures]) {
    let series = ["start", "stop"].map(str::to_owned);
    let starting = figures.iter().filter(|of| of.times.start.is_some());
    let bar = |time: &Option<Time>| time.as_ref().map(|time| time.milliseconds);
    let plot = Plot {
        title: "From executing the supervisor to the service, and from its signal to the end of all",
        axis: "milliseconds (logarithmic)",
        series: &series,
        colours: &[0, 1],
        rows: starting.map(|of| (of.name.to_owned(), [&of.times.start, &of.times.end].map(bar).into())).collect(),
        range: 0.01..10_000.0,
        label: milliseconds,
    };
    plot.write(&source().join("docs/benchmarks/peers.svg")).expect("a plot");
}
