//! Patterns of glob(7), as the C library understands them.

use std::ffi::{CStr, CString, OsStr, c_int};
use std::mem::zeroed;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Braces, `{a,b}`, where the C library knows them.
#[cfg(target_env = "gnu")]
pub const BRACES: c_int = libc::GLOB_BRACE;
/// Braces, `{a,b}`, where the C library knows them.
#[cfg(not(target_env = "gnu"))]
pub const BRACES: c_int = 0;

/// The paths that a pattern matches, sorted. `flags` are those of glob(3).
pub fn paths(pattern: &Path, flags: c_int) -> Vec<PathBuf> {
    let Ok(pattern) = CString::new(pattern.as_os_str().as_bytes()) else { return Vec::new() };
    // SAFETY: a structure of numbers and pointers, for which zero is a value.
    let mut found: libc::glob_t = unsafe { zeroed() };
    // SAFETY: a C string, and a structure that is valid for writes.
    let status = unsafe { libc::glob(pattern.as_ptr(), flags, None, &mut found) };
    let mut paths = Vec::new();
    if status == 0 && !found.gl_pathv.is_null() {
        for index in 0..found.gl_pathc as usize {
            // SAFETY: glob has stored that many C strings there.
            let path = unsafe { CStr::from_ptr(*found.gl_pathv.add(index)) };
            paths.push(PathBuf::from(OsStr::from_bytes(path.to_bytes())));
        }
    }
    // SAFETY: glob has filled it in.
    unsafe { libc::globfree(&mut found) };
    paths
}

/// Whether a pattern matches a text. `flags` are those of fnmatch(3).
pub fn matches(pattern: &str, text: &str, flags: c_int) -> bool {
    let (Ok(pattern), Ok(text)) = (CString::new(pattern), CString::new(text)) else { return false };
    // SAFETY: two C strings and a number.
    unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), flags) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_manual_says() {
        assert_eq!(paths(Path::new("/et[c]"), 0), [Path::new("/etc")]);
        assert!(paths(Path::new("/nonexistent/*"), 0).is_empty());
        assert!(paths(Path::new("/{etc,usr}"), 0).is_empty());
        assert!(matches("a*[0-9]", "abc1", 0));
        assert!(!matches("a*[0-9]", "abc", 0));
    }
}
