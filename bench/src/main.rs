//! Measures libsdlite and sd-activate beside what they replace, in one run.
//!
//! `make bench` measures everything, `make bench ONLY=activation` one section.

mod activation;
mod client;
mod peers;
mod programs;
mod run;
mod statistics;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Peers are looked for before /run is one of our own: resolving a mirror's name may take what is in there.
    match env::args().nth(1).as_deref() {
        Some("activation") => {
            let peers = peers::Peers::find();
            run::enter();
            activation::table(&activation::connections(&peers));
        }
        _ => {
            eprintln!("usage: sdlite-bench activation");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
