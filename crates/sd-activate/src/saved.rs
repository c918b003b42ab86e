//! What serde does not know, written down: `#[serde(with = "saved")]`.
//!
//! sd-activate executes itself anew and goes on as it was (`daemon-reexec`). What it knows is written down by serde, so that a
//! field that is added is written with the others, or does not compile.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::SockType;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What can be written down as something else that serde knows.
pub trait Saved: Sized {
    /// As what.
    type Form: Serialize + DeserializeOwned;

    /// Writes it down.
    fn save(&self) -> Self::Form;

    /// Reads what was written down. None where that is nothing of this kind.
    fn restore(form: Self::Form) -> Option<Self>;
}

/// Writes it down: for `#[serde(with = "saved")]`.
pub fn serialize<T: Saved, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.save().serialize(serializer)
}

/// Reads what was written down.
pub fn deserialize<'de, T: Saved, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let form = T::Form::deserialize(deserializer)?;
    T::restore(form).ok_or_else(|| D::Error::custom(format_args!("no {}", std::any::type_name::<T>())))
}

/// A descriptor, by its number: it stays open while this process executes itself anew.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    descriptor: RawFd,
}

impl Descriptor {
    /// The one of this.
    pub fn of(open: &impl AsFd) -> Self {
        Self { descriptor: open.as_fd().as_raw_fd() }
    }

    /// Its number.
    pub fn number(&self) -> RawFd {
        self.descriptor
    }

    /// All that something that was written down speaks of.
    pub fn all_in(state: &Value) -> Vec<RawFd> {
        match state {
            Value::Array(values) => values.iter().flat_map(Self::all_in).collect(),
            Value::Object(fields) => match Self::deserialize(state) {
                Ok(found) if fields.len() == 1 => vec![found.descriptor],
                _ => fields.values().flat_map(Self::all_in).collect(),
            },
            _ => Vec::new(),
        }
    }
}

/// Whoever reads it owns the descriptor: it is read once, by the process that has written it, executed anew.
impl Saved for OwnedFd {
    type Form = Descriptor;

    fn save(&self) -> Descriptor {
        Descriptor { descriptor: self.as_raw_fd() }
    }

    fn restore(Descriptor { descriptor }: Descriptor) -> Option<Self> {
        if descriptor <= libc::STDERR_FILENO {
            return None;
        }
        // SAFETY: it was this process's before it was executed anew, and nothing else here has been told of it.
        let owned = unsafe { Self::from_raw_fd(descriptor) };
        match fcntl(&owned, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
            Ok(_) => Some(owned),
            Err(Errno::EBADF) => {
                // It is not open.
                std::mem::forget(owned);
                None
            }
            // Whoever is on its other side is told by its end.
            Err(_) => None,
        }
    }
}

/// A word that the program has. serde would borrow a field of type `&'static str` from what it reads.
pub type Word = &'static str;

/// What is written down as it is.
macro_rules! as_it_is {
    ($($name:ty),* $(,)?) => {
        $(impl $crate::saved::Saved for $name {
            type Form = Self;

            fn save(&self) -> Self {
                self.clone()
            }

            fn restore(form: Self) -> Option<Self> {
                Some(form)
            }
        })*
    };
}
pub(crate) use as_it_is;

as_it_is!(bool, u8, u32, u64, usize, String);

impl Saved for Pid {
    type Form = i32;

    fn save(&self) -> i32 {
        self.as_raw()
    }

    fn restore(form: i32) -> Option<Self> {
        Some(Self::from_raw(form))
    }
}

impl Saved for SockType {
    type Form = i32;

    fn save(&self) -> i32 {
        *self as i32
    }

    fn restore(form: i32) -> Option<Self> {
        Self::try_from(form).ok()
    }
}

/// Nanoseconds of CLOCK_MONOTONIC, which every process has the same.
impl Saved for Instant {
    type Form = u64;

    fn save(&self) -> u64 {
        let (instant, clock) = anchor();
        let time = match self.checked_duration_since(instant) {
            Some(after) => clock.saturating_add(after),
            None => clock.saturating_sub(instant.duration_since(*self)),
        };
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }

