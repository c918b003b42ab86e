//! What clients lose while their service dies, again and again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sdlite_test_support::activation::{eventually, runs};

use super::figures::{exchange, serving};
use super::root::{Root, now};
use super::supervisor::{NOBODY, Supervisor, socket};

const DEATHS: usize = 20;
/// From one death to the next.
const CONNECTIONS: u64 = 200;
const CLIENTS: usize = 4;
/// What does not come back within this does not come back.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Restarted {
    pub restarts: usize,
    pub answered: usize,
    pub lost: usize,
    /// Between two answers, in milliseconds: the longest, and what is usual after a death.
    pub longest: f64,
    pub usual: f64,
}

/// None where nobody supervises.
pub fn restarted(root: &Root, supervisor: &Supervisor) -> Option<Restarted> {
    let running = (supervisor.name != NOBODY).then(|| serving(root, supervisor, CONNECTIONS))??;
    let path = root.path(&socket(0));
    // Until there is a service, nothing is lost.
    eventually("it listens", || path.exists().then_some(()));
    thread::sleep(Duration::from_millis(100));
    let enough = AtomicBool::new(false);
    let answers = Mutex::new(Vec::new());
    let lost = Mutex::new(0);
    let starts = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let (mut mine, mut failed) = (Vec::new(), 0);
                while !enough.load(Ordering::Relaxed) {
                    if exchange(&path).is_ok() {
                        mine.push(now());
                    } else {
                        failed += 1;
                        thread::sleep(Duration::from_millis(1));
                    }
                }
                answers.lock().expect("nobody panics").extend(mine);
                *lost.lock().expect("nobody panics") += failed;
            });
        }
        let mut starts = 0;
        let mut since = Instant::now();
        while starts <= DEATHS && runs(running.process) && since.elapsed() < PATIENCE {
            if running.next(Duration::from_millis(100)).is_some() {
                starts += 1;
                since = Instant::now();
            }
        }
        enough.store(true, Ordering::Relaxed);
        starts
    });
    let mut answers = answers.into_inner().expect("nobody panics");
    answers.sort_unstable();
    let mut gaps: Vec<_> = answers.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect();
    gaps.sort_unstable_by(|a, b| b.total_cmp(a));
    Some(Restarted {
        restarts: starts.saturating_sub(1),
        answered: answers.len(),
        lost: lost.into_inner().expect("nobody panics"),
        longest: gaps.first().copied().unwrap_or(f64::NAN),
        usual: gaps.get(DEATHS / 2).copied().unwrap_or(f64::NAN),
    })
}
