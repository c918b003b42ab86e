//! PrivateUsers=: a user namespace with root and the service's own user, between clone(2) and execve(2): nothing is allocated here.

use std::ffi::{CStr, c_int};

use nix::errno::Errno;

/// What is mapped: users, then groups, as user_namespaces(7) has it.
pub(super) type Maps = [String; 2];

/// The map of root and another.
pub(super) fn map(id: u32) -> String {
    if id == 0 { "0 0 1\n".to_owned() } else { format!("0 0 1\n{id} {id} 1\n") }
}

/// Gives this process a user namespace. Another one, which stays outside and so still has the right, writes what is mapped.
pub(super) fn separate(maps: &Maps) -> Result<(), Errno> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: room for two descriptors.
    Errno::result(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: takes nothing, and returns it.
    let pid = unsafe { libc::getpid() };
    // SAFETY: this process has one thread. The new one has memory of its own, and calls nothing but the C library's wrappers.
    let helper = Errno::result(unsafe { libc::fork() })?;
    if helper == 0 {
        let written = help(pid, ends, maps);
        // SAFETY: ends this process without running what belongs to the one that it is a copy of.
        unsafe { libc::_exit(written.err().map_or(0, |error| error as c_int)) };
    }
    // SAFETY: takes a number. The helper is told by the end of the pipe.
    let separated = Errno::result(unsafe { libc::unshare(libc::CLONE_NEWUSER) });
    let mut status = 0;
    // SAFETY: descriptors that are this function's own, and room for a status.
    let waited = unsafe {
        libc::close(ends[1]);
        libc::close(ends[0]);
        Errno::result(libc::waitpid(helper, &mut status, 0))
    };
    separated?;
    waited?;
    match libc::WEXITSTATUS(status) {
        _ if !libc::WIFEXITED(status) => Err(Errno::EIO),
        0 => Ok(()),
        error => Err(Errno::from_raw(error)),
    }
}

/// Waits until the other process is in its namespace, and writes what is mapped there.
fn help(pid: libc::pid_t, ends: [c_int; 2], maps: &Maps) -> Result<(), Errno> {
    let mut byte = 0u8;
    // SAFETY: its own descriptors, and room for a byte, which never comes.
    Errno::result(unsafe {
        libc::close(ends[1]);
        libc::read(ends[0], (&raw mut byte).cast(), 1)
    })?;
    let [users, groups] = maps;
    // Groups that take something away stay so.
    for (file, map) in [("uid_map", users.as_str()), ("setgroups", "deny"), ("gid_map", groups)] {
        let mut room = [0; 32];
        let path = path(&mut room, pid.unsigned_abs(), file);
        // SAFETY: a C string and numbers; a buffer and its length.
        Errno::result(unsafe {
            let opened = Errno::result(libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC))?;
            libc::write(opened, map.as_ptr().cast(), map.len())
        })?;
    }
    Ok(())
}

/// /proc/PID/FILE.
fn path<'a>(room: &'a mut [u8; 32], pid: u32, file: &str) -> &'a CStr {
    let mut digits = [0; 10];
    let (mut rest, mut first) = (pid, digits.len());
    while rest > 0 {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let parts = [b"/proc/", &digits[first..], b"/", file.as_bytes()];
    for (place, byte) in room.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    CStr::from_bytes_until_nul(room).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_maps_are_found() {
        let mut room = [0; 32];
        assert_eq!(path(&mut room, 1, "uid_map"), c"/proc/1/uid_map");
        let mut room = [0; 32];
        assert_eq!(path(&mut room, u32::MAX, "setgroups"), c"/proc/4294967295/setgroups");
        assert_eq!((map(0).as_str(), map(5).as_str()), ("0 0 1\n", "0 0 1\n5 5 1\n"));
    }
}
