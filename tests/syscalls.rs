//! What each function costs: its system calls, counted.

use std::fmt::Write;

use sdlite_test_support as support;
use support::calls::{Compared, Program, cases};

#[test]
fn each_call_makes_the_system_calls_it_needs_and_no_more_than_libsystemd() {
    if !support::has("strace", "strace") {
        return;
    }
    let Some(ours) = Program::ours().usual() else { return };
    let ours: Vec<_> = cases().iter().zip(&ours).filter(|(case, _)| case.is_here()).collect();
    let wrong = ours.iter().filter(|(case, ours)| (ours.answer(), ours.costs().as_str()) != (case.answer, case.costs));
    let wrong: String = wrong
        .map(|(case, ours)| format!("{}: {}: {}\n{:?}\n", case.text(), ours.answer(), ours.costs(), ours.lines))
        .collect();
    assert!(wrong.is_empty(), "not as in the table:\n{wrong}");

    let Some(program) = Program::theirs() else { return };
    let theirs = program.usual().expect("what was there before");
    let theirs = cases().iter().zip(&theirs).filter(|(case, _)| case.is_here()).map(|(_, theirs)| theirs);
    let mut table = String::from("| call | sdlite | libsystemd |\n| --- | --- | --- |\n");
    let mut fewer = String::new();
    for ((case, ours), theirs) in ours.iter().zip(theirs).filter(|((case, _), _)| program.has(case)) {
        let (call, costs) = (case.text(), theirs.costs());
        writeln!(table, "| {call} | {}: {} | {}: {costs} |", ours.calls.len(), case.costs, theirs.calls.len())
            .expect("memory");
        let most = match case.compared {
            Compared::Since(node) if !support::libsystemd_has(node) => continue,
            Compared::Less(number, _) => theirs.calls.len() + number,
            Compared::All | Compared::Since(_) => theirs.calls.len(),
        };
        if theirs.answer() != case.answer || ours.calls.len() > most {
            writeln!(fewer, "{call}: {}: {costs}", theirs.answer()).expect("memory");
        }
    }
    println!("{table}");
    assert!(fewer.is_empty(), "libsystemd answers something else, or needs fewer system calls:\n{fewer}");
}
