//! sd-id128(3): 128-bit IDs, of this machine, this boot and this service.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::sha256::hmac;
use crate::sys::{self, OwnedFd};
use crate::{Errno, Result};

/// An ID, its first byte first.
pub type Id128 = [u8; 16];

/// How an ID is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// 32 hexadecimal digits.
    Plain,
    /// The same in groups of 8, 4, 4, 4 and 12, with hyphens between them.
    Uuid,
}

impl Form {
    /// How many characters there are.
    const fn len(self) -> usize {
        match self {
            Self::Plain => 32,
            Self::Uuid => 36,
        }
    }
}

/// sd_id128_to_string(3): 32 hexadecimal digits.
pub fn to_string(id: &Id128) -> [u8; 32] {
    let mut text = [0; 32];
    write(id, Form::Plain, &mut text);
    text
}

/// sd_id128_to_uuid_string(3): the digits in groups of 8, 4, 4, 4 and 12.
pub fn to_uuid_string(id: &Id128) -> [u8; 36] {
    let mut text = [0; 36];
    write(id, Form::Uuid, &mut text);
    text
}

#[inline(never)]
fn write(id: &Id128, form: Form, text: &mut [u8]) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' - 10 + value };
    let mut room = text.iter_mut();
    for (i, byte) in id.iter().enumerate() {
        let hyphen = (form == Form::Uuid && is_group(i)).then_some(b'-');
        for character in hyphen.into_iter().chain([digit(byte >> 4), digit(byte & 15)]) {
            if let Some(room) = room.next() {
                *room = character;
            }
        }
    }
}

/// Whether a group of a UUID begins at that byte, with a hyphen before it.
fn is_group(byte: usize) -> bool {
    matches!(byte, 4 | 6 | 8 | 10)
}

/// sd_id128_from_string(3): an ID in either form, its digits upper or lower case. EINVAL for every other text.
pub fn from_string(text: &[u8]) -> Result<Id128> {
    parse(text).ok_or(Errno::INVAL)
}

#[inline(never)]
fn parse(text: &[u8]) -> Option<Id128> {
    let form = [Form::Plain, Form::Uuid].into_iter().find(|form| text.len() == form.len())?;
    let mut characters = text.iter();
    let mut id = [0; 16];
    for (i, byte) in id.iter_mut().enumerate() {
        if form == Form::Uuid && is_group(i) && characters.next() != Some(&b'-') {
            return None;
        }
        *byte = hexadecimal(*characters.next()?)? << 4 | hexadecimal(*characters.next()?)?;
    }
    Some(id)
}

#[inline(never)]
fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// sd_id128_randomize(3): a new ID.
pub fn randomize() -> Result<Id128> {
    let mut id = [0; 16];
    let saved = Errno::save();
    // Kernels older than Linux 5.6 do not know the flag. The device does not wait for more randomness either.
    if sys::getrandom(&mut id, libc::GRND_INSECURE) != Ok(id.len()) {
        let device = sys::open(c_str!(c"/dev/urandom"), libc::O_NOCTTY)?;
        if read(&device, &mut id)? != id.len() {
            return Err(Errno::IO);
        }
        saved.restore();
    }
    Ok(as_random_uuid(id))
}

