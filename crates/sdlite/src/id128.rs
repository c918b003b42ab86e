use std::fmt;
use std::str::FromStr;

use sdlite_core::id128;

use crate::{Error, Result};

/// A 128-bit ID, as sd-id128(3) has them: of a machine, of a boot, of a run of a service, or of anything else.
///
/// It is written as 32 hexadecimal digits, and read from these or from a UUID.
///
/// ```
/// use sdlite::Id128;
///
/// let id: Id128 = "c2732773-23db-454e-a63b-b96e79b53e97".parse()?;
/// assert_eq!(id.to_string(), "c273277323db454ea63bb96e79b53e97");
/// assert_eq!(id.to_uuid_string(), "c2732773-23db-454e-a63b-b96e79b53e97");
/// # Ok::<_, sdlite::Error>(())
/// ```
///
/// With the feature `serde` it is serialized as that text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id128([u8; 16]);

impl Id128 {
    /// The ID of these bytes, in the order in which it is written.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, in the order in which it is written.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// A new ID, a random UUID: sd_id128_randomize(3).
    ///
    /// # Errors
    ///
    /// What open(2) or read(2) of /dev/urandom failed with, which is read where getrandom(2) fails.
    pub fn random() -> Result<Self> {
        id(id128::randomize())
    }

    /// The ID of this machine, from /etc/machine-id: sd_id128_get_machine(3). It is read once.
    ///
    /// It stays secret within the machine. What an application tells others is derived from it, by
    /// [`app_specific`](Self::app_specific).
    ///
    /// # Errors
    ///
    /// * `ENOENT`: there is no such file.
    /// * `ENOMEDIUM`: the file is empty, or the ID is all zeros.
    /// * `ENOPKG`: the file says `uninitialized`.
    /// * `EUCLEAN`: the file does not hold 32 hexadecimal digits alone; `EINVAL` if what it holds is as long as that word.
    /// * What else open(2) or read(2) failed with.
    pub fn machine() -> Result<Self> {
        id(id128::machine())
    }

    /// The ID of this boot, a random UUID that the kernel makes: sd_id128_get_boot(3). It is read once.
    ///
    /// # Errors
    ///
    /// `ENOSYS` where /proc is not mounted; otherwise as [`machine`](Self::machine).
    pub fn boot() -> Result<Self> {
        id(id128::boot())
    }

    /// The ID that the service manager gave to this run of the service, in `$INVOCATION_ID` or a key of the kernel's:
    /// sd_id128_get_invocation(3). It is read once.
    ///
    /// # Errors
    ///
    /// * `ENXIO`: there is none.
    /// * `ENOMEDIUM`: the ID is all zeros.
    /// * `EUCLEAN`: the variable or the key does not hold an ID.
    /// * `EPERM`: the key is not root's, or others may change it.
    /// * What else request_key(2) or keyctl(2) failed with.
    pub fn invocation() -> Result<Self> {
        id(id128::invocation())
    }

    /// An ID that stands for this one in an application, and from which nobody can find out this one:
    /// sd_id128_get_app_specific(3).
    ///
    /// ```
    /// use sdlite::Id128;
    ///
    /// // Made once, by `systemd-id128 new` or `Id128::random()`.
    /// const MY_APPLICATION: Id128 = Id128::from_bytes(0xc2732773_23db_454e_a63b_b96e79b53e97_u128.to_be_bytes());
    ///
    /// let machine: Id128 = "0123456789abcdef0123456789abcdef".parse()?;
    /// assert_eq!(machine.app_specific(MY_APPLICATION)?.to_string(), "e54216b7427545449c94623f246677b4");
    /// # Ok::<_, sdlite::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENXIO`: the application's ID is all zeros.
    pub fn app_specific(self, app: Self) -> Result<Self> {
        id(id128::app_specific(&self.0, &app.0))
    }

    /// The ID as a UUID: its digits in groups of 8, 4, 4, 4 and 12, with hyphens between them.
    pub fn to_uuid_string(self) -> String {
        text(&id128::to_uuid_string(&self.0)).to_owned()
    }
}

fn id(id: sdlite_core::Result<[u8; 16]>) -> Result<Id128> {
    Ok(Id128(id?))
}

fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("digits and hyphens")
}

impl fmt::Display for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(text(&id128::to_string(&self.0)))
    }
}

impl fmt::Debug for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id128({self})")
    }
}

impl FromStr for Id128 {
    type Err = Error;

    /// Reads 32 hexadecimal digits, or a UUID: sd_id128_from_string(3). `EINVAL` for any other text.
    fn from_str(text: &str) -> Result<Self> {
        id(id128::from_string(text.as_bytes()))
    }
}

impl From<[u8; 16]> for Id128 {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl From<Id128> for [u8; 16] {
    fn from(id: Id128) -> Self {
        id.0
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Id128 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Id128 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format_args!("{text:?} is no 128-bit ID")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Id128 = Id128::from_bytes(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\x00\x11\x22\x33\x44\x55\x66\x77");
    const TEXT: &str = "0123456789abcdef0011223344556677";

    #[test]
    fn ids_are_written_and_read() {
        assert_eq!(ID.to_string(), TEXT);
        assert_eq!(format!("{ID:?} {ID:>34}"), format!("Id128({TEXT})   {TEXT}"));
        assert_eq!(ID.to_uuid_string(), "01234567-89ab-cdef-0011-223344556677");
        assert_eq!([TEXT.parse(), ID.to_uuid_string().parse(), TEXT.to_uppercase().parse()], [Ok(ID); 3]);
        assert_eq!("x".parse::<Id128>().map_err(Error::errno), Err(libc::EINVAL));
        assert_eq!(Id128::from(<[u8; 16]>::from(ID)), ID);
    }

    #[test]
    fn new_ids_are_random() {
        let ids = [Id128::random(), Id128::random()].map(|id| id.expect("an ID"));
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn this_boot_has_the_id_that_the_kernel_tells() {
        let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a file of the kernel's");
        assert_eq!(Id128::boot(), told.trim_end().parse());
    }

    #[test]
    fn an_application_without_an_id_has_none_of_the_machine_either() {
        assert_eq!(ID.app_specific([0; 16].into()).map_err(Error::errno), Err(libc::ENXIO));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn ids_are_serialized_as_text() {
        assert_eq!(serde_json::to_string(&ID).expect("JSON"), format!("{TEXT:?}"));
        assert_eq!(serde_json::from_str::<Id128>(&format!("{:?}", ID.to_uuid_string())).expect("an ID"), ID);
        let error = serde_json::from_str::<Id128>("\"x\"").expect_err("no ID");
        assert!(error.to_string().starts_with("\"x\" is no 128-bit ID"), "{error}");
    }
}
