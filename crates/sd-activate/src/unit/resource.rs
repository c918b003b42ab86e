//! Amounts and shares of systemd.resource-control(5).

use std::fs;

use super::given::Given;
use super::value::{self, Invalid};
use crate::control_group;
use crate::spec::CpuWeight;

/// What a share is a share of.
#[derive(Clone, Copy)]
pub enum Whole {
    /// The machine's memory.
    Memory,
    /// Its swap space.
    Swap,
    /// The threads that the kernel allows.
    Tasks,
}

impl Whole {
    /// A share is made of whole ones of these.
    fn unit(self) -> u64 {
        match self {
            Self::Memory | Self::Swap => control_group::page_size(),
            Self::Tasks => 1,
        }
    }

    fn size(self) -> u64 {
        match self {
            Self::Memory => control_group::memory().unwrap_or(0),
            Self::Swap => kibibytes("SwapTotal:"),
            Self::Tasks => {
                let processes = number("/proc/sys/kernel/pid_max").saturating_sub(1);
                number("/proc/sys/kernel/threads-max").min(processes)
            }
        }
    }
}

fn kibibytes(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse::<u64>().ok());
    value.unwrap_or(0).saturating_mul(1024)
}

fn number(path: &str) -> u64 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX)
}

/// An amount: with a suffix, in percent of all that there is, or "infinity", `u64::MAX`. None where nothing is assigned.
pub fn amount(given: &Given<'_>, whole: Whole, least: u64) -> Result<Option<u64>, Invalid> {
    if given.is_empty() {
        return Ok(None);
    }
    if given.value == "infinity" {
        return Ok(Some(u64::MAX));
    }
    let amount = match (hundredths(given.value), whole) {
        (Some(share @ ..=10_000), _) => {
            let unit = whole.unit();
            let share = u128::from(whole.size() / unit) * u128::from(share) / 10_000;
            u64::try_from(share).unwrap_or(u64::MAX).saturating_mul(unit)
        }
        (Some(_), _) => return Err(Invalid::new(format_args!("{} is more than there is", given.value))),
        (None, Whole::Tasks) => value::integer(given.value, least, u64::MAX - 1)?,
        (None, Whole::Memory | Whole::Swap) => value::size(given.value)?,
    };
    if matches!(whole, Whole::Memory | Whole::Swap) && (amount < least || amount == u64::MAX) {
        return Err(Invalid::new(format_args!("{} is out of range: give infinity for no limit", given.value)));
    }
    Ok(Some(amount))
}

/// A percentage with two places at most, in hundredths of a percent.
pub fn hundredths(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 2 || number.ends_with('.') {
        return None;
    }
    let fraction: u32 = format!("{fraction:0<2}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(fraction)
}

/// CPUQuota=.
pub fn quota(given: &Given<'_>) -> Result<Option<u32>, Invalid> {
    if given.is_empty() {
        return Ok(None);
    }
    let quota = hundredths(given.value).filter(|quota| *quota > 0);
    quota.map(Some).ok_or_else(|| {
        Invalid::new(format_args!("\"{}\" is no part of a CPU: give one such as 50%, or 200% for two", given.value))
    })
}

/// CPUWeight=.
pub fn cpu_weight(given: &Given<'_>) -> Result<Option<CpuWeight>, Invalid> {
    if given.value == "idle" {
        return Ok(Some(CpuWeight::Idle));
    }
    Ok(weight(given)?.map(CpuWeight::Share))
}

/// IOWeight= and its like.
pub fn weight(given: &Given<'_>) -> Result<Option<u16>, Invalid> {
    if given.is_empty() { Ok(None) } else { value::integer(given.value, 1, 10_000).map(Some) }
}
