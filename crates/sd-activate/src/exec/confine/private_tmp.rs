//! PrivateTmp=: directories below /tmp and /var/tmp that a unit's processes have in their place.

use std::fs::{self, DirBuilder, Permissions};
use std::io::Result;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, mkdtemp};
use sdlite_core::id128;

use crate::spec::UnitName;

/// Where such directories are.
pub(super) const BASES: [&str; 2] = ["/tmp", "/var/tmp"];

/// What a unit has in place of a base: one that is there, or a new one.
pub(super) fn find_or_make(base: &Path, unit: &UnitName) -> Result<PathBuf> {
    if let Some(found) = find(base, unit).into_iter().next() {
        return Ok(found.join("tmp"));
    }
    let made = mkdtemp(&base.join(prefix(unit) + "XXXXXX"))?.join("tmp");
    DirBuilder::new().mode(0o777).create(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(0o1777))?;
    Ok(made)
}

/// Removes what a unit has in place of the bases.
pub(super) fn remove(unit: &UnitName) {
    for directory in BASES.iter().flat_map(|base| find(Path::new(base), unit)) {
        // Somebody may be about to remove what is old there, too.
        let _ = fs::remove_dir_all(directory);
    }
}

/// Those of this boot that nobody else has made.
fn find(base: &Path, unit: &UnitName) -> Vec<PathBuf> {
    let prefix = prefix(unit);
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let named =
        entries.filter(|entry| entry.file_name().to_string_lossy().strip_prefix(&prefix).is_some_and(is_random));
    let own = named.filter(|entry| {
        entry
            .metadata()
            .is_ok_and(|found| found.is_dir() && found.uid() == Uid::current().as_raw() && found.mode() & 0o077 == 0)
    });
    own.map(|entry| entry.path()).collect()
}

fn is_random(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn prefix(unit: &UnitName) -> String {
    let boot = id128::boot().map(|boot| String::from_utf8_lossy(&id128::to_string(&boot)).into_owned());
    format!("systemd-private-{}-{unit}-", boot.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_one_directory_which_nobody_else_has_made() {
        let base = std::env::temp_dir().join(format!("sda-private-tmp-{}", std::process::id()));
        fs::create_dir(&base).unwrap();
        let unit = UnitName::new("a.service").unwrap();
        let foreign = base.join(prefix(&unit) + "abcdef");
        DirBuilder::new().mode(0o755).create(&foreign).unwrap();
        let made = find_or_make(&base, &unit).unwrap();
        assert!(!made.starts_with(&foreign), "{made:?}");
        assert_eq!(fs::metadata(&made).unwrap().mode() & 0o7777, 0o1777);
        assert_eq!(find_or_make(&base, &unit).unwrap(), made);
        assert_ne!(find_or_make(&base, &UnitName::new("b.service").unwrap()).unwrap(), made);
        fs::remove_dir_all(base).unwrap();
    }
}
