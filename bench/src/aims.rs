//! What libsdlite is to reach, and whether it does.

use crate::calls::Call;
use crate::markdown::{share, table};
use crate::measured::Measured;
use crate::peers::{SD_ACTIVATE, UNITS};
use crate::start;

/// System calls that suffice for the answers, where libsystemd makes more.
const ENOUGH: &[(&str, usize)] = &[
    // Three descriptors are passed.
    ("sd_listen_fds", 1 + 3),
    ("sd_is_socket", 3),
    ("sd_is_socket_inet", 3),
    ("sd_is_socket_unix", 3),
    ("sd_notify", 5),
    ("sd_journal_sendv", 1),
];

/// By so much the ratio of two times may be above 1 though neither is slower.
pub const NOISE: f64 = 1.05;

struct Aim {
    what: String,
    measured: String,
    met: bool,
}

/// The table of them.
pub fn aims(measured: &Measured) -> String {
    let mut aims = Vec::new();
    for release in measured.releases.iter().map(|release| &release.name) {
        sizes(measured, release, &mut aims);
        starts(measured, release, &mut aims);
    }
    if let Some(calls) = measured.calls.first() {
        system_calls(calls, &mut aims);
    }
    for (release, calls) in measured.releases.iter().zip(&measured.calls) {
        slower(&release.name, calls, &mut aims);
    }
    connections(measured, &mut aims);
    aims.extend(measured.costs.iter().map(|cost| Aim {
        what: format!("{}: at most {} of {}", cost.what, share(cost.aim), cost.beside),
        measured: share(cost.ratio),
        met: cost.ratio <= cost.aim,
    }));
    aims.extend(measured.logged.iter().map(|row| Aim {
        what: format!("the log takes {} at least three times as fast as journald", row.way),
        measured: format!("{:.1} times; {:.1} in its own time", row.times_theirs, row.times_theirs_computed),
        met: row.times_theirs >= 3.0,
    }));
    aims.extend(measured.proxied.iter().map(|row| Aim {
        what: format!("sd-proxy passes on {}, at systemd-socket-proxyd's throughput or above", row.what),
        measured: format!("{:.2} times", row.throughput),
        met: row.throughput * NOISE >= 1.0,
    }));
    aims.extend(measured.footprints.iter().map(|row| Aim {
        what: format!("sd-proxy: at most half of systemd-socket-proxyd's {}", row.what),
        measured: share(row.ours / row.theirs),
        met: row.ours * 2.0 <= row.theirs,
    }));
    let row = |aim: Aim| vec![aim.what, aim.measured, if aim.met { "met" } else { "**not met**" }.to_owned()];
    table(&["aim", "measured", ""], aims.into_iter().map(row))
}

fn sizes(measured: &Measured, release: &str, aims: &mut Vec<Aim>) {
    let bytes = |library| measured.shared.iter().find(|shared| shared.library == library).map(|shared| shared.bytes);
    let (Some(theirs), Some(ours)) = (bytes(release), bytes("libsdlite")) else { return };
    let part = ours as f64 / theirs as f64;
    aims.push(Aim {
        what: format!("the shared library has at most 1/30 of {release}'s size"),
        measured: format!("1/{:.1}", 1.0 / part),
        met: part <= 1.0 / 30.0,
    });
}

fn starts(measured: &Measured, release: &str, aims: &mut Vec<Aim>) {
    let instructions = |program: &str| {
        let start = measured.starts.iter().find(|start| start.program == program)?;
        Some(start.instructions)
    };
    let Some(theirs) = instructions(release) else { return };
    let with_their_libc = start::with_libc_of(release);
    let dynamic = if instructions(&with_their_libc).is_some() { &with_their_libc } else { "libsdlite" };
    for (kind, program, most) in [("dynamic", dynamic, 5), ("static", "libsdlite, static", 20)] {
        let Some(ours) = instructions(program) else { continue };
        aims.push(Aim {
            what: format!("a {kind} program starts in at most 1/{most} of the instructions with {release}"),
            measured: format!("1/{:.1}", theirs as f64 / ours as f64),
            met: ours * most <= theirs,
        });
    }
}

/// The same beside any release.
fn system_calls(calls: &[Call], aims: &mut Vec<Aim>) {
    let ours = |function| calls.iter().find(|call| call.function == function).map(|call| call.ours.system_calls.0);
    let too_many = ENOUGH.iter().filter(|(function, enough)| ours(*function).is_none_or(|ours| ours > *enough));
    let too_many: Vec<_> = too_many.map(|(function, _)| format!("`{function}()`")).collect();
    aims.push(Aim {
        what: "no function makes more system calls than its answer takes".to_owned(),
        measured: if too_many.is_empty() { "none".to_owned() } else { too_many.join(", ") },
        met: too_many.is_empty(),
    });
}

fn slower(release: &str, calls: &[Call], aims: &mut Vec<Aim>) {
    let slower =
        calls.iter().filter_map(|call| Some((call.function, call.of_their_time.filter(|time| *time > NOISE)?)));
    let slower: Vec<_> = slower.map(|(function, time)| format!("`{function}()`: {time:.2} of its time")).collect();
    aims.push(Aim {
        what: format!("no function is slower than in {release}"),
        measured: if slower.is_empty() { "none".to_owned() } else { slower.join(", ") },
        met: slower.is_empty(),
    });
}

fn connections(measured: &Measured, aims: &mut Vec<Aim>) {
    for ours in measured.connections.iter().filter(|row| row.activator == SD_ACTIVATE) {
        let all = || measured.connections.iter().filter(|row| row.in_flight == ours.in_flight);
        aims.extend(all().find(|row| row.activator == UNITS).map(|units| Aim {
            what: format!("and from units, {} at a time, at most 1.05 of the command line's time", ours.in_flight),
            measured: format!("{:.2}", units.of_systemds_time / ours.of_systemds_time),
            met: units.of_systemds_time <= 1.05 * ours.of_systemds_time,
        }));
        let others = all().filter(|row| ![SD_ACTIVATE, UNITS].contains(&row.activator));
        let fastest = others.min_by(|a, b| a.of_systemds_time.total_cmp(&b.of_systemds_time));
        let Some(fastest) = fastest else { continue };
        aims.push(Aim {
            what: format!(
                "a process per connection, {} at a time, takes at most 0.4 of systemd-socket-activate's time",
                ours.in_flight
            ),
            measured: share(ours.of_systemds_time),
            met: ours.of_systemds_time <= 0.4,
        });
        aims.push(Aim {
            what: format!("and no longer than with the fastest of the others, {}", fastest.activator),
            measured: format!("{:.2} of its time", ours.of_systemds_time / fastest.of_systemds_time),
            met: ours.of_systemds_time <= fastest.of_systemds_time,
        });
    }
}
