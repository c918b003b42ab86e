//! Time spans, as systemd.time(7) writes them, in microseconds.

pub use sd_tools::span::{DAY, HOUR, MINUTE, MONTH, SECOND, WEEK, YEAR};

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
