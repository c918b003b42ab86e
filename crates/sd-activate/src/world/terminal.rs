//! The terminal, which one process group has in the foreground: that of this process, until a service wants to read from it.

use std::fs::File;
use std::os::fd::AsFd;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// Gives the terminal to a service that was stopped for want of it, and lets that go on. Where this process does not have it,
/// it waits as any process in the background does.
pub fn give_to(service: Pid) {
    let Some(terminal) = terminal() else { return };
    if tcgetpgrp(&terminal) == Ok(getpgrp()) && tcsetpgrp(&terminal, service).is_ok() {
        let _ = killpg(service, Signal::SIGCONT);
    }
}

/// Takes it back.
pub fn take_back() {
    // SIGTTOU, which would come of that, is blocked.
    let _ = terminal().map(|terminal| tcsetpgrp(terminal.as_fd(), getpgrp()));
}

fn terminal() -> Option<File> {
    File::options().read(true).write(true).open("/dev/tty").ok()
}
