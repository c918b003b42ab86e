//! How libsystemd reads a number, stated a second time: digit by digit and in 128 bits, without strtoull(3).

#![allow(dead_code, reason = "not every target takes all of it")]

/// A number and how it begins, or an error of errno(3).
type Read = Result<(i128, bool), i32>;

/// An unsigned number of 64 bits, which `end` has to follow (0: nothing may).
pub fn unsigned(text: &[u8], end: u8) -> Result<u64, i32> {
    let (value, sign_first) = read(text, end, |value| value.unsigned_abs() <= u64::MAX.into())?;
    match value {
        ..0 if sign_first => Err(libc::ERANGE),
        // Behind white space that only the C library skips, the sign wraps.
        value => Ok(value as u64),
    }
}

/// An unsigned number of 32 bits.
pub fn unsigned32(text: &[u8], end: u8) -> Result<u32, i32> {
    u32::try_from(unsigned(text, end)?).map_err(|_| libc::ERANGE)
}

/// An `int`.
pub fn int(text: &[u8]) -> Result<i32, i32> {
    let (value, _) = read(text, 0, |value| i64::try_from(value).is_ok())?;
    i32::try_from(value).map_err(|_| libc::ERANGE)
}

/// A process id.
pub fn pid(text: &[u8]) -> Result<i32, i32> {
    i32::try_from(unsigned(text, 0)?).ok().filter(|pid| *pid > 0).ok_or(libc::ERANGE)
}

/// A user id.
pub fn uid(text: &[u8]) -> Result<u32, i32> {
    if matches!(text, [b' ' | b'\t' | b'\n' | b'\r' | b'+' | b'-', ..] | [b'0', _, ..]) {
        return Err(libc::EINVAL);
    }
    let value = convert(text, Some(10), 0, |value| value.unsigned_abs() <= u64::MAX.into())?;
    match u32::try_from(value as u64) {
        Ok(0xffff | u32::MAX) => Err(libc::ENXIO),
        uid => uid.map_err(|_| libc::ERANGE),
    }
}

/// The number, and whether a minus sign is the first thing that libsystemd itself sees.
fn read(text: &[u8], end: u8, fits: impl Fn(i128) -> bool) -> Read {
    let mut rest = skip(text, b" \t\n\r");
    let mut base = None;
    if let [b'0', letter, after @ ..] = rest {
        base = match letter.to_ascii_lowercase() {
            b'b' => Some(2),
            b'o' => Some(8),
            _ => None,
        };
        if base.is_some() {
            rest = after;
        }
    }
    let sign_first = rest.first() == Some(&b'-');
    Ok((convert(rest, base, end, fits)?, sign_first))
}

/// As C does, in any base if there is none.
fn convert(text: &[u8], base: Option<u32>, end: u8, fits: impl Fn(i128) -> bool) -> Result<i128, i32> {
    let mut rest = skip(text, b" \t\n\x0b\x0c\r");
    let negative = rest.first() == Some(&b'-');
    if let [b'+' | b'-', after @ ..] = rest {
        rest = after;
    }
    let base = base.unwrap_or_else(|| match rest {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => {
            rest = &rest[2..];
            16
        }
        [b'0', ..] => 8,
        _ => 10,
    });
    let digits = rest.iter().take_while(|byte| char::from(**byte).is_digit(base)).count();
    if digits == 0 {
        return Err(libc::EINVAL);
    }
    let (digits, behind) = rest.split_at(digits);
    let mut value = 0_i128;
    for digit in digits {
        let digit = char::from(*digit).to_digit(base).unwrap();
        value = (value * i128::from(base) + i128::from(digit)).min(1 << 100);
    }
    if negative {
        value = -value;
    }
    // Out of range comes before rubbish behind the digits.
    if !fits(value) {
        return Err(libc::ERANGE);
    }
    match behind.first().copied().unwrap_or(0) == end {
        true => Ok(value),
        false => Err(libc::EINVAL),
    }
}

fn skip<'a>(text: &'a [u8], blanks: &[u8]) -> &'a [u8] {
    let first = text.iter().position(|byte| !blanks.contains(byte)).unwrap_or(text.len());
    &text[first..]
}