    fn restore(form: u64) -> Option<Self> {
        let (instant, clock) = anchor();
        let time = Duration::from_nanos(form);
        match time.checked_sub(clock) {
            Some(after) => instant.checked_add(after),
            None => instant.checked_sub(clock - time),
        }
    }
}

/// A moment, as std and as the kernel has it: the same throughout this process, so that what is read is what was written.
fn anchor() -> (Instant, Duration) {
    static ANCHOR: OnceLock<(Instant, Duration)> = OnceLock::new();
    *ANCHOR.get_or_init(|| {
        let clock = monotonic();
        (Instant::now(), clock)
    })
}

/// What CLOCK_MONOTONIC says.
pub fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

/// One of the words that the program has. A process reads them once: they stay.
impl Saved for &'static str {
    type Form = String;

    fn save(&self) -> String {
        (*self).to_owned()
    }

    fn restore(form: String) -> Option<Self> {
        Some(form.leak())
    }
}

impl Saved for Vec<u8> {
    type Form = String;

    fn save(&self) -> String {
        BASE64.encode(self)
    }

    fn restore(form: String) -> Option<Self> {
        let mut bytes = BASE64.decode(form).ok()?;
        bytes.shrink_to_fit();
        Some(bytes)
    }
}

impl Saved for OsString {
    type Form = String;

    fn save(&self) -> String {
        BASE64.encode(self.as_bytes())
    }

    fn restore(form: String) -> Option<Self> {
        BASE64.decode(form).ok().map(Self::from_vec)
    }
}

impl Saved for PathBuf {
    type Form = String;

    fn save(&self) -> String {
        BASE64.encode(self.as_os_str().as_bytes())
    }

    fn restore(form: String) -> Option<Self> {
        OsString::restore(form).map(Self::from)
    }
}

impl Saved for Arc<Path> {
    type Form = String;

    fn save(&self) -> String {
        BASE64.encode(self.as_os_str().as_bytes())
    }

    fn restore(form: String) -> Option<Self> {
        let path = BASE64.decode(form).ok()?;
        Some(Path::new(OsStr::from_bytes(&path)).into())
    }
}

impl<T: Saved> Saved for Option<T> {
    type Form = Option<T::Form>;

    fn save(&self) -> Self::Form {
        self.as_ref().map(T::save)
    }

    fn restore(form: Self::Form) -> Option<Self> {
        form.map_or(Some(None), |form| T::restore(form).map(Some))
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    type Form = (A::Form, B::Form);

    fn save(&self) -> Self::Form {
        (self.0.save(), self.1.save())
    }

    fn restore((one, other): Self::Form) -> Option<Self> {
        Some((A::restore(one)?, B::restore(other)?))
    }
}

impl Saved for CString {
    type Form = String;

    fn save(&self) -> String {
        BASE64.encode(self.as_bytes())
    }

    fn restore(form: String) -> Option<Self> {
        Self::new(BASE64.decode(form).ok()?).ok()
    }
}

/// A list; bytes are something else, and so each kind has to be named.
macro_rules! list {
    ($($item:ty),* $(,)?) => {
        $(impl $crate::saved::Saved for Vec<$item> {
            type Form = Vec<<$item as $crate::saved::Saved>::Form>;

            fn save(&self) -> Self::Form {
                self.iter().map(<$item as $crate::saved::Saved>::save).collect()
            }

            fn restore(form: Self::Form) -> Option<Self> {
                form.into_iter().map(<$item as $crate::saved::Saved>::restore).collect()
            }
        })*
    };
}
pub(crate) use list;

list!(Pid, PathBuf);

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    type Form = Vec<T::Form>;

    fn save(&self) -> Self::Form {
        self.iter().map(T::save).collect()
    }

    fn restore(form: Self::Form) -> Option<Self> {
        form.into_iter().map(T::restore).collect()
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    type Form = Vec<(K::Form, V::Form)>;

    fn save(&self) -> Self::Form {
        self.iter().map(|(key, value)| (key.save(), value.save())).collect()
    }

    fn restore(form: Self::Form) -> Option<Self> {
        form.into_iter().map(|(key, value)| Some((K::restore(key)?, V::restore(value)?))).collect()
    }
}
