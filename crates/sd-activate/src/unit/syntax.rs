//! The lines of a unit file: systemd.syntax(7).

/// White space at the ends of lines, keys and values.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// A line may be as long as this, with what continues it.
const LENGTH_MAX: usize = 1024 * 1024;

/// What a line says, and its number, that of the first where it is continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1 on.
    pub number: u32,
    /// What it says.
    pub content: Content,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `[NAME]`.
    Section(String),
    /// `KEY=VALUE`.
    Assignment {
        /// What stands before the first `=`; never empty.
        key: String,
        /// What stands behind it.
        value: String,
    },
    /// Neither; it is ignored.
    Ignored(&'static str),
    /// Neither, and the file cannot be used.
    Invalid(&'static str),
}

/// Takes a file apart.
pub fn parse(text: &[u8]) -> Vec<Line> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lines = Vec::new();
    let mut continued: Option<(u32, Vec<u8>)> = None;
    for (number, line) in (1..).zip(physical_lines(text)) {
        let content = line.trim_ascii_start();
        // Even where the line before is to be continued.
        if content.starts_with(b"#") || content.starts_with(b";") {
            continue;
        }
        let (first, mut whole) = continued.take().unwrap_or((number, Vec::new()));
        whole.extend_from_slice(line);
        if is_continued(line) {
            whole.pop();
            whole.push(b' ');
            continued = Some((first, whole));
        } else {
            lines.extend(logical_line(first, &whole));
        }
    }
    lines.extend(continued.and_then(|(first, whole)| logical_line(first, &whole)));
    lines
}

/// The lines as they end: with `\n`, `\r` or a zero byte, or with `\r\n` or `\n\r`.
fn physical_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|byte| b"\n\r\0".contains(byte)) else {
            rest = None;
            return Some(text);
        };
        let (line, following) = text.split_at(end);
        let ending = if following.starts_with(b"\r\n") || following.starts_with(b"\n\r") { 2 } else { 1 };
        rest = Some(&following[ending..]).filter(|text| !text.is_empty());
        Some(line)
    })
}

/// Whether the line ends in a backslash that is not itself behind one.
fn is_continued(line: &[u8]) -> bool {
    line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn logical_line(number: u32, bytes: &[u8]) -> Option<Line> {
    let line = |content| Some(Line { number, content });
    if bytes.len() > LENGTH_MAX {
        return line(Content::Invalid("the line is longer than 1 MiB"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return line(Content::Invalid("the line is not UTF-8"));
    };
    let text = text.trim_matches(BLANKS);
    if text.is_empty() {
        return None;
    }
    if let Some(header) = text.strip_prefix('[') {
        return match header.strip_suffix(']') {
            Some(name) => line(Content::Section(name.to_owned())),
            None => line(Content::Invalid("a section is written [NAME], with nothing behind it")),
        };
    }
    line(match text.split_once('=') {
        None => Content::Ignored("a setting is written NAME=VALUE, and here is no \"=\""),
        Some(("", _)) => Content::Ignored("no setting is named before the \"=\""),
        Some((key, value)) => Content::Assignment {
            key: key.trim_end_matches(BLANKS).to_owned(),
            value: value.trim_matches(BLANKS).to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(number: u32, name: &str) -> Line {
        Line { number, content: Content::Section(name.to_owned()) }
    }

    fn assignment(number: u32, key: &str, value: &str) -> Line {
        Line { number, content: Content::Assignment { key: key.to_owned(), value: value.to_owned() } }
    }

    #[test]
    fn a_file_is_taken_apart_as_systemd_takes_it_apart() {
        let cases: &[(&[u8], &[Line])] = &[
            (b"", &[]),
            (b"\n \n\t\n", &[]),
            (b"[Unit]\nA=b\n", &[section(1, "Unit"), assignment(2, "A", "b")]),
            (b"\xef\xbb\xbf[Unit]", &[section(1, "Unit")]),
            (b" [ Unit ]\t\n[]", &[section(1, " Unit "), section(2, "")]),
            (b"  A  =  b c \t\nB==\nC=", &[assignment(1, "A", "b c"), assignment(2, "B", "="), assignment(3, "C", "")]),
            (b"# A=b\n ;A=b\n#a \\\nA=#b", &[assignment(4, "A", "#b")]),
            (b"A=a\\\n b\\\nc", &[assignment(1, "A", "a  b c")]),
            (b"A=a\\\n# x\n  ; y \\\nb\nC=d", &[assignment(1, "A", "a b"), assignment(5, "C", "d")]),
            (b"A=a\\\n\nC=d", &[assignment(1, "A", "a"), assignment(3, "C", "d")]),
            (b"A=a\\\\\nC=d\\", &[assignment(1, "A", "a\\\\"), assignment(2, "C", "d")]),
            (b"A=a\\\n[Unit]", &[assignment(1, "A", "a [Unit]")]),
            (
                b"A=1\r\nB=2\rC=3\n\rD=4\0E=5\n\nF=6",
                &[
                    assignment(1, "A", "1"),
                    assignment(2, "B", "2"),
                    assignment(3, "C", "3"),
                    assignment(4, "D", "4"),
                    assignment(5, "E", "5"),
                    assignment(7, "F", "6"),
                ],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), *expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_setting_is_ignored_or_makes_the_file_unusable() {
        let ignored: [&[u8]; 3] = [b"abc", b"=abc", b"abc \\\n"];
        for text in ignored {
            assert!(matches!(parse(text)[0].content, Content::Ignored(_)), "{}", text.escape_ascii());
        }
        let invalid: [&[u8]; 4] = [b"[Unit", b"[Unit] x", b"A=\xff", b"\xff"];
        for text in invalid {
            assert!(matches!(parse(text)[0].content, Content::Invalid(_)), "{}", text.escape_ascii());
        }
        assert!(matches!(parse(&[b'x'; LENGTH_MAX + 1])[0].content, Content::Invalid(_)));
    }
}
