//! Tables, and numbers for people.

/// A table, its first column to the left and the others to the right; nothing where there are no rows.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = head.iter().enumerate().map(|(i, _)| if i == 0 { "---" } else { "---:" }.to_owned());
    let head = head.iter().map(|cell| (*cell).to_owned());
    let lines = [line(head.collect()), line(rule.collect())].into_iter().chain(rows.into_iter().map(line));
    lines.collect::<String>() + "\n"
}

/// As `1,308,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

/// As `1/28` where it is a small part, and `0.38` otherwise.
pub fn share(share: f64) -> String {
    if share < 0.095 { format!("1/{:.0}", 1.0 / share) } else { format!("{share:.2}") }
}