/// Sets the bits by which a UUID says that it is a random one: version 4 of variant 1.
fn as_random_uuid(mut id: Id128) -> Id128 {
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// sd_id128_get_machine(3): what /etc/machine-id says.
///
/// * ENOENT: there is no such file.
/// * ENOMEDIUM: it is empty, or its ID is all zeros.
/// * ENOPKG: it says `uninitialized`, as on the first boot.
/// * EUCLEAN: it holds anything else than an ID of 32 digits; EINVAL where that is as long as the word.
pub fn machine() -> Result<Id128> {
    static MACHINE: Known = Known::new();
    MACHINE.get(|| read_file(c_str!(c"/etc/machine-id"), Form::Plain))
}

/// sd_id128_get_boot(3): what the kernel calls this boot.
///
/// * ENOSYS: /proc is not mounted.
/// * Else as [`machine`], for the file that /proc has.
pub fn boot() -> Result<Id128> {
    static BOOT: Known = Known::new();
    BOOT.get(|| match read_file(c_str!(c"/proc/sys/kernel/random/boot_id"), Form::Uuid) {
        Err(Errno::NOENT) if !is_proc_mounted() => Err(Errno::NOSYS),
        id => id,
    })
}

/// Where it cannot be told, it is taken for mounted.
fn is_proc_mounted() -> bool {
    match sys::open_path(c_str!(c"/proc/")).and_then(|proc| sys::file_system_type(proc.raw())) {
        Ok(kind) => kind == PROC_SUPER_MAGIC,
        Err(error) => error != Errno::NOENT,
    }
}

/// The type of the file system, in the kernel's linux/magic.h.
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// An ID that a file holds in one form, alone or with the end of its line.
fn read_file(path: &CStr, form: Form) -> Result<Id128> {
    let file = sys::open(path, libc::O_NOCTTY)?;
    // A byte more than the longer form and the end of its line.
    let mut room = [0; 38];
    let mut len = 0;
    loop {
        let more = match read(&file, room.get_mut(len..).unwrap_or_default()) {
            Err(error) if len == 0 => return Err(error),
            more => more.unwrap_or(0),
        };
        len += more;
        let id = of_file(room.get(..len).unwrap_or_default(), form);
        // Of a file that holds an ID, one read has got all there is.
        if id.is_ok() || more == 0 || len == room.len() {
            return id;
        }
    }
}

/// What such a file says: see [`machine`].
pub fn of_file(content: &[u8], form: Form) -> Result<Id128> {
    match content.len() {
        0 => Err(Errno::NOMEDIUM),
        13 | 14 if b"uninitialized\n".starts_with(content) => Err(Errno::NOPKG),
        // As libsystemd says it of what is so long.
        13 | 14 => Err(Errno::INVAL),
        _ => match content.split_at_checked(form.len()) {
            Some((text, b"" | b"\n")) => {
                // A zero byte is the end of a text for libsystemd, whatever follows.
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                not_null(parse(text).ok_or(Errno::UCLEAN)?)
            }
            _ => Err(Errno::UCLEAN),
        },
    }
}

/// read(2), once more where a signal came.
fn read(fd: &OwnedFd, room: &mut [u8]) -> Result<usize> {
    loop {
        match sys::read_over(fd.raw(), room) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// sd_id128_get_invocation(3): what the service manager calls this run of the service, in `$INVOCATION_ID` or, where that is not
/// set, in the kernel's keyring.
///
/// * ENXIO: there is none.
/// * ENOMEDIUM: it is all zeros.
/// * EUCLEAN: it is no ID.
/// * EPERM: others than root could have written the key.
pub fn invocation() -> Result<Id128> {
    static INVOCATION: Known = Known::new();
    INVOCATION.get(|| {
        // SAFETY: the value is used before anything here could change the environment. Others that change it have to know that
        // nobody uses it: setenv(3), std::env::set_var() and `Unset` are their promises.
        let id = match unsafe { sys::secure_getenv(c_str!(c"INVOCATION_ID")) } {
            Some(text) => parse(text.to_bytes()).ok_or(Errno::UCLEAN)?,
            None => invocation_key()?,
        };
        not_null(id)
    })
}

/// What the key holds, if it is root's and nobody else may write it.
fn invocation_key() -> Result<Id128> {
    let key = sys::request_key(c_str!(c"user"), c_str!(c"invocation_id")).map_err(|error| match error {
        // There is no such key, or this process may not ask for keys.
        Errno::NOKEY | Errno::ACCES | Errno::PERM | Errno::NOSYS => Errno::NXIO,
        error => error,
    })?;
    let mut room = [0; 64];
    if !is_of_root_alone(sys::key_describe(key, &mut room)?) {
        return Err(Errno::PERM);
    }
    let mut id = [0; 16];
    match sys::key_read(key, &mut id)? {
        16 => Ok(id),
        _ => Err(Errno::UCLEAN),
    }
}

/// Whether root alone can have written a key, by its description: `user;0;0;0b0b0000;invocation_id`.
fn is_of_root_alone(description: &[u8]) -> bool {
    /// To view, to read and to search for it, for those who possess it and for its user.
    const ALLOWED: u32 = 0x0b0b_0000;
    let permissions = description.strip_prefix(b"user;0;0;").and_then(|rest| rest.get(..8)).unwrap_or_default();
    let add = |number, digit: &u8| Some(number << 4 | u32::from(hexadecimal(*digit)?));
    let permissions = permissions.iter().try_fold(0, add);
    permissions.is_some_and(|permissions| permissions != 0 && permissions & !ALLOWED == 0)
}

/// sd_id128_get_app_specific(3): an ID that stands for `base` in one application, and does not tell it. ENXIO where the
/// application's is all zeros.
pub fn app_specific(base: &Id128, app: &Id128) -> Result<Id128> {
    if is_null(app) {
        return Err(Errno::NXIO);
    }
    let mut id = [0; 16];
    id.iter_mut().zip(hmac(base, app)).for_each(|(byte, code)| *byte = code);
    Ok(as_random_uuid(id))
}

fn is_null(id: &Id128) -> bool {
    *id == [0; 16]
}

fn not_null(id: Id128) -> Result<Id128> {
    if is_null(&id) { Err(Errno::NOMEDIUM) } else { Ok(id) }
}

/// An ID that stays what it was when it was first asked for, as sd_id128_get_machine(3) promises: a process that has asked may
/// then go where it can no longer read it.
struct Known {
    state: AtomicU8,
    id: UnsafeCell<Id128>,
}

impl Known {
    const NOT_YET: u8 = 0;
    const BEING_WRITTEN: u8 = 1;
    const WRITTEN: u8 = 2;

    const fn new() -> Self {
        Self { state: AtomicU8::new(Self::NOT_YET), id: UnsafeCell::new([0; 16]) }
    }

    /// The ID, from where it comes if it is not known yet. Nobody waits for another thread: who finds the ID being written reads
    /// it again.
    #[inline(never)]
    fn get(&self, find: fn() -> Result<Id128>) -> Result<Id128> {
        if self.state.load(Ordering::Acquire) == Self::WRITTEN {
            // SAFETY: nobody writes it any more.
            return Ok(unsafe { *self.id.get() });
        }
        let id = find()?;
        let first =
            self.state.compare_exchange(Self::NOT_YET, Self::BEING_WRITTEN, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() {
            // SAFETY: one thread alone gets here, and nobody reads it before the next line.
            unsafe { *self.id.get() = id };
            self.state.store(Self::WRITTEN, Ordering::Release);
        }
        Ok(id)
    }
}

// SAFETY: the state says who may use the ID.
unsafe impl Sync for Known {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::thread;

    use super::*;

    const ID: Id128 = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
    const PLAIN: &[u8] = b"0123456789abcdef0011223344556677";
    const UUID: &[u8] = b"01234567-89ab-cdef-0011-223344556677";

    #[test]
    fn ids_are_written_and_read_in_two_forms() {
        assert_eq!(to_string(&ID), PLAIN);
        assert_eq!(to_uuid_string(&ID), UUID);
        for text in [PLAIN, UUID] {
            assert_eq!(from_string(text), Ok(ID));
            assert_eq!(from_string(&text.to_ascii_uppercase()), Ok(ID));
            for i in 0..text.len() {
                assert_eq!(from_string(&text[..i]), Err(Errno::INVAL), "{i} characters");
                for wrong in *b"g-:/@` \n\0\xff" {
                    let mut text = text.to_vec();
                    if core::mem::replace(&mut text[i], wrong) != wrong {
                        assert_eq!(from_string(&text), Err(Errno::INVAL), "{wrong:?} at {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_file_holds_one_id_in_its_form_and_nothing_else() {
        let line = |text: &[u8]| [text, b"\n"].concat();
        let zeros = [b'0'; 32];
        let cases: [(&[u8], _, _); 16] = [
            (PLAIN, Ok(ID), Err(Errno::UCLEAN)),
            (&line(PLAIN), Ok(ID), Err(Errno::UCLEAN)),
            (UUID, Err(Errno::UCLEAN), Ok(ID)),
            (&line(UUID), Err(Errno::UCLEAN), Ok(ID)),
            (b"", Err(Errno::NOMEDIUM), Err(Errno::NOMEDIUM)),
            (b"\n", Err(Errno::UCLEAN), Err(Errno::UCLEAN)),
            (b"uninitialized", Err(Errno::NOPKG), Err(Errno::NOPKG)),
            (b"uninitialized\n", Err(Errno::NOPKG), Err(Errno::NOPKG)),
            (b"uninitialized\n\n", Err(Errno::UCLEAN), Err(Errno::UCLEAN)),
            (b"uninitialized ", Err(Errno::INVAL), Err(Errno::INVAL)),
            (b"uninitialize\n", Err(Errno::INVAL), Err(Errno::INVAL)),
            (&zeros, Err(Errno::NOMEDIUM), Err(Errno::UCLEAN)),
            (b"00000000-0000-0000-0000-000000000000\n", Err(Errno::UCLEAN), Err(Errno::NOMEDIUM)),
            (&line(&line(PLAIN)), Err(Errno::UCLEAN), Err(Errno::UCLEAN)),
            (&[PLAIN, b"\0abc\n"].concat(), Err(Errno::UCLEAN), Ok(ID)),
            (&[PLAIN, b"\r\n"].concat(), Err(Errno::UCLEAN), Err(Errno::UCLEAN)),
        ];
        for (content, plain, uuid) in cases {
            let content_as = [Form::Plain, Form::Uuid].map(|form| of_file(content, form));
            assert_eq!(content_as, [plain, uuid], "{}", content.escape_ascii());
        }
    }

    #[test]
    fn new_ids_are_random_uuids() {
        let ids: [Id128; 64] = core::array::from_fn(|_| randomize().expect("an ID"));
        for (i, id) in ids.iter().enumerate() {
            assert_eq!((id[6] >> 4, id[8] >> 6), (4, 2));
            assert!(!ids[..i].contains(id));
        }
        // Every other bit is 0 in one, and 1 in another.
        let ones = ids.iter().fold([0; 16], |ones, id| core::array::from_fn(|i| ones[i] | id[i]));
        let zeros = ids.iter().fold([0; 16], |zeros, id| core::array::from_fn(|i| zeros[i] | !id[i]));
        let fixed = |byte| match byte {
            6 => (0x4f, 0xbf),
            8 => (0xbf, 0x7f),
            _ => (0xff, 0xff),
        };
        assert_eq!(
            (0..16).map(|i| (ones[i], zeros[i])).collect::<std::vec::Vec<_>>(),
            (0..16).map(fixed).collect::<std::vec::Vec<_>>()
        );
    }

    #[test]
    fn a_key_counts_if_root_alone_can_have_written_it() {
        for permissions in ["0b0b0000", "030b0000", "0b000000", "00080000"] {
            let description = std::format!("user;0;0;{permissions};invocation_id");
            assert!(is_of_root_alone(description.as_bytes()), "{permissions}");
        }
        for description in [
            "user;1000;0;0b0b0000;invocation_id",
            "user;0;1000;0b0b0000;invocation_id",
            "user;0;0;3f3f3f3f;invocation_id",
            "user;0;0;0f0b0000;invocation_id",
            "user;0;0;0b1b0000;invocation_id",
            "user;0;0;0b0b0100;invocation_id",
            "user;0;0;0b0b0001;invocation_id",
            "user;0;0;0b0b000g;invocation_id",
            "user;0;0;0b0b",
            "user;0;0;",
            "",
        ] {
            assert!(!is_of_root_alone(description.as_bytes()), "{description}");
        }
    }

    #[test]
    fn what_is_known_is_not_looked_for_again_by_any_thread() {
        static KNOWN: Known = Known::new();
        assert_eq!(KNOWN.get(|| Err(Errno::NOENT)), Err(Errno::NOENT));
        let found = thread::scope(|scope| {
            let threads: [_; 8] = core::array::from_fn(|_| scope.spawn(|| KNOWN.get(|| Ok(ID))));
            threads.map(|thread| thread.join().expect("no panic"))
        });
        assert_eq!(found, [Ok(ID); 8]);
        assert_eq!(KNOWN.get(|| Err(Errno::NOENT)), Ok(ID));
    }
}
