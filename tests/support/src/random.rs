//! How many random trials there are, and from which seed on: by the environment, or the same each time.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::str::FromStr;

/// A number from the environment, which may have `_` in it.
pub fn number<N: FromStr>(variable: &str) -> Option<N> {
    let text = env::var(variable).ok()?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// How many trials, as this variable says, or as `usual`; and the seed to begin with, as SDLITE_SEED says. Without the variables it is
/// always the same.
pub fn trials(variable: &str, usual: u64) -> (u64, u64) {
    let wanted = number(variable);
    let seed = || wanted.map_or(1, |_: u64| RandomState::new().hash_one(()));
    (wanted.unwrap_or(usual), number("SDLITE_SEED").unwrap_or_else(seed))
}

/// A seed, as ChaCha takes it.
pub fn chacha(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}
