//! What is made of many rounds.

/// The one in the middle, which the odd round in which the machine did something else does not move.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
