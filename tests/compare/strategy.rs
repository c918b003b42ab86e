//! What several strategies are made of.

use std::fmt::Debug;

use proptest::prelude::*;

/// The usual value, `often` times for each time that it is one of the others.
///
/// It is `prop_oneof!` in effect, and many times as fast.
pub fn mostly<T: Copy + Debug>(often: usize, usual: T, others: &'static [T]) -> impl Strategy<Value = T> {
    let first = others.len() * often;
    (0..first + others.len()).prop_map(move |i| i.checked_sub(first).map_or(usual, |i| others[i]))
}
