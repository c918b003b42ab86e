//! File, line and function, as the macros of the header give them to `…_with_location`, mostly.

use std::ffi::{CString, c_char};
use std::ptr;

use proptest::option;
use proptest::prelude::*;

use crate::compare::Comparison;
use crate::known::Known;
use crate::message::{Text, texts};
use crate::strategy::mostly;

/// None is NULL, which libsystemd does not survive as the function.
#[derive(Clone, Debug)]
pub struct Location {
    file: Option<Text>,
    line: Option<Text>,
    function: Text,
}

/// What it is in a call; of NULLs where the function takes none.
#[derive(Default)]
pub struct Strings([Option<CString>; 3]);

impl Location {
    pub fn strings(&self) -> Strings {
        let string = |text: &Option<Text>| text.as_ref().map(Text::string);
        Strings([string(&self.file), string(&self.line), Some(self.function.string())])
    }
}

impl Strings {
    pub fn pointers(&self) -> [*const c_char; 3] {
        self.0.each_ref().map(|string| string.as_ref().map_or(ptr::null(), |string| string.as_ptr()))
    }
}

pub fn locations(comparison: &Comparison<'_>) -> impl Strategy<Value = Location> {
    fn either(usual: &'static str, others: &'static [&'static str]) -> impl Strategy<Value = Text> {
        let usual = mostly(4, usual, others).prop_map(|text| Text::Pieces(vec![text]));
        // libsystemd puts the function's name on the stack.
        prop_oneof![30 => usual, 1 => texts(250_000)]
    }
    const FILES: &[&str] = &[
        "",
        "=",
        "=x",
        "CODE_FILE",
        "CODE_FILE=",
        "src/main.c",
        "CODE_FILE=a\nb",
        "CODE\nFILE=a",
        "X=y",
        "SYSLOG_IDENTIFIER=me",
        "CODE_FILE=a=b",
        "CODE_FILE=\n",
        "\n",
        "x",
        "_X=1",
        "lower=1",
        "SYSLOG_IDENTIFIER\n=x",
    ];
    const FUNCTIONS: &[&str] = &["", "a\nb", "\n", "void f<int>(char)", "größe", "=", "SYSLOG_IDENTIFIER=x"];
    // More than the socket takes even where the send buffer was raised: the entry is passed in a file.
    let huge = (17 << 20..20_usize << 20, mostly(1, "", &["\n"]));
    let huge = huge.prop_map(|(length, end)| Text::Long { start: "CODE_FILE=", length, end });
    let file = prop_oneof![4000 => either("CODE_FILE=src/main.c", FILES), 1 => huge];
    let (file, line) = (option::weighted(0.99, file), option::weighted(0.99, either("CODE_LINE=42", FILES)));
    (file, line, either("main", FUNCTIONS)).prop_map(|(mut file, mut line, function)| {
        if (file.is_none() || line.is_none()) && comparison.must_avoid(Known::LocationNull) {
            file.get_or_insert(Text::Pieces(vec!["CODE_FILE=src/main.c"]));
            line.get_or_insert(Text::Pieces(vec!["CODE_LINE=42"]));
        }
        Location { file, line, function }
    })
}
