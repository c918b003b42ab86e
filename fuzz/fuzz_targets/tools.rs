//! The command lines of sd-notify, sd-cat and sd-proxy: what is refused is refused with words and an exit status, and what is
//! accepted means what it says.
//!
//! The input: the program's name and its arguments, one a line.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use sd_tools::end::Failure;
use sd_tools::notify::options::Action;
use sd_tools::proxy::target::Target;
use sd_tools::{cat, notify, proxy};

fuzz_target!(|data: &[u8]| {
    if data.contains(&0) {
        return;
    }
    let line: Vec<OsString> =
        data.split(|byte| *byte == b'\n').map(|word| OsStr::from_bytes(word).to_owned()).collect();
    let words = line.clone();
    let refused = match line[0].as_bytes() {
        b"sd-notify" => notify::options::parse(line).map(|options| notifies(&options.action, &words)).err(),
        b"sd-cat" => cat::parse(line).map(|options| executes(&options, &words)).err(),
        b"sd-proxy" => proxy::options::parse(line).map(|settings| leads(&settings, &words)).err(),
        _ => return,
    };
    if let Some(failure) = refused {
        is_explained(&failure, &words);
    }
});

/// The command is what stands last, and untouched; what is an assignment and no option is in the message.
fn notifies(action: &Action, words: &[OsString]) {
    match action {
        Action::Booted => {}
        Action::Fork { command, .. } => assert!(!command.is_empty()),
        Action::Send(message) => match &message.command {
            Some(command) => assert!(!command.is_empty() && words.contains(&";".into())),
            None => {
                let text = message.text();
                let last = words.last().expect("the program's name").as_bytes();
                // Behind a dash it may be an option, or an option's value.
                if words.len() > 1 && words.iter().skip(1).all(|word| !word.as_bytes().starts_with(b"-")) {
                    assert!(last.is_empty() || text.windows(last.len()).any(|part| part == last), "{words:?}");
                }
            }
        },
    }
}

fn executes(options: &cat::Options, words: &[OsString]) {
    assert!(words.ends_with(&options.command), "{words:?}");
    for priority in [Some(options.priority), options.stderr_priority].into_iter().flatten() {
        assert!((0..8).contains(&priority), "{priority}");
    }
}

fn leads(settings: &proxy::options::Settings, words: &[OsString]) {
    assert_ne!(settings.connections_max, 0);
    assert!(words[1..].iter().any(|word| Target::new(word) == settings.target), "{words:?}");
}

/// A text that was asked for, or words about what is wrong.
fn is_explained(failure: &Failure, words: &[OsString]) {
    assert!(!failure.to_string().trim().is_empty(), "{words:?}");
    let asks = |word: &OsString| {
        let word = word.as_bytes();
        word.starts_with(b"--h") || word.starts_with(b"--v") || word.starts_with(b"-") && word.contains(&b'h')
    };
    assert!(failure.status() == 1 || failure.status() == 0 && words.iter().any(asks), "{words:?}");
}
