//! ConditionVirtualization=: what systemd-detect-virt(1) tells.

use std::fs;
use std::path::Path;

use crate::unit::value;

/// What firmware says of machines that are none, and systemd's names for them.
const VENDORS: [(&str, &str); 13] = [
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Hyper-V", "microsoft"),
];

/// What processors say of their hypervisors.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
const HYPERVISORS: [(&[u8; 12], &str); 10] = [
    (b"XenVMMXenVMM", "xen"),
    (b"KVMKVMKVM\0\0\0", "kvm"),
    (b"Linux KVM Hv", "kvm"),
    (b"TCGTCGTCGTCG", "qemu"),
    (b"VMwareVMware", "vmware"),
    (b"Microsoft Hv", "microsoft"),
    (b"bhyve bhyve ", "bhyve"),
    (b"QNXQVMBSQG\0\0", "qnx"),
    (b"ACRNACRNACRN", "acrn"),
    (b"SRESRESRESRE", "sre"),
];

/// Of containers, systemd's names.
const CONTAINERS: [&str; 10] =
    ["systemd-nspawn", "lxc", "lxc-libvirt", "docker", "podman", "rkt", "wsl", "proot", "pouch", "openvz"];

pub(super) fn is(parameter: &str) -> bool {
    if parameter == "private-users" {
        return has_private_users();
    }
    let container = container();
    let innermost = || container.or_else(machine);
    match (parameter, value::boolean(parameter)) {
        (_, Ok(virtual_one)) => innermost().is_some() == virtual_one,
        ("container", _) => container.is_some(),
        ("vm", _) => container.is_none() && machine().is_some(),
        (name, _) => innermost() == Some(name),
    }
}

/// The container that this is in.
pub(super) fn container() -> Option<&'static str> {
    let named = |name: &str| {
        let known = CONTAINERS.iter().find(|known| **known == name).copied();
        known.or_else(by_file).unwrap_or("container-other")
    };
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if Path::new("/proc/vz").exists() && !Path::new("/proc/bc").exists() {
        return Some("openvz");
    }
    if release.contains("Microsoft") || release.contains("WSL") {
        return Some("wsl");
    }
    let files = ["/run/host/container-manager", "/run/systemd/container"];
    let said = files.iter().find_map(|file| fs::read_to_string(file).ok());
    let said = said.or_else(|| {
        let variables = fs::read_to_string("/proc/1/environ").ok()?;
        variables.split('\0').find_map(|variable| variable.strip_prefix("container=")).map(str::to_owned)
    });
    said.filter(|name| !name.trim().is_empty()).map(|name| named(name.trim())).or_else(by_file)
}

fn by_file() -> Option<&'static str> {
    let files = [("/run/.containerenv", "podman"), ("/.dockerenv", "docker")];
    files.iter().find(|(file, _)| Path::new(file).exists()).map(|(_, name)| *name)
}

/// The virtual machine that this is.
fn machine() -> Option<&'static str> {
    let firmware = of_firmware();
    // Where there is a hypervisor below these, it is not asked.
    if matches!(firmware, Some("oracle" | "xen" | "amazon" | "parallels")) {
        return firmware;
    }
    of_processor().or(firmware).or_else(of_kernel)
}

fn of_firmware() -> Option<&'static str> {
    ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"].iter().find_map(|file| {
        let text = fs::read_to_string(Path::new("/sys/class/dmi/id").join(file)).ok()?;
        VENDORS.iter().find(|(vendor, _)| text.starts_with(vendor)).map(|(_, name)| *name)
    })
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn of_processor() -> Option<&'static str> {
    #[cfg(target_arch = "x86")]
    use std::arch::x86::__cpuid;
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::__cpuid;

    const HAS_HYPERVISOR: u32 = 1 << 31;
    #[allow(unused_unsafe, reason = "it is a safe function since Rust 1.94")]
    // SAFETY: every processor that this runs on has the instruction, and answers these questions.
    let (features, answer) = unsafe { (__cpuid(1), __cpuid(0x4000_0000)) };
    if features.ecx & HAS_HYPERVISOR == 0 {
        return None;
    }
    let signature = [answer.ebx, answer.ecx, answer.edx].map(u32::to_le_bytes).concat();
    let known = HYPERVISORS.iter().find(|(known, _)| signature == *known);
    Some(known.map_or("vm-other", |(_, name)| name))
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn of_processor() -> Option<&'static str> {
    let compatible = fs::read_to_string("/proc/device-tree/hypervisor/compatible").ok()?;
    match compatible.trim_end_matches('\0') {
        "linux,kvm" => Some("kvm"),
        xen if xen.contains("xen") => Some("xen"),
        vmware if vmware.contains("vmware") => Some("vmware"),
        _ => Some("vm-other"),
    }
}

fn of_kernel() -> Option<&'static str> {
    let is_uml = fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains("\nvendor_id\t: User Mode Linux"));
    let is_xen = fs::read_to_string("/sys/hypervisor/type").is_ok_and(|kind| kind.trim() == "xen");
    if is_uml { Some("uml") } else { is_xen.then_some("xen") }
}

/// Whether this is in a user namespace of its own.
fn has_private_users() -> bool {
    ["uid_map", "gid_map"].iter().any(|file| {
        let map = fs::read_to_string(Path::new("/proc/self").join(file)).unwrap_or_default();
        let fields: Vec<_> = map.split_whitespace().collect();
        !fields.is_empty() && fields != ["0", "0", "4294967295"]
    })
}
