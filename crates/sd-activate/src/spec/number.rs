//! Whole numbers, as systemd reads them.

/// A number: decimal, after 0x hexadecimal, after 0o or a mere zero octal, after 0b binary.
pub fn parse(text: &str) -> Option<i128> {
    let text = text.trim_start();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (base, digits) = match unsigned.get(..2) {
        Some("0x" | "0X") => (16, &unsigned[2..]),
        Some("0b" | "0B") if unsigned == text => (2, &unsigned[2..]),
        Some("0o" | "0O") if unsigned == text => (8, &unsigned[2..]),
        Some(prefix) if prefix.starts_with('0') => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let value = i128::from_str_radix(digits, base).ok()?;
    Some(if text.starts_with('-') { -value } else { value })
}
