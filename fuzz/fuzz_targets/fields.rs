//! The syntax of the files below /run/systemd, stated a second time: by states, with a list of all fields as result.

use std::ffi::c_int;

/// What a file says.
pub struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    pub fn new(file: &[u8]) -> Result<Self, c_int> {
        if file.contains(&0) {
            return Err(libc::EBADMSG);
        }
        let mut fields = Vec::new();
        let mut rest = skip_blanks(file);
        while let Some((first, behind)) = rest.split_first() {
            let is_end = |byte: &u8| b"\n\r".contains(byte) || *byte == b'=' && !b"#;".contains(first);
            // An equals sign that comes first is a part of the name.
            let end = 1 + behind.iter().position(is_end).unwrap_or(behind.len());
            let (name, behind) = rest.split_at(end);
            rest = behind;
            if let [b'=', behind @ ..] = rest {
                let (value, len) = value(behind);
                let name = &name[..name.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1)];
                if !is_text(name) || !is_text(&value) {
                    return Err(libc::EINVAL);
                }
                fields.push((name.to_vec(), value));
                rest = &behind[len..];
            }
            rest = skip_blanks(rest);
        }
        Ok(Self(fields))
    }

    /// The last value of that name, if there is something in it.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let last = self.0.iter().rev().find(|field| field.0 == name.as_bytes());
        last.map(|field| &*field.1).filter(|value| !value.is_empty())
    }
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().position(|byte| !b" \t\n\r".contains(byte)).unwrap_or(text.len())..]
}

/// A value, and how many bytes of the file it takes.
fn value(file: &[u8]) -> (Vec<u8>, usize) {
    enum State {
        Before,
        Plain,
        PlainEscaped,
        Single,
        Double,
        DoubleEscaped,
    }
    let mut state = State::Before;
    let mut value = Vec::new();
    // What blanks behind it do not belong to.
    let mut kept = 0;
    for (at, byte) in file.iter().copied().enumerate() {
        let is_escaped = matches!(state, State::PlainEscaped);
        state = match (state, byte) {
            (State::Before | State::Plain, b'\n' | b'\r') => {
                value.truncate(kept);
                return (value, at);
            }
            (State::Before, b' ' | b'\t') => State::Before,
            (State::Before, b'\'') => State::Single,
            (State::Before, b'"') => State::Double,
            (State::Single, b'\'') | (State::Double, b'"') => State::Before,
            (State::Before | State::Plain, b'\\') => State::PlainEscaped,
            (State::PlainEscaped, b'\n' | b'\r') => State::Plain,
            (State::Double, b'\\') => State::DoubleEscaped,
            (State::DoubleEscaped, b'\n') => State::Double,
            (state, byte) => {
                if matches!(state, State::DoubleEscaped) && !b"\"\\`$".contains(&byte) {
                    value.push(b'\\');
                }
                value.push(byte);
                match state {
                    State::Before | State::Plain | State::PlainEscaped => State::Plain,
                    State::Single => State::Single,
                    State::Double | State::DoubleEscaped => State::Double,
                }
            }
        };
        let is_blank = matches!(state, State::Plain) && b" \t".contains(&byte) && !is_escaped;
        if !is_blank {
            kept = value.len();
        }
    }
    value.truncate(kept);
    (value, file.len())
}

/// UTF-8 without the noncharacters of Unicode.
fn is_text(bytes: &[u8]) -> bool {
    let is_noncharacter =
        |char: char| matches!(u32::from(char) & 0xffff, 0xfffe..) || ('\u{fdd0}'..'\u{fdf0}').contains(&char);
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(is_noncharacter))
}

/// The words of a list. A backslash may take the next byte as it is; where there is none, that word is left out, and it is not whole.
pub fn words(list: &[u8], with_escapes: bool) -> (Vec<Vec<u8>>, bool) {
    let mut words = Vec::new();
    let mut word = Vec::new();
    let mut bytes = list.iter().copied();
    let mut is_whole = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => words.push(std::mem::take(&mut word)),
            b'\\' if with_escapes => match bytes.next() {
                Some(byte) => word.push(byte),
                None => {
                    is_whole = false;
                    word.clear();
                }
            },
            byte => word.push(byte),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    (words, is_whole)
}
