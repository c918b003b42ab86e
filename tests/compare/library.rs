//! The two libraries, loaded side by side.

use std::ffi::{CStr, CString, OsStr, c_void};
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::{env, fs};

use sdlite_test_support as support;

/// A shared library whose symbols nobody else is bound to.
struct Library(*mut c_void);

impl Library {
    fn open(path: &CStr) -> Option<Self> {
        // SAFETY: the library's constructors are those of libsystemd, which every program runs, or none.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        (!handle.is_null()).then_some(Self(handle))
    }

    fn symbol(&self, name: &str) -> Option<*mut c_void> {
        let name = CString::new(name).expect("a name in C");
        // SAFETY: the library stays loaded.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!symbol.is_null()).then_some(symbol)
    }

    /// The file.
    fn path(&self) -> PathBuf {
        let symbol = self.symbol("sd_listen_fds").expect("sd_listen_fds");
        let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: the symbol is in a library that stays loaded, whose name is then filled in.
        let name = unsafe {
            assert_ne!(libc::dladdr(symbol, info.as_mut_ptr()), 0, "dladdr");
            CStr::from_ptr(info.assume_init().dli_fname)
        };
        OsStr::from_bytes(name.to_bytes()).into()
    }
}

pub struct Libraries {
    reference: Library,
    ours: Library,
    release: u32,
}

impl Libraries {
    /// What is installed as libsystemd, and what `make` made, or others in their places. None where there is
    /// no libsystemd and the test is left out.
    pub fn load() -> Option<Self> {
        let path = env::var_os("SDLITE_REFERENCE");
        let name = path.clone().map_or_else(
            || c"libsystemd.so.0".to_owned(),
            |path| CString::new(path.into_vec()).expect("a path in SDLITE_REFERENCE"),
        );
        let Some(reference) = Library::open(&name) else {
            assert!(path.is_none(), "{name:?} of SDLITE_REFERENCE cannot be loaded");
            support::left_out("libsystemd.so.0, which is not installed (Debian: apt-get install libsystemd0)");
            return None;
        };
        let ours = env::var_os("SDLITE_LIBRARY")
            .map_or_else(|| support::release().join("libsdlite.so"), std::path::PathBuf::from);
        let ours = CString::new(ours.as_os_str().as_bytes()).expect("a path");
        let release = newest_node(&reference);
        Some(Self { reference, ours: Library::open(&ours).expect("libsdlite.so"), release })
    }

    /// A function of both: the reference's first.
    ///
    /// # Safety
    ///
    /// `F` is a pointer to a function of C with the function's signature.
    pub unsafe fn functions<F: Copy>(&self, name: &str) -> [F; 2] {
        [&self.reference, &self.ours].map(|library| {
            let symbol = library.symbol(name).unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(size_of::<F>(), size_of_val(&symbol));
            // SAFETY: both are pointers, and the caller knows the signature.
            unsafe { std::mem::transmute_copy(&symbol) }
        })
    }

    /// The file that was loaded.
    pub fn reference_path(&self) -> PathBuf {
        self.reference.path()
    }

    pub fn reference_has(&self, name: &str) -> bool {
        self.reference.symbol(name).is_some()
    }

    /// The newest version node of the reference: of its release, or an older one if that has added nothing.
    pub fn release(&self) -> u32 {
        self.release
    }
}

fn newest_node(library: &Library) -> u32 {
    const PREFIX: &[u8] = b"LIBSYSTEMD_";
    let content = fs::read(library.path()).expect("the reference");
    let numbers = content.windows(PREFIX.len() + 3).filter_map(|node| node.strip_prefix(PREFIX));
    numbers.filter_map(|number| std::str::from_utf8(number).ok()?.parse().ok()).max().unwrap_or(0)
}
