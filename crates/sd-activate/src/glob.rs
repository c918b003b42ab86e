//! Patterns of glob(7), as the C library understands them. Its glob(3) itself would bring the names of users along, which a static
//! program cannot have.

use std::ffi::{CString, OsStr, c_int};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The paths that a pattern matches, sorted. With `braces`, `{a,b}` are alternatives, each sorted by itself.
pub fn paths(pattern: &Path, braces: bool) -> Vec<PathBuf> {
    let pattern = pattern.as_os_str().as_bytes();
    let mut alternatives = Vec::new();
    if braces {
        expand(pattern, &mut alternatives);
    } else {
        alternatives.push(pattern.to_vec());
    }
    alternatives.iter().flat_map(|pattern| paths_of(pattern)).collect()
}

/// The patterns that braces stand for.
fn expand(pattern: &[u8], found: &mut Vec<Vec<u8>>) {
    let Some((before, alternatives, after)) = first_braces(pattern) else {
        found.push(pattern.to_vec());
        return;
    };
    for alternative in alternatives {
        expand(&[before, alternative, after].concat(), found);
    }
}

/// What is before braces, their alternatives, and what is after them.
type Braces<'a> = (&'a [u8], Vec<&'a [u8]>, &'a [u8]);

/// The first braces. What is not closed is none.
fn first_braces(pattern: &[u8]) -> Option<Braces<'_>> {
    let open = pattern.iter().enumerate().position(|(place, byte)| *byte == b'{' && !is_escaped(pattern, place))?;
    let (mut depth, mut start, mut alternatives) = (0, open + 1, Vec::new());
    for place in open + 1..pattern.len() {
        match pattern[place] {
            _ if is_escaped(pattern, place) => (),
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b',' if depth == 0 => {
                alternatives.push(&pattern[start..place]);
                start = place + 1;
            }
            b'}' => {
                alternatives.push(&pattern[start..place]);
                return Some((&pattern[..open], alternatives, &pattern[place + 1..]));
            }
            _ => (),
        }
    }
    None
}

/// Whether a backslash takes its meaning from a byte.
fn is_escaped(pattern: &[u8], place: usize) -> bool {
    pattern[..place].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The paths that a pattern without braces matches, part by part.
fn paths_of(pattern: &[u8]) -> Vec<PathBuf> {
    let mut found = vec![Vec::new()];
    for (place, part) in pattern.split(|byte| *byte == b'/').enumerate() {
        let slash: &[u8] = if place == 0 { b"" } else { b"/" };
        found = found.into_iter().map(|path| [&path, slash].concat()).flat_map(|path| below(path, part)).collect();
    }
    // By their bytes: a path's own order is that of its parts.
    found.sort();
    let paths = found.into_iter().map(|path| PathBuf::from(OsStr::from_bytes(&path)));
    paths.filter(|path| path.symlink_metadata().is_ok()).collect()
}

/// What a part of a pattern stands for in a directory.
fn below(directory: Vec<u8>, part: &[u8]) -> Vec<Vec<u8>> {
    if !part.iter().enumerate().any(|(place, byte)| b"*?[".contains(byte) && !is_escaped(part, place)) {
        return vec![[directory, literal(part)].concat()];
    }
    let path = if directory.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(&directory)) };
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name());
    // glob(3) finds these too.
    let names = entries.chain([".".into(), "..".into()]);
    let matching = names.filter(|name| matches(part, name.as_bytes(), libc::FNM_PERIOD));
    matching.map(|name| [directory.as_slice(), name.as_bytes()].concat()).collect()
}

/// A part without the backslashes that escape.
fn literal(part: &[u8]) -> Vec<u8> {
    let escapes = |place: usize| part[place] == b'\\' && !is_escaped(part, place) && place + 1 < part.len();
    part.iter().enumerate().filter(|(place, _)| !escapes(*place)).map(|(_, byte)| *byte).collect()
}

/// Whether a pattern matches a text: fnmatch(3), with these flags. What has a zero byte matches nothing, and is matched by nothing.
pub fn matches(pattern: impl AsRef<[u8]>, text: impl AsRef<[u8]>, flags: c_int) -> bool {
    let (Ok(pattern), Ok(text)) = (CString::new(pattern.as_ref()), CString::new(text.as_ref())) else { return false };
    // SAFETY: two C strings and a number.
    unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), flags) == 0 }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::zeroed;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_the_manual_says() {
        assert_eq!(paths(Path::new("/et[c]"), false), [Path::new("/etc")]);
        assert!(paths(Path::new("/nonexistent/*"), false).is_empty());
        assert!(paths(Path::new("/{etc,usr}"), false).is_empty());
        assert_eq!(paths(Path::new("/{usr,etc}"), true), [Path::new("/usr"), Path::new("/etc")]);
        assert!(matches("a*[0-9]", "abc1", 0));
        assert!(!matches("a*[0-9]", "abc", 0));
    }

    /// What the C library finds.
    fn by_glob(pattern: &Path, flags: c_int) -> Vec<PathBuf> {
        let pattern = CString::new(pattern.as_os_str().as_bytes()).unwrap();
        // SAFETY: a structure of numbers and pointers, for which zero is a value; a C string; and as many of them as it says.
        unsafe {
            let mut found: libc::glob_t = zeroed();
            let status = libc::glob(pattern.as_ptr(), flags, None, &mut found);
            let count = if status == 0 { found.gl_pathc as usize } else { 0 };
            let path = |index| CStr::from_ptr(*found.gl_pathv.add(index)).to_bytes();
            let paths = (0..count).map(|index| OsStr::from_bytes(path(index)).into()).collect();
            libc::globfree(&mut found);
            paths
        }
    }

    proptest! {
        // What glob(3) makes of a file with a slash behind it, or of a backslash before a slash, nobody relies on.
        #[test]
        fn the_paths_are_those_that_the_c_library_finds(pattern in r"(/?([ab.*?{,}\[\]!-]|\\[ab*?{,\[\\]){1,4}){1,3}") {
            let directory = sdlite_test_support::scratch();
            for name in ["a/a", "a/b", "a/.a", "b/a/b", "ab/a", ".b/a", "{a/b", "a*/a", "a,b/a"] {
                let path = directory.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            std::os::unix::fs::symlink("nowhere", directory.path().join("b/b")).unwrap();
            let pattern = directory.path().join(pattern.trim_start_matches('/'));
            prop_assert_eq!(paths(&pattern, false), by_glob(&pattern, 0), "{}", pattern.display());
            #[cfg(target_env = "gnu")]
            prop_assert_eq!(paths(&pattern, true), by_glob(&pattern, libc::GLOB_BRACE), "{}", pattern.display());
        }
    }
}
