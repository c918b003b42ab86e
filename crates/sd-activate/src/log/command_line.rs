//! `_CMDLINE`: a command line as a shell would take it, as systemd-journald(8) writes it.

/// From the arguments as /proc has them, each ended by a zero byte. Empty where there are none.
pub fn quoted(arguments: &[u8]) -> Vec<u8> {
    let Some(last) = arguments.iter().rposition(|byte| *byte != 0) else { return Vec::new() };
    let mut line = Vec::with_capacity(arguments.len());
    for argument in arguments.get(..=last).unwrap_or_default().split(|byte| *byte == 0) {
        if !line.is_empty() {
            line.push(b' ');
        }
        quote(argument, &mut line);
    }
    line
}

fn quote(argument: &[u8], line: &mut Vec<u8>) {
    let plain = |byte: u8| byte > b' ' && byte != 0x7f && !b"!\"$&'()*;<>?[\\`|".contains(&byte);
    if !argument.is_empty() && argument.iter().all(|byte| plain(*byte)) && std::str::from_utf8(argument).is_ok() {
        return line.extend_from_slice(argument);
    }
    line.push(b'"');
    for chunk in argument.utf8_chunks() {
        chunk.valid().bytes().for_each(|byte| escape(byte, line));
        chunk.invalid().iter().for_each(|byte| octal(*byte, line));
    }
    line.push(b'"');
}

fn escape(byte: u8, line: &mut Vec<u8>) {
    let letter = match byte {
        0x07 => b'a',
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0b => b'v',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' | b'$' | b'`' => byte,
        0..b' ' | 0x7f => return octal(byte, line),
        _ => return line.push(byte),
    };
    line.extend_from_slice(&[b'\\', letter]);
}

fn octal(byte: u8, line: &mut Vec<u8>) {
    line.extend_from_slice(format!("\\{byte:03o}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_as_journald_writes_them() {
        let cases: &[(&[u8], &str)] = &[
            (b"", ""),
            (b"\0", ""),
            (b"logger\0-t\0lg\0hello logger\0", "logger -t lg \"hello logger\""),
            (b"a\0\0b\0\0\0", "a \"\" b"),
            (b"sh\0-c\0echo \"<4>shell\"; $x\0", "sh -c \"echo \\\"<4>shell\\\"; \\$x\""),
            (b"a#b\0a%b\0a+b,-./:=@]^_{}~\0", "a#b a%b a+b,-./:=@]^_{}~"),
            (b"a!b\0a&b\0a'b\0a(b\0a)b\0a*b\0", "\"a!b\" \"a&b\" \"a'b\" \"a(b\" \"a)b\" \"a*b\""),
            (b"a;b\0a<b\0a>b\0a?b\0a[b\0a|b\0", "\"a;b\" \"a<b\" \"a>b\" \"a?b\" \"a[b\" \"a|b\""),
            (b"\\\0`\0", "\"\\\\\" \"\\`\""),
            (b"\x01\x07\x08\t\n\x0b\x0c\r\x0e\x1b\x7f\0", "\"\\001\\a\\b\\t\\n\\v\\f\\r\\016\\033\\177\""),
            ("é\0é x\0é\n".as_bytes(), "é \"é x\" \"é\\n\""),
            (b"\xff\0\xc3\xa9\xff x\0", "\"\\377\" \"é\\377 x\""),
        ];
        for (arguments, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&quoted(arguments)), *expected);
        }
    }
}
