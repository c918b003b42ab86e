//! Measures libsdlite and sd-activate beside what they replace, in one run.
//!
//! `make bench` measures everything, `make bench ONLY=activation` one section.

mod activation;
mod calls;
mod client;
mod libraries;
mod peers;
mod programs;
mod progress;
mod run;
mod statistics;
mod worker;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["worker", ref arguments @ ..] => worker::main(arguments),
        ["activation"] => {
            // Peers are looked for before /run is one of our own: resolving a mirror's name may take what is in there.
            let peers = peers::Peers::find();
            run::enter();
            activation::table(&activation::connections(&peers));
        }
        ["calls"] => {
            run::enter();
            for release in libraries::releases() {
                println!("{}", release.name);
                for call in calls::calls(&release) {
                    println!(
                        "{} {:?} {:?} {:.0} {:?}  {:?}",
                        call.function,
                        call.ours.system_calls,
                        call.ours.instructions,
                        call.ours.nanoseconds,
                        call.theirs.map(|t| (t.system_calls, t.instructions, t.nanoseconds as i64)),
                        call.of_their_time
                    );
                }
            }
        }
        _ => {
            eprintln!("usage: sdlite-bench activation");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
