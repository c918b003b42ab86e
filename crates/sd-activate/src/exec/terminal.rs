//! Terminals of services: TTYPath= and its siblings. What is done here is done between clone(2) and execve(2), where nothing
//! may be allocated, and after the service has ended.

use std::ffi::{CStr, CString, c_int};
use std::mem::zeroed;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// Where no TTYPath= says otherwise.
pub const CONSOLE: &str = "/dev/console";

/// Linux's TIOCVHANGUP, which the libc crate does not have everywhere.
const TIOCVHANGUP: libc::Ioctl = 0x5437;

/// What is done to a terminal before and after execution.
#[derive(Debug)]
pub struct Terminal {
    /// TTYPath=.
    pub path: CString,
    /// TTYReset=.
    pub reset: bool,
    /// TTYVHangup=.
    pub vhangup: bool,
    /// TTYRows= and TTYColumns=; zero is what the kernel has.
    pub size: (u16, u16),
}

/// What happens where another process controls the terminal that a service is to control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The service waits until that one is gone.
    Wait,
    /// It takes the terminal.
    Force,
    /// It fails.
    Fail,
}

impl Terminal {
    /// Puts it in order.
    pub fn prepare(&self) -> Result<(), Errno> {
        if self.vhangup {
            let terminal = open(&self.path, libc::O_RDWR)?;
            // SAFETY: takes no argument.
            Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), TIOCVHANGUP) })?;
        }
        if !self.reset && self.size == (0, 0) {
            return Ok(());
        }
        // Hung up, it is not the same any more.
        let terminal = open(&self.path, libc::O_RDWR)?;
        if self.reset {
            reset(&terminal)?;
        }
        if self.size != (0, 0) {
            resize(&terminal, self.size)?;
        }
        Ok(())
    }
}

/// Opens a terminal, which does not become this process's controlling one by that.
pub(super) fn open(path: &CStr, flags: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: a C string and numbers.
    let terminal = unsafe { libc::open(path.as_ptr(), flags | libc::O_NOCTTY | libc::O_CLOEXEC) };
    // SAFETY: open has just opened it.
    let terminal = Errno::result(terminal).map(|terminal| unsafe { OwnedFd::from_raw_fd(terminal) })?;
    attributes(&terminal)?;
    Ok(terminal)
}

/// Opens a terminal, and makes it the controlling one of this process, which leads a session without one.
pub(super) fn acquire(path: &CStr, flags: c_int, control: Control) -> Result<OwnedFd, Errno> {
    loop {
        let terminal = open(path, flags)?;
        let force = c_int::from(control == Control::Force);
        // SAFETY: takes a number.
        match Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, force) }) {
            Ok(_) => return Ok(terminal),
            Err(Errno::EPERM) if control == Control::Wait => wait_until_closed(path, terminal)?,
            Err(error) => return Err(error),
        }
    }
}

/// Waits until somebody closes a file that is open here.
fn wait_until_closed(path: &CStr, open: OwnedFd) -> Result<(), Errno> {
    // SAFETY: takes a number.
    let watching = Errno::result(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })?;
    // SAFETY: inotify_init1 has just opened it.
    let watching = unsafe { OwnedFd::from_raw_fd(watching) };
    // Not what this process itself closes.
    drop(open);
    // SAFETY: a C string and numbers.
    Errno::result(unsafe { libc::inotify_add_watch(watching.as_raw_fd(), path.as_ptr(), libc::IN_CLOSE) })?;
    let mut event = [0u8; 4096];
    // SAFETY: `event` is valid for that many bytes.
    Errno::result(unsafe { libc::read(watching.as_raw_fd(), event.as_mut_ptr().cast(), event.len()) })?;
    Ok(())
}

fn attributes(terminal: &OwnedFd) -> Result<libc::termios, Errno> {
    // SAFETY: a structure of integers, for which zero is a value.
    let mut attributes: libc::termios = unsafe { zeroed() };
    // SAFETY: `attributes` is valid for writes.
    Errno::result(unsafe { libc::tcgetattr(terminal.as_raw_fd(), &mut attributes) })?;
    Ok(attributes)
}

/// What `stty sane` does, as far as a terminal can be left in disorder.
fn reset(terminal: &OwnedFd) -> Result<(), Errno> {
    const CHARACTERS: [(usize, libc::cc_t); 15] = [
        (libc::VINTR, 3),
        (libc::VQUIT, 28),
        (libc::VERASE, 127),
        (libc::VKILL, 21),
        (libc::VEOF, 4),
        (libc::VSTART, 17),
        (libc::VSTOP, 19),
        (libc::VSUSP, 26),
        (libc::VLNEXT, 22),
        (libc::VWERASE, 23),
        (libc::VREPRINT, 18),
        (libc::VEOL, 0),
        (libc::VEOL2, 0),
        (libc::VTIME, 0),
        (libc::VMIN, 1),
    ];
    use libc::{BRKINT, ICRNL, IGNBRK, IGNCR, IMAXBEL, INLCR, ISTRIP, IUCLC, IUTF8};
    use libc::{ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ICANON, IEXTEN, ISIG};
    let mut attributes = attributes(terminal)?;
    attributes.c_iflag &= !(IGNBRK | BRKINT | ISTRIP | INLCR | IGNCR | IUCLC);
    attributes.c_iflag |= ICRNL | IMAXBEL | IUTF8;
    attributes.c_oflag |= libc::ONLCR | libc::OPOST;
    attributes.c_cflag |= libc::CREAD;
    attributes.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
    for (index, value) in CHARACTERS {
        attributes.c_cc[index] = value;
    }
    // SAFETY: attributes as tcgetattr has given them.
    Errno::result(unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, &attributes) })?;
    // SAFETY: takes numbers. What was typed ahead was for another.
    Errno::result(unsafe { libc::tcflush(terminal.as_raw_fd(), libc::TCIOFLUSH) })?;
    Ok(())
}

fn resize(terminal: &OwnedFd, (rows, columns): (u16, u16)) -> Result<(), Errno> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: `size` is valid for writes.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &mut size) })?;
    if rows != 0 {
        size.ws_row = rows;
    }
    if columns != 0 {
        size.ws_col = columns;
    }
    // SAFETY: `size` is valid for reads.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &size) })?;
    Ok(())
}
