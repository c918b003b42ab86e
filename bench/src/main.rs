//! Measures libsdlite and sd-activate beside what they replace, in one run, and writes docs/benchmarks.md with its plots.
//!
//! With the names of sections as arguments it measures these alone, and prints their tables; with `supervisors`, what else runs
//! services in containers, and writes docs/peers.md.

mod activation;
mod aims;
mod calls;
mod client;
mod floods;
mod libraries;
mod log;
mod markdown;
mod measured;
mod messages;
mod peers;
mod plot;
mod plots;
mod process;
mod programs;
mod progress;
mod proxy;
mod report;
mod run;
mod size;
mod start;
mod statistics;
mod supervisors;
mod units;
mod worker;

use std::env;
use std::process::ExitCode;

use measured::{Measured, SECTIONS};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["supervisors", ref names @ ..] => supervisors::write(names),
        ["worker", ref arguments @ ..] => worker::main(arguments),
        [] => report::write(&Measured::new(&SECTIONS)),
        ref sections if sections.iter().all(|section| SECTIONS.contains(section)) => {
            print!("{}", report::tables(&Measured::new(sections)));
        }
        _ => {
            eprintln!("The sections are {}; all of them where none is named.", SECTIONS.join(", "));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
