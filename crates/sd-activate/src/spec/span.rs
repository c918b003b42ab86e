//! Time spans, as systemd.time(7) writes them, in microseconds.

/// A second: what a number without a unit mostly means.
pub const SECOND: u64 = 1_000_000;
/// A minute.
pub const MINUTE: u64 = 60 * SECOND;
/// A hour.
pub const HOUR: u64 = 60 * MINUTE;
/// A day.
pub const DAY: u64 = 24 * HOUR;
/// A week.
pub const WEEK: u64 = 7 * DAY;
/// A month: a twelfth of a year.
pub const MONTH: u64 = 2_629_800 * SECOND;
/// A year of 365.25 days.
pub const YEAR: u64 = 31_557_600 * SECOND;

/// A time span: `1min 30s`. What is less than `accuracy` is left out.
pub fn duration(time: u64, accuracy: u64) -> String {
    const UNITS: [(&str, u64); 9] = [
        ("y", YEAR),
        ("month", MONTH),
        ("w", WEEK),
        ("d", DAY),
        ("h", HOUR),
        ("min", MINUTE),
        ("s", SECOND),
        ("ms", 1000),
        ("us", 1),
    ];
    if time == 0 {
        return "0".to_owned();
    }
    let mut rest = time;
    let mut parts: Vec<String> = Vec::new();
    for (name, unit) in UNITS {
        if rest == 0 || !parts.is_empty() && (rest < accuracy || unit < accuracy) {
            break;
        }
        if rest < unit {
            continue;
        }
        let (whole, fraction) = (rest / unit, rest % unit);
        // The last part, below a minute, has a fraction.
        if rest < MINUTE && fraction > 0 {
            let digits = digits(unit, accuracy);
            let shown = fraction / (unit / 10_u64.pow(digits));
            if shown > 0 {
                parts.push(format!("{whole}.{shown:0width$}{name}", width = digits as usize));
                break;
            }
        }
        parts.push(format!("{whole}{name}"));
        rest = fraction;
    }
    parts.join(" ")
}

/// How many digits a fraction of a unit has that is shown down to this accuracy.
fn digits(unit: u64, accuracy: u64) -> u32 {
    let accuracy = accuracy.max(1);
    let mut digits = 0;
    let mut place = unit;
    while place > accuracy {
        place /= 10;
        digits += 1;
    }
    digits
}
