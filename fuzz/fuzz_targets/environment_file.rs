//! EnvironmentFile=: the variables that a file assigns, written out in double quotation marks, are read as the same.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use sd_activate::spec::environment_file::parse;

fuzz_target!(|data: &[u8]| {
    let variables = parse(data);
    for (name, value) in &variables {
        let first = name.bytes().next().expect("a name");
        assert!(
            !first.is_ascii_digit() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            "{name}"
        );
        assert!(value.to_str().is_some_and(|value| !value.contains('\0')), "{value:?}");
    }
    assert_eq!(parse(&written(&variables)), variables);
});

fn written(variables: &[(String, OsString)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in variables {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"=\"");
        for byte in value.as_bytes() {
            if b"\"\\`$".contains(byte) {
                text.push(b'\\');
            }
            text.push(*byte);
        }
        text.extend_from_slice(b"\"\n");
    }
    text
}
