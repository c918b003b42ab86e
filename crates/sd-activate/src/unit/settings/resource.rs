//! The settings of systemd.resource-control(5).

use super::Unless::{Empty, Never, Off, OneOf};

use super::{NO, Setting, confining_not_here, limits, no_effect, refused, set};
use crate::unit::draft::Draft;
use crate::unit::given::Given;
use crate::unit::resource::{self, Whole};
use crate::unit::value::Invalid;

const ACCOUNTING: &str = "nothing is accounted for here";
const SHARES: &str = "it shares the machine out between control groups in a way that is not done here";
const BOOT: &str = "it is for the time in which a machine boots or shuts down";
const OOMD: &str = "it is for systemd-oomd, which does not run here";

/// A limit that is none.
const UNLIMITED: super::Unless = OneOf(&["infinity"]);

pub(super) const RESOURCE_CONTROL: &[Setting] = &[
    no_effect("CPUAccounting", ACCOUNTING),
    limits("CPUWeight", "cpu", |draft, given| set(&mut draft.exec.resources.cpu_weight, resource::cpu_weight(given))),
    no_effect("StartupCPUWeight", BOOT),
    limits("CPUQuota", "cpu", |draft, given| set(&mut draft.exec.resources.cpu_quota, resource::quota(given))),
    limits("CPUQuotaPeriodSec", "cpu", |draft, given| {
        let period = if given.is_empty() { Ok(None) } else { given.seconds().map(Some) };
        set(&mut draft.exec.resources.cpu_quota_period, period)
    }),
    refused("AllowedCPUs", Empty),
    no_effect("StartupAllowedCPUs", BOOT),
    refused("AllowedMemoryNodes", Empty),
    no_effect("StartupAllowedMemoryNodes", BOOT),
    no_effect("MemoryAccounting", ACCOUNTING),
    limits("MemoryMin", "memory", |draft, given| amount(draft, given, "memory.min", Whole::Memory, 0)),
    no_effect("StartupMemoryMin", BOOT).since(254),
    no_effect("DefaultMemoryMin", SHARES),
    limits("MemoryLow", "memory", |draft, given| amount(draft, given, "memory.low", Whole::Memory, 0)),
    no_effect("StartupMemoryLow", BOOT).since(254),
    no_effect("DefaultMemoryLow", SHARES),
    no_effect("DefaultStartupMemoryLow", BOOT).since(254),
    limits("MemoryHigh", "memory", |draft, given| amount(draft, given, "memory.high", Whole::Memory, 1)),
    no_effect("StartupMemoryHigh", BOOT).since(254),
    limits("MemoryMax", "memory", |draft, given| amount(draft, given, "memory.max", Whole::Memory, 1)),
    no_effect("StartupMemoryMax", BOOT).since(254),
    limits("MemorySwapMax", "memory", |draft, given| amount(draft, given, "memory.swap.max", Whole::Swap, 0)),
    no_effect("StartupMemorySwapMax", BOOT).since(254),
    limits("MemoryZSwapMax", "memory", |draft, given| amount(draft, given, "memory.zswap.max", Whole::Memory, 0))
        .since(253),
    no_effect("StartupMemoryZSwapMax", BOOT).since(254),
    no_effect("MemoryZSwapWriteback", SHARES).since(256),
    no_effect("MemoryPressureWatch", "nothing watches the pressure on memory here").since(254),
    no_effect("MemoryPressureThresholdSec", "nothing watches the pressure on memory here").since(254),
    no_effect("TasksAccounting", ACCOUNTING),
    limits("TasksMax", "pids", |draft, given| amount(draft, given, "pids.max", Whole::Tasks, 1)),
    no_effect("IOAccounting", ACCOUNTING),
    limits("IOWeight", "io", |draft, given| set(&mut draft.exec.resources.io_weight, resource::weight(given))),
    no_effect("StartupIOWeight", BOOT),
    no_effect("IODeviceWeight", SHARES),
    refused("IOReadBandwidthMax", Empty),
    refused("IOWriteBandwidthMax", Empty),
    refused("IOReadIOPSMax", Empty),
    refused("IOWriteIOPSMax", Empty),
    no_effect("IODeviceLatencyTargetSec", SHARES),
    no_effect("IPAccounting", ACCOUNTING),
    confining_not_here("IPAddressAllow", Empty),
    confining_not_here("IPAddressDeny", Empty),
    confining_not_here("IPIngressFilterPath", Empty),
    confining_not_here("IPEgressFilterPath", Empty),
    confining_not_here("BPFProgram", Empty),
    confining_not_here("SocketBindAllow", Empty),
    confining_not_here("SocketBindDeny", Empty),
    confining_not_here("RestrictNetworkInterfaces", Empty),
    refused("NFTSet", Empty).since(255),
    confining_not_here("DeviceAllow", Empty),
    confining_not_here("DevicePolicy", OneOf(&["auto"])),
    no_effect("Slice", "there are no slices here"),
    refused("Delegate", OneOf(NO)),
    refused("DelegateSubgroup", Empty).since(254),
    no_effect("DisableControllers", SHARES),
    no_effect("ManagedOOMSwap", OOMD),
    no_effect("ManagedOOMMemoryPressure", OOMD),
    no_effect("ManagedOOMMemoryPressureLimit", OOMD),
    no_effect("ManagedOOMMemoryPressureDurationSec", OOMD).since(257),
    no_effect("ManagedOOMPreference", OOMD),
    refused("CoredumpReceive", Off).since(255),
    // Those of control groups of version 1.
    no_effect("CPUShares", SHARES),
    no_effect("StartupCPUShares", BOOT),
    refused("MemoryLimit", UNLIMITED),
    no_effect("BlockIOAccounting", ACCOUNTING),
    no_effect("BlockIOWeight", SHARES),
    no_effect("StartupBlockIOWeight", BOOT),
    no_effect("BlockIODeviceWeight", SHARES),
    refused("BlockIOReadBandwidth", Never),
    refused("BlockIOWriteBandwidth", Never),
];

/// An amount that is written into this attribute.
fn amount(
    draft: &mut Draft,
    given: &Given<'_>,
    attribute: &'static str,
    whole: Whole,
    least: u64,
) -> Result<(), Invalid> {
    let amounts = &mut draft.exec.resources.amounts;
    match resource::amount(given, whole, least)? {
        Some(amount) => drop(amounts.insert(attribute, amount)),
        None => drop(amounts.remove(attribute)),
    }
    Ok(())
}
