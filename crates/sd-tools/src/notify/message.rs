//! Assignments, as a list of variables has them: each name once.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The assignments of a message.
#[derive(Debug, Default)]
pub(super) struct Assignments(Vec<Vec<u8>>);

impl Assignments {
    /// Adds one. If there is one of that name, it takes its place.
    pub(super) fn set(&mut self, assignment: impl Into<Vec<u8>>) {
        let assignment = assignment.into();
        let end = assignment.iter().position(|byte| *byte == b'=').map_or(assignment.len(), |equals| equals + 1);
        match self.0.iter_mut().find(|other| other.starts_with(&assignment[..end])) {
            Some(other) => *other = assignment,
            None => self.0.push(assignment),
        }
    }

    /// Adds a name with a value that may be no text.
    pub(super) fn set_value(&mut self, name: &str, value: &OsStr) {
        self.set([name.as_bytes(), b"=", value.as_bytes()].concat());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message: an assignment on each line.
    pub(super) fn text(&self) -> Vec<u8> {
        self.0.join(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::Assignments;

    #[test]
    fn the_last_assignment_of_a_name_counts_in_the_place_of_the_first() {
        let cases: [(&[&str], &str); 7] = [
            (&["READY=1", "STATUS=x", "READY=2"], "READY=2\nSTATUS=x"),
            (&["B=2", "B=3"], "B=3"),
            (&["A=b\nc", "D"], "A=b\nc\nD"),
            (&["A", "A=1", "A", "A=2"], "A\nA=2"),
            (&["A=1", "A"], "A"),
            (&["A=1", "", "B=2", ""], "\nB=2"),
            (&[""], ""),
        ];
        for (given, expected) in cases {
            let mut assignments = Assignments::default();
            given.iter().for_each(|assignment| assignments.set(*assignment));
            assert_eq!(String::from_utf8_lossy(&assignments.text()), expected, "{given:?}");
        }
    }
}
