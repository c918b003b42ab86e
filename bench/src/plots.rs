//! The plots of docs/benchmarks.md.

use std::path::Path;

use crate::activation::Connections;
use crate::calls::Call;
use crate::libraries::Release;
use crate::markdown::share;
use crate::measured::Measured;
use crate::messages::Messages;
use crate::peers::SD_ACTIVATE;
use crate::plot::Plot;
use crate::size::Shared;
use crate::start::{Start, with_libc_of};

/// The one that the README shows, too.
pub const OVERVIEW: &str = "overview.svg";

type Rows = Vec<(String, Vec<Option<f64>>)>;

/// Draws them all.
pub fn write(measured: &Measured, directory: &Path) {
    let releases: Vec<_> = measured.releases.iter().map(|release| format!("beside {}", release.name)).collect();
    let colours = &[0, 2];
    let draw =
        |name: &str, plot: Plot| plot.write(&directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    draw(
        OVERVIEW,
        Plot {
            title: "libsdlite and sd-activate, as a share of libsystemd and systemd-socket-activate",
            axis: "shorter is better; 1 is the same as theirs (logarithmic)",
            series: &releases,
            colours,
            rows: overview(measured),
            range: 0.001..1.0,
            label: share,
        },
    );
    draw(
        "start.svg",
        Plot {
            title: "Starting a program that calls sd_listen_fds() and ends",
            axis: "instructions, in thousands (logarithmic)",
            series: &["libsdlite".into(), "libsystemd".into(), "none of them".into()],
            colours: &[0, 2, 1],
            rows: starts(measured),
            range: 0.5..1000.0,
            label: |value| if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") },
        },
    );
    draw(
        "calls.svg",
        Plot {
            title: "A call of each function: libsdlite's time, as a share of libsystemd's",
            axis: "1 is the same time as theirs",
            series: &releases,
            colours,
            rows: times(measured),
            range: 0.0..highest(&times(measured)),
            label: |value| format!("{value:.2}"),
        },
    );
    draw(
        "messages.svg",
        Plot {
            title: "Messages to a receiver that only takes them",
            axis: "thousands per second",
            series: &["libsdlite".into(), measured.releases[0].name.clone()],
            colours,
            rows: messages(measured),
            range: 0.0..highest(&messages(measured)),
            label: |value| format!("{value:.0}"),
        },
    );
    draw(
        "connections.svg",
        Plot {
            title: "A process started for each connection",
            axis: "connections per second",
            series: &["one at a time".into(), "eight at a time".into()],
            colours: &[2, 0],
            rows: connections(measured),
            range: 0.0..highest(&connections(measured)),
            label: |value| format!("{value:.0}"),
        },
    );
}

/// Where the axis ends, with room for a label.
fn highest(rows: &Rows) -> f64 {
    rows.iter().flat_map(|(_, values)| values).flatten().fold(0.0, |a: f64, b| a.max(*b)) * 1.02
}

fn overview(measured: &Measured) -> Rows {
    let bytes = |which: fn(&Shared) -> u64| {
        let ours = measured.shared.last().expect("ours");
        let theirs = measured.shared.iter().take(measured.releases.len());
        theirs.map(|theirs| Some(which(ours) as f64 / which(theirs) as f64)).collect::<Vec<_>>()
    };
    let start = |program: &str| {
        let instructions = |program: &str| {
            let start = measured.starts.iter().find(|start| start.program == program).expect("a program");
            start.instructions as f64
        };
        let part = |release: &Release| {
            let ours = match release.directory {
                Some(_) if program == "libsdlite" => instructions(&with_libc_of(&release.name)),
                _ => instructions(program),
            };
            Some(ours / instructions(&release.name))
        };
        measured.releases.iter().map(part).collect::<Vec<_>>()
    };
    let call = |function: &str, system_calls: bool| {
        let ratio = |calls: &Vec<Call>| {
            let call = calls.iter().find(|call| call.function == function)?;
            let theirs = call.theirs.as_ref()?;
            let counts = call.ours.system_calls.0 as f64 / theirs.system_calls.0 as f64;
            if system_calls { Some(counts) } else { call.of_their_time }
        };
        measured.calls.iter().map(ratio).collect::<Vec<_>>()
    };
    let connection = |in_flight| {
        let ours = measured.connections.iter().find(|row| row.activator == SD_ACTIVATE && row.in_flight == in_flight);
        vec![ours.map(|row| row.of_systemds_time)]
    };
    let first = measured.first_answers.iter().find(|row| row.activator == SD_ACTIVATE);
    vec![
        ("size of the shared library".into(), bytes(|shared| shared.bytes)),
        ("with all that it needs but libc".into(), bytes(|shared| shared.bytes_with_needs)),
        ("start, instructions".into(), start("libsdlite")),
        ("start of a static program*".into(), start("libsdlite, static")),
        ("… with musl*".into(), start("libsdlite, static with musl")),
        ("sd_notify(), system calls".into(), call("sd_notify", true)),
        ("sd_notify(), time".into(), call("sd_notify", false)),
        ("sd_journal_print(), time".into(), call("sd_journal_print", false)),
        ("sd_is_socket(), time".into(), call("sd_is_socket", false)),
        ("a process per connection, time".into(), connection(1)),
        ("… eight connections at a time".into(), connection(8)),
        ("first answer of a service, time".into(), vec![first.map(|row| row.of_systemds_time)]),
    ]
}

fn starts(measured: &Measured) -> Rows {
    let row = |start: &Start| {
        let series = ["libsdlite", "libsystemd"].iter().position(|name| start.program.starts_with(name)).unwrap_or(2);
        let mut values = vec![None; 3];
        values[series] = Some(start.instructions as f64 / 1000.0);
        (start.program.clone(), values)
    };
    measured.starts.iter().map(row).collect()
}

fn times(measured: &Measured) -> Rows {
    let functions = measured.calls[0].iter().enumerate();
    let row = |(i, call): (usize, &Call)| {
        (format!("{}()", call.function), measured.calls.iter().map(|calls| calls[i].of_their_time).collect())
    };
    functions.map(row).collect()
}

fn messages(measured: &Measured) -> Rows {
    let row = |row: &Messages| {
        let threads = if row.threads == 1 { "one thread" } else { "two threads" };
        let values = [row.ours_per_second, row.theirs_per_second].map(|rate| Some(rate / 1000.0));
        (format!("{}(), {threads}", row.function), values.to_vec())
    };
    measured.messages[0].iter().map(row).collect()
}

fn connections(measured: &Measured) -> Rows {
    let alone = measured.connections.iter().filter(|row| row.in_flight == 1);
    let row = |row: &Connections| {
        let same = measured.connections.iter().filter(|other| other.activator == row.activator);
        (row.activator.to_owned(), same.map(|row| Some(row.per_second)).collect())
    };
    alone.map(row).collect()
}
