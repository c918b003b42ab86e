//! The table of descriptors. clone(2) copies it for a service, and execve(2) closes what is in the copy: beside thousands of
//! sockets that takes longer than all the rest. So a service shares the table at first, and then copies its beginning alone, where
//! everything is that it needs.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

const CLOSE_RANGE_UNSHARE: libc::c_uint = 1 << 1;

/// So many descriptors cost nothing, and stay where they are.
const FEW: RawFd = 64;
/// Where others are put that stay open.
const HIGH: RawFd = 512;
/// Where so many are there, it pays not to copy them.
const MANY: RawFd = 256;

/// Puts a descriptor that stays open where it is in nobody's way. Where the limit does not allow that, it stays where it is.
pub fn put_away(descriptor: OwnedFd) -> OwnedFd {
    if descriptor.as_raw_fd() < FEW {
        descriptor
    } else {
        duplicate(descriptor.as_raw_fd(), HIGH).unwrap_or(descriptor)
    }
}

/// Whether a table that has this descriptor has so many that it is worth a system call not to copy them.
pub(super) fn is_large_with(descriptor: RawFd) -> bool {
    descriptor >= HIGH + MANY
}

/// Makes other descriptors of those that are far up. They are open as long as what is returned.
pub(super) fn lower(descriptors: &mut [RawFd]) -> Vec<OwnedFd> {
    let lower = |descriptor: &mut RawFd| {
        let low = duplicate(*descriptor, 0).ok()?;
        *descriptor = low.as_raw_fd();
        Some(low)
    };
    descriptors.iter_mut().filter(|descriptor| **descriptor >= HIGH).filter_map(lower).collect()
}

fn duplicate(descriptor: RawFd, least: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: takes numbers.
    let duplicate = Errno::result(unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, least) })?;
    // SAFETY: fcntl has just opened it.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate) })
}

/// Whether a part of a table can be copied: from Linux 5.9 on.
pub(super) fn can_be_parted() -> bool {
    // This process has its table for itself, so nothing is copied, and there is no such descriptor to be closed.
    part(RawFd::MAX - 1).is_ok()
}

/// Copies the table that this process shares, up to the descriptor `last`. It shares it no more.
pub(super) fn part(last: RawFd) -> Result<(), Errno> {
    let first = last as libc::c_uint + 1;
    // SAFETY: takes numbers. What is closed in the copy is what nothing here uses.
    let parted = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOSE_RANGE_UNSHARE) };
    Errno::result(parted).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn open() -> OwnedFd {
        File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn descriptors_that_stay_open_leave_room_for_others_where_there_are_many() {
        let opened: Vec<_> = (0..2 * FEW).map(|_| put_away(open())).collect();
        let places: Vec<_> = opened.iter().map(AsRawFd::as_raw_fd).collect();
        assert!(places.iter().all(|place| !(FEW..HIGH).contains(place)), "{places:?}");
        assert!(places.iter().any(|place| *place >= HIGH), "{places:?}");
    }

    #[test]
    fn the_copy_has_what_is_needed_and_those_who_share_the_table_keep_theirs() {
        let (needed, other) = (open(), duplicate(open().as_raw_fd(), HIGH).unwrap());
        let (needed, other) = (needed.as_raw_fd(), other.as_raw_fd());
        // SAFETY: only asks about a number.
        let is_open = |descriptor| unsafe { libc::fcntl(descriptor, libc::F_GETFD) } >= 0;
        // A thread, as it shares the table.
        let copy = std::thread::spawn(move || part(needed).map(|()| [needed, other].map(is_open)));
        match copy.join().unwrap() {
            Ok(open) => assert_eq!(open, [true, false]),
            Err(_) => sdlite_test_support::not_here("Linux 5.9"),
        }
        assert_eq!([needed, other].map(is_open), [true, true]);
    }

    #[test]
    fn those_that_are_far_up_are_lowered_as_long_as_that_is_needed() {
        let (here, up) = (open(), duplicate(open().as_raw_fd(), HIGH).unwrap());
        let mut list = [here.as_raw_fd(), up.as_raw_fd()];
        let lowered = lower(&mut list);
        assert_eq!(list[0], here.as_raw_fd());
        assert!(list[1] < HIGH && lowered.len() == 1 && lowered[0].as_raw_fd() == list[1], "{list:?}");
    }
}
