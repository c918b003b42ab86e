//! Executing a command in this process's place.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::unistd::execvp;

/// Becomes the command, which is looked for in `$PATH`: execvp(3). What std has for this would change what happens to SIGPIPE.
/// Returns why it did not.
pub(crate) fn execute(command: &[OsString]) -> Errno {
    let strings: Result<Vec<_>, _> = command.iter().map(|argument| CString::new(argument.clone().into_vec())).collect();
    match strings.as_deref() {
        Ok(arguments @ [program, ..]) => match execvp(program, arguments) {
            Ok(never) => match never {},
            Err(error) => error,
        },
        // Arguments have no zero byte, and a command at least one word.
        Ok([]) | Err(_) => Errno::EINVAL,
    }
}
