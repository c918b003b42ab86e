//! Differences and results, for people.

/// What was observed, each thing with its name.
pub type Fields = Vec<(&'static str, String)>;

/// Both observations: what is the same once, what is not one below the other.
pub fn side_by_side(reference: &Fields, ours: &Fields) -> String {
    let mut text = String::new();
    for ((name, reference), (_, ours)) in reference.iter().zip(ours) {
        text += &if reference == ours {
            format!("  {name}: {reference}\n")
        } else {
            format!("! {name}:\n    libsystemd {reference}\n    libsdlite  {ours}\n")
        };
    }
    text
}

pub struct Row {
    pub function: &'static str,
    pub cases: u64,
    pub differences: usize,
    pub note: &'static str,
}

pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:36} {:>12} {:>12}\n", "function", "cases", "differences");
    for Row { function, cases, differences, note } in rows {
        text += format!("{function:36} {cases:>12} {differences:>12} {note}").trim_end();
        text.push('\n');
    }
    let (cases, differences): (u64, usize) =
        rows.iter().fold((0, 0), |sum, row| (sum.0 + row.cases, sum.1 + row.differences));
    text + &format!("{:36} {cases:>12} {differences:>12}\n", "all")
}
