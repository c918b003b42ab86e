//! Numbers in environment variables: strtoll(3) and strtoull(3), and stricter.

use core::ffi::{CStr, c_int};

use crate::{Errno, Result, sys, text};

/// A count: an `int`.
pub fn int(text: &CStr) -> Result<c_int> {
    let (base, text) = prefix(text);
    c_int::try_from(sys::strtol(text, base)?).map_err(|_| Errno::RANGE)
}

/// An unsigned number of 64 bits.
pub fn u64(text: &CStr) -> Result<u64> {
    unsigned(text, 0, 0, sys::strtoull)
}

/// An unsigned number of 32 bits, which `end` has to follow.
pub fn u32(text: &CStr, end: u8) -> Result<u32> {
    u32::try_from(unsigned(text, 0, end, sys::strtoul)?).map_err(|_| Errno::RANGE)
}

/// A process id: positive, and fitting `pid_t`.
pub fn pid(text: &CStr) -> Result<libc::pid_t> {
    match libc::pid_t::try_from(unsigned(text, 0, 0, sys::strtoul)?) {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err(Errno::RANGE),
    }
}

/// A user id as systemd writes it: decimal, with no sign and no zero in front. ENXIO for the two that mean "no user".
pub fn uid(text: &CStr) -> Result<u32> {
    if matches!(text.to_bytes(), [b' ' | b'\t' | b'\n' | b'\r' | b'+' | b'-', ..] | [b'0', _, ..]) {
        return Err(Errno::INVAL);
    }
    match u32::try_from(unsigned(text, 10, 0, sys::strtoul)?) {
        Ok(uid) if is_uid(uid) => Ok(uid),
        Ok(_) => Err(Errno::NXIO),
        Err(_) => Err(Errno::RANGE),
    }
}

/// Whether a user may have this id.
pub(crate) fn is_uid(uid: u32) -> bool {
    !matches!(uid, 0xffff | u32::MAX)
}

/// Yes or no: `1`, `yes`, `y`, `true`, `t`, `on`, or `0`, `no`, `n`, `false`, `f`, `off`, in any case.
pub fn boolean(text: &[u8]) -> Result<bool> {
    let place = text::place(text, b"1 yes y true t on 0 no n false f off", true);
    place.map(|place| place < 6).ok_or(Errno::INVAL)
}

/// A number in a base; in 0, that which its prefix says.
fn unsigned(text: &CStr, base: c_int, end: u8, convert: impl FnOnce(&CStr, c_int, u8) -> Result<u64>) -> Result<u64> {
    let (base, text) = if base == 0 { prefix(text) } else { (base, text) };
    match convert(text, base, end)? {
        // A minus sign makes strtoull wrap around. libsystemd sees it only where it comes first, not behind white space that
        // strtoull skips and it does not.
        1.. if matches!(text.to_bytes(), [b'-', ..]) => Err(Errno::RANGE),
        number => Ok(number),
    }
}

/// The base that a prefix of libsystemd's own says, and what follows it; otherwise 0, for C's prefixes.
fn prefix(text: &CStr) -> (c_int, &CStr) {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let text = sys::tail(text, text.to_bytes().iter().take_while(blank).count());
    match text.to_bytes() {
        [b'0', b'b' | b'B', ..] => (2, sys::tail(text, 2)),
        [b'0', b'o' | b'O', ..] => (8, sys::tail(text, 2)),
        _ => (0, text),
    }
}

#[cfg(test)]
mod tests {
    use super::{boolean, int, pid, u64, uid};
    use crate::Errno;
    use core::ffi::{CStr, c_int};

    const INVALID: i128 = -(libc::EINVAL as i128);
    const RANGE: i128 = -(libc::ERANGE as i128);

