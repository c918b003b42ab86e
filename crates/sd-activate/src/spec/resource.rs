//! What a unit's control group is limited to: systemd.resource-control(5).

use std::collections::BTreeMap;
use std::time::Duration;

/// Attributes of a control group, in cgroup v2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// MemoryMax=, TasksMax= and their siblings: each by its attribute; `u64::MAX` is "infinity".
    pub amounts: BTreeMap<&'static str, u64>,
    /// CPUWeight=.
    pub cpu_weight: Option<CpuWeight>,
    /// CPUQuota=, in hundredths of a percent of one CPU.
    pub cpu_quota: Option<u32>,
    /// CPUQuotaPeriodSec=.
    pub cpu_quota_period: Option<Duration>,
    /// IOWeight=.
    pub io_weight: Option<u16>,
}

/// CPUWeight=.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuWeight {
    /// Only what nobody else takes.
    Idle,
    /// A share.
    Share(u16),
}

impl Resources {
    /// What is written into which attributes.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let amount = |amount: u64| if amount == u64::MAX { "max".to_owned() } else { amount.to_string() };
        let mut attributes: Vec<_> = self.amounts.iter().map(|(name, value)| (*name, amount(*value))).collect();
        match self.cpu_weight {
            Some(CpuWeight::Idle) => attributes.push(("cpu.idle", "1".to_owned())),
            Some(CpuWeight::Share(weight)) => attributes.push(("cpu.weight", weight.to_string())),
            None => (),
        }
        attributes.extend(self.cpu_quota.map(|quota| ("cpu.max", self.cpu_max(quota))));
        attributes.extend(self.io_weight.map(|weight| ("io.weight", format!("default {weight}"))));
        attributes
    }

    /// So many microseconds in each period, the kernel takes neither below a millisecond, and no period above a second.
    fn cpu_max(&self, quota: u32) -> String {
        const LEAST: u64 = 1_000;
        const MOST: u64 = 1_000_000;
        const WHOLE: u64 = 10_000;
        let quota = u64::from(quota).max(1);
        let period = self.cpu_quota_period.map_or(100_000, |period| u64::try_from(period.as_micros()).unwrap_or(MOST));
        let period = period.max((LEAST * WHOLE).div_ceil(quota)).clamp(LEAST, MOST);
        format!("{} {period}", (period * quota / WHOLE).max(LEAST))
    }
}

/// The controller that an attribute is of.
pub fn controller(attribute: &str) -> &str {
    attribute.split('.').next().unwrap_or(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_part_of_a_period_that_the_kernel_takes() {
        for (quota, period, expected) in [
            (2_000, None, "20000 100000"),
            (15_000, None, "150000 100000"),
            (2_000, Some(10_000), "2000 10000"),
            (2_000, Some(1_000), "1000 5000"),
            (2_000, Some(10_000_000), "200000 1000000"),
            (1, None, "1000 1000000"),
        ] {
            let cpu_quota_period = period.map(Duration::from_micros);
            let resources = Resources { cpu_quota: Some(quota), cpu_quota_period, ..Resources::default() };
            assert_eq!(resources.attributes(), [("cpu.max", expected.to_owned())], "{quota} {period:?}");
        }
    }
}
