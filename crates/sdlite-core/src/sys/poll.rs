//! Waiting.

use core::ptr;

use super::{OwnedFd, check};
use crate::Result;

/// ppoll(2) until the other end is closed, or so many microseconds are over, which is false. The largest number is for ever.
pub(crate) fn poll_hangup(fd: &OwnedFd, timeout: u64) -> Result<bool> {
    let (seconds, microseconds) = split(timeout);
    let time = libc::timespec {
        // Where time_t is short, the longest that it can say is as good as for ever.
        tv_sec: libc::time_t::try_from(seconds).unwrap_or(libc::time_t::MAX),
        tv_nsec: (microseconds * 1000) as _,
    };
    let time = if timeout == u64::MAX { ptr::null() } else { &raw const time };
    let mut fd = libc::pollfd { fd: fd.raw(), events: 0, revents: 0 };
    // SAFETY: the pointers are to one pollfd, to a time or NULL, and NULL.
    check(unsafe { libc::ppoll(&raw mut fd, 1, time, ptr::null()) }).map(|ready| ready > 0)
}

const SECOND: u64 = 1_000_000;

/// Microseconds as seconds and microseconds. Where words have 32 bits, `/` is a function of Rust's own: what it brings into a
/// static program is larger than what that wants of this library, and on ARM does not link.
fn split(microseconds: u64) -> (u64, u32) {
    if cfg!(target_pointer_width = "64") {
        (microseconds / SECOND, (microseconds % SECOND) as u32)
    } else {
        split_bit_by_bit(microseconds)
    }
}

fn split_bit_by_bit(microseconds: u64) -> (u64, u32) {
    let (mut seconds, mut rest, mut part) = (0, microseconds, SECOND << SECOND.leading_zeros());
    while part >= SECOND {
        seconds <<= 1;
        if rest >= part {
            rest -= part;
            seconds |= 1;
        }
        part >>= 1;
    }
    (seconds, rest as u32)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_split_as_by_a_division() {
        for time in
            [0, 1, 999_999, 1_000_000, 1_000_001, 1 << 32, (1 << 32) + 1, 59_999_999, u64::MAX / 2, u64::MAX - 1]
        {
            let expected = (time / 1_000_000, (time % 1_000_000) as u32);
            assert_eq!([super::split(time), super::split_bit_by_bit(time)], [expected; 2], "{time}");
        }
    }
}
