//! The engine by itself: random units, in a world in which anything happens that can, in any order. What has to hold all the time,
//! and in the end, is listed in [`invariants`], and in [`relations`] what holds of units that have to do with each other.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_SEQUENCES` | how many sequences; 4,000 if not set |
//! | `SDLITE_SEED` | the seed to begin with; if not set, always the same, or random with `SDLITE_SEQUENCES` |

mod answers;
mod day;
mod invariants;
mod limits;
mod processes;
mod relations;
mod steps;
mod units;
mod world;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sdlite_test_support::random::{chacha, trials};

use super::*;
use crate::engine::notification::Told;
use units::{Text, texts};
use world::World;

/// So many have a seed of their own.
const BATCH: u32 = 200;

/// What is asked by sdctl.
const VERBS: [Verb; 12] = [
    Verb::Start,
    Verb::Start,
    Verb::Start,
    Verb::Stop,
    Verb::Stop,
    Verb::Restart,
    Verb::TryRestart,
    Verb::Reload,
    Verb::ReloadOrRestart,
    Verb::ResetFailed,
    Verb::Kill(Signal::TERM, Whom::All),
    Verb::Kill(Signal::HUP, Whom::Main),
];

/// How long nothing happens, in milliseconds.
const WHILE: [u64; 7] = [1, 50, 100, 900, 2000, 5000, 100_000];

/// Something that happens. The indices are those of what there is then.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody asks something of a unit.
    Ask(Verb, Index),
    /// Somebody connects to a socket.
    Connect(Index),
    /// A port is shut down.
    ShutDown(Index),
    /// A port that has something to tell is attended to.
    Attend(Index),
    /// A service takes a connection.
    Take(Index),
    /// A process says by sd_notify(3) what it is about to do.
    Tell(Index, Told),
    /// A process makes another.
    Fork(Index),
    /// A process ends.
    Exit(Index, End),
    /// A process that has ended is reaped.
    Reap(Index),
    /// Nothing happens for so many milliseconds.
    Wait(u64),
    /// A process has descriptors stored, or takes out what is stored.
    Store(Index, bool),
    /// Nothing happens until the engine wants to be told of the time.
    WaitForDeadline,
    /// A unit is loaded, or loaded again.
    Load(Text),
    /// A signal that means nothing here.
    Signal,
}

fn step() -> impl Strategy<Value = Step> {
    let end = select(vec![End::Exited(0), End::Exited(0), End::Exited(1), End::Killed(Signal::TERM)]);
    let told = select(vec![Told::Ready, Told::Ready, Told::Reloading, Told::Stopping]);
    prop_oneof![
        6 => (select(&VERBS[..]), any::<Index>()).prop_map(|(verb, unit)| Step::Ask(verb, unit)),
        6 => any::<Index>().prop_map(Step::Connect),
        1 => any::<Index>().prop_map(Step::ShutDown),
        8 => any::<Index>().prop_map(Step::Attend),
        3 => any::<Index>().prop_map(Step::Take),
        3 => (any::<Index>(), told).prop_map(|(process, told)| Step::Tell(process, told)),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(process, store)| Step::Store(process, store)),
        2 => any::<Index>().prop_map(Step::Fork),
        6 => (any::<Index>(), end).prop_map(|(process, end)| Step::Exit(process, end)),
        8 => any::<Index>().prop_map(Step::Reap),
        4 => select(&WHILE[..]).prop_map(Step::Wait),
        3 => Just(Step::WaitForDeadline),
        1 => units::text().prop_map(Step::Load),
        1 => Just(Step::Signal),
    ]
}

/// Units, how the world behaves, and what happens.
type Sequence = (Vec<Text>, u64, Vec<Step>);

fn sequence() -> impl Strategy<Value = Sequence> {
    (texts(), any::<u64>(), prop::collection::vec(step(), 0..80))
}

/// Has all of it happen, then lets all end by itself, and then stops all.
fn run((texts, seed, steps): &Sequence) -> Result<(), String> {
    let mut world = World::new(texts, *seed)?;
    run_in(&mut world, steps)
}

fn run_in(world: &mut World, steps: &[Step]) -> Result<(), String> {
    for step in steps {
        world.take_step(step)?;
    }
    world.calm_down()?;
    world.stop()
}

/// What happens, and what comes of it.
fn trace((texts, seed, steps): &Sequence) -> String {
    let Ok(mut world) = World::new(texts, *seed) else { return "It does not begin.".to_owned() };
    world.trace = Some(Vec::new());
    let _ = run_in(&mut world, steps);
    world.trace.unwrap_or_default().join("\n")
}

#[test]
fn whatever_happens_in_whatever_order_the_invariants_hold() {
    let (sequences, first_seed) = trials("SDLITE_SEQUENCES", 4000);
    for batch in 0..sequences.div_ceil(u64::from(BATCH)) {
        let seed = first_seed.wrapping_add(batch);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &chacha(seed));
        let config = Config { cases: BATCH, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        match runner.run(&sequence(), |sequence| run(&sequence).map_err(TestCaseError::fail)) {
            Ok(()) => (),
            Err(TestError::Fail(reason, sequence)) => {
                let texts: Vec<_> = sequence.0.iter().map(ToString::to_string).collect();
                panic!(
                    "{reason}\nSDLITE_SEED={seed} finds it again, with the units:\n{}\nwhere this happens:\n{}",
                    texts.join("\n"),
                    trace(&sequence)
                );
            }
            Err(error) => panic!("{error}"),
        }
    }
}
