//! What an EnvironmentFile= holds, as systemd.exec(5) describes it: variables, with the quotation marks of a shell.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::str;

/// Where in an assignment the reader is.
enum State {
    /// Before a name.
    Start,
    /// In a comment, perhaps behind a backslash.
    Comment { escaped: bool },
    /// In a name.
    Name,
    /// Behind the `=`, before a value.
    BeforeValue,
    /// In a value without quotation marks, perhaps behind a backslash.
    Value { escaped: bool },
    /// Within single quotation marks.
    Single,
    /// Within double quotation marks, perhaps behind a backslash.
    Double { escaped: bool },
}

/// The variables that a file assigns, in their order. What is no assignment is left out, as systemd leaves it out.
pub fn parse(text: &[u8]) -> Vec<(String, OsString)> {
    let mut reader = Reader::default();
    let mut state = State::Start;
    for byte in text.iter().copied() {
        state = reader.step(state, byte);
    }
    // What the last line says, when it has no end.
    match state {
        State::BeforeValue | State::Value { .. } | State::Single | State::Double { .. } => reader.assign(),
        State::Start | State::Comment { .. } | State::Name => (),
    }
    reader.variables
}

#[derive(Default)]
struct Reader {
    variables: Vec<(String, OsString)>,
    name: Vec<u8>,
    value: Vec<u8>,
    /// How much of the value stays, whatever blanks end it.
    kept: usize,
}

impl Reader {
    fn step(&mut self, state: State, byte: u8) -> State {
        let newline = matches!(byte, b'\n' | b'\r');
        let blank = newline || matches!(byte, b' ' | b'\t');
        match state {
            State::Start => match byte {
                b'#' | b';' => State::Comment { escaped: false },
                _ if blank => State::Start,
                _ => {
                    self.name = vec![byte];
                    State::Name
                }
            },
            State::Comment { escaped } => match byte {
                b'\\' if !escaped => State::Comment { escaped: true },
                _ if newline && !escaped => State::Start,
                _ => State::Comment { escaped: false },
            },
            State::Name => match byte {
                _ if newline => State::Start,
                b'=' => {
                    self.value.clear();
                    self.kept = 0;
                    State::BeforeValue
                }
                _ => {
                    self.name.push(byte);
                    State::Name
                }
            },
            State::BeforeValue => match byte {
                _ if newline => self.end(),
                b'\'' => State::Single,
                b'"' => State::Double { escaped: false },
                b'\\' => State::Value { escaped: true },
                _ if blank => State::BeforeValue,
                _ => self.keep(byte, State::Value { escaped: false }),
            },
            State::Value { escaped: true } => {
                let next = State::Value { escaped: false };
                if newline { next } else { self.keep(byte, next) }
            }
            State::Value { escaped: false } => match byte {
                _ if newline => self.end(),
                b'\\' => {
                    // Blanks before it stay, whatever follows.
                    self.kept = self.value.len();
                    State::Value { escaped: true }
                }
                _ if blank => {
                    self.value.push(byte);
                    State::Value { escaped: false }
                }
                _ => self.keep(byte, State::Value { escaped: false }),
            },
            State::Single => match byte {
                b'\'' => State::BeforeValue,
                _ => self.keep(byte, State::Single),
            },
            State::Double { escaped: false } => match byte {
                b'"' => State::BeforeValue,
                b'\\' => State::Double { escaped: true },
                _ => self.keep(byte, State::Double { escaped: false }),
            },
            State::Double { escaped: true } => {
                let next = State::Double { escaped: false };
                match byte {
                    b'"' | b'\\' | b'`' | b'$' => self.keep(byte, next),
                    b'\n' => next,
                    _ => {
                        self.value.push(b'\\');
                        self.keep(byte, next)
                    }
                }
            }
        }
    }

    fn keep(&mut self, byte: u8, next: State) -> State {
        self.value.push(byte);
        self.kept = self.value.len();
        next
    }

    fn end(&mut self) -> State {
        self.assign();
        State::Start
    }

    fn assign(&mut self) {
        self.value.truncate(self.kept);
        let name = self.name.trim_ascii_end();
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let named = name.iter().copied().all(valid) && !name.first().is_none_or(u8::is_ascii_digit);
        if !named || str::from_utf8(&self.value).is_err() || self.value.contains(&0) {
            return;
        }
        let value = OsString::from_vec(self.value.clone());
        self.variables.push((String::from_utf8_lossy(name).into_owned(), value));
    }
}