    #[test]
    fn numbers_are_read_as_libsystemd_reads_them() {
        // An int and a PID are read as a long; where that has 32 bits, what is larger is out of range, rubbish or not, and what
        // is negative wraps around sooner.
        let long = |short: i128, long: i128| if cfg!(target_pointer_width = "32") { short } else { long };
        // text, as int, as unsigned 64-bit, as PID
        let cases: &[(&CStr, i128, i128, i128)] = &[
            (c"1", 1, 1, 1),
            (c" \t\r\n1", 1, 1, 1),
            (c"\x0b\x0c1", 1, 1, 1),
            (c"1 ", INVALID, INVALID, INVALID),
            (c"", INVALID, INVALID, INVALID),
            (c"+", INVALID, INVALID, INVALID),
            (c"x", INVALID, INVALID, INVALID),
            (c"+7", 7, 7, 7),
            (c"0", 0, 0, RANGE),
            (c"-0", 0, 0, RANGE),
            (c"-1", -1, RANGE, RANGE),
            (c"0x1F", 31, 31, 31),
            (c"0x", INVALID, INVALID, INVALID),
            (c"0x0x1", INVALID, INVALID, INVALID),
            (c"010", 8, 8, 8),
            (c"08", INVALID, INVALID, INVALID),
            (c"0b101", 5, 5, 5),
            (c"0o17", 15, 15, 15),
            (c"0b+1", 1, 1, 1),
            (c"0b 1", 1, 1, 1),
            (c"0b-1", -1, RANGE, RANGE),
            (c"0b -11", -3, 0xffff_ffff_ffff_fffd, RANGE),
            (c"+0b1", INVALID, INVALID, INVALID),
            (c"\x0b0b1", INVALID, INVALID, INVALID),
            (c"0b2", INVALID, INVALID, INVALID),
            (c"2147483647", 0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff),
            (c"2147483648", RANGE, 0x8000_0000, RANGE),
            (c"-2147483648", -0x8000_0000, RANGE, RANGE),
            (c"18446744073709551615", RANGE, 0xffff_ffff_ffff_ffff, RANGE),
            (c"18446744073709551616", RANGE, RANGE, RANGE),
            (c"99999999999999999999x", RANGE, RANGE, RANGE),
            (c"\x0b-18446744073709551615", RANGE, 1, long(RANGE, 1)),
            (c"\x0b-4294967295", RANGE, 0xffff_ffff_0000_0001, long(1, RANGE)),
            (c"9223372036854775808x", RANGE, INVALID, long(RANGE, INVALID)),
            (c"4294967296 ", long(RANGE, INVALID), INVALID, long(RANGE, INVALID)),
        ];
        for (text, as_int, as_u64, as_pid) in cases {
            let number = |error: Errno| -i128::from(error.number());
            assert_eq!(int(text).map_or_else(number, i128::from), *as_int, "int {text:?}");
            assert_eq!(u64(text).map_or_else(number, i128::from), *as_u64, "u64 {text:?}");
            assert_eq!(pid(text).map_or_else(number, i128::from), *as_pid, "pid {text:?}");
        }
    }

    #[test]
    fn ids_of_users_are_decimal_numbers_and_nothing_else() {
        let cases: &[(&CStr, Result<u32, c_int>)] = &[
            (c"0", Ok(0)),
            (c"7", Ok(7)),
            (c"4294967294", Ok(4294967294)),
            (c"\x0b7", Ok(7)),
            (c"\x0b07", Ok(7)),
            (c"", Err(libc::EINVAL)),
            (c"07", Err(libc::EINVAL)),
            (c"+7", Err(libc::EINVAL)),
            (c"-7", Err(libc::EINVAL)),
            (c" 7", Err(libc::EINVAL)),
            (c"7 ", Err(libc::EINVAL)),
            (c"0x7", Err(libc::EINVAL)),
            (c"root", Err(libc::EINVAL)),
            (c"65535", Err(libc::ENXIO)),
            (c"4294967295", Err(libc::ENXIO)),
            (c"4294967296", Err(libc::ERANGE)),
            (c"99999999999999999999x", Err(libc::ERANGE)),
        ];
        for (text, expected) in cases {
            assert_eq!(uid(text).map_err(Errno::number), *expected, "{text:?}");
        }
    }

    #[test]
    fn yes_and_no_are_said_in_six_ways_each() {
        for text in ["1", "yes", "Y", "true", "T", "oN"] {
            assert_eq!(boolean(text.as_bytes()), Ok(true), "{text}");
        }
        for text in ["0", "NO", "n", "False", "f", "off"] {
            assert_eq!(boolean(text.as_bytes()), Ok(false), "{text}");
        }
        for text in ["", "2", "ye", "yes ", "11", "\x11"] {
            assert_eq!(boolean(text.as_bytes()), Err(Errno::INVAL), "{text}");
        }
    }
}
