//! RemoveIPC=: System V and POSIX objects of a user and a group are removed when nothing of theirs runs any more.

use std::ffi::{CString, c_int};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Uid};

/// Whose objects are removed. Root's never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpcOwner {
    /// Those of this user.
    pub user: Option<Uid>,
    /// Those of this group.
    pub group: Option<Gid>,
}

impl IpcOwner {
    /// Without those of another.
    pub fn without(self, other: Self) -> Self {
        Self {
            user: self.user.filter(|user| Some(*user) != other.user),
            group: self.group.filter(|group| Some(*group) != other.group),
        }
    }

    /// Removes all that there is. What cannot be removed stays.
    pub fn remove(self) {
        if self == Self::default() {
            return;
        }
        // SAFETY: each takes numbers, and with IPC_RMID no memory.
        self.remove_system_v("shm", |id| unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) });
        // SAFETY: as above.
        self.remove_system_v("sem", |id| unsafe { libc::semctl(id, 0, libc::IPC_RMID) });
        // SAFETY: as above.
        self.remove_system_v("msg", |id| unsafe { libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()) });
        let _ = self.remove_files(Path::new("/dev/shm"));
        let _ = self.remove_queues();
    }

    fn owns(self, user: u32, group: u32) -> bool {
        self.user.is_some_and(|own| own.as_raw() == user) || self.group.is_some_and(|own| own.as_raw() == group)
    }

    /// The table of a kind: its first line names the columns.
    fn remove_system_v(self, kind: &str, remove: impl Fn(c_int) -> c_int) {
        let table = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        for id in self.found(&table) {
            remove(id);
        }
    }

    /// The numbers of the objects in it.
    fn found(self, table: &str) -> Vec<c_int> {
        let mut lines = table.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
        let column = |fields: &[&str], names_of: &[&str]| {
            let place = names.iter().position(|name| names_of.contains(name))?;
            fields.get(place)?.parse::<i64>().ok()
        };
        let its = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let user = column(&fields, &["uid"])?.try_into().ok()?;
            let group = column(&fields, &["gid"])?.try_into().ok()?;
            // Somebody else has it attached.
            let is_used = column(&fields, &["nattch"]).is_some_and(|count| count > 0);
            let id = column(&fields, &["shmid", "semid", "msqid"])?.try_into().ok()?;
            (self.owns(user, group) && !is_used).then_some(id)
        };
        lines.filter_map(its).collect()
    }

    /// The files below a directory; no link is followed.
    fn remove_files(self, directory: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)?.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let its = self.owns(metadata.uid(), metadata.gid());
            if metadata.is_dir() {
                let _ = self.remove_files(&entry.path());
                if its {
                    let _ = fs::remove_dir(entry.path());
                }
            } else if its {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn remove_queues(self) -> io::Result<()> {
        for entry in fs::read_dir("/dev/mqueue")?.flatten() {
            let its = entry.metadata().is_ok_and(|metadata| self.owns(metadata.uid(), metadata.gid()));
            let name = CString::new([b"/", entry.file_name().as_bytes()].concat());
            if let (true, Ok(name)) = (its, name) {
                // SAFETY: a C string.
                unsafe { libc::mq_unlink(name.as_ptr()) };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_users_or_a_groups_and_is_not_used_is_found_in_the_tables() {
        let table = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid\n\
                            5611          1  1666                   100    87    87      0   999   998     0     0\n\
                            5612          2  1666                   100    87    87      1   999   998   999   998\n\
                            5613          3  1666                   100    87    87      0     5     6   999   998\n\
                     -2147483648         -4  1666                   100    87    87      0     5   998   999   998\n";
        let of = |user: Option<u32>, group: Option<u32>| IpcOwner {
            user: user.map(Uid::from_raw),
            group: group.map(Gid::from_raw),
        };
        assert_eq!(of(Some(999), None).found(table), [1]);
        assert_eq!(of(None, Some(998)).found(table), [1, -4]);
        assert_eq!(of(Some(5), Some(998)).without(of(Some(5), None)).found(table), [1, -4]);
        assert_eq!(of(Some(0), None).found(table), Vec::<c_int>::new());
    }
}
