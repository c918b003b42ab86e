//! sd-id128(3).

use super::Compared::Since;
use super::{Case, call};

const EINVAL: i32 = -libc::EINVAL;
const ENOENT: i32 = -libc::ENOENT;
const ENOSYS: i32 = -libc::ENOSYS;
const ENXIO: i32 = -libc::ENXIO;
const EPERM: i32 = -libc::EPERM;

/// Kernels older than Linux 3.17, and whoever is not allowed to make the call.
const NO_GETRANDOM: &[&str] = &["getrandom:error=ENOSYS"];

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    call("sd_id128_to_string(some_id, digits) != digits", 0, ""),
    call("sd_id128_to_uuid_string(some_id, digits) != digits", 0, ""),
    call("sd_id128_from_string(ID, &id)", 0, ""),
    call("sd_id128_from_string(\"?\", &id)", EINVAL, ""),
    call("sd_id128_string_equal(ID, some_id)", 0, ""),

    call("sd_id128_randomize(&id)", 0, "getrandom"),
    call("sd_id128_randomize(&id)", 0, "getrandom, openat, read, close").always(NO_GETRANDOM),

    call("sd_id128_get_machine(&id)", 0, "openat, read, close").given("machine(ID)"),
    call("sd_id128_get_machine(&id)", 0, "").given("machine(ID); sd_id128_get_machine(&id); machine(NULL)"),
    call("sd_id128_get_machine(&id)", ENOENT, "openat").given("machine(NULL)"),
    call("sd_id128_get_boot(&id)", 0, "openat, read, close"),
    call("sd_id128_get_boot(&id)", 0, "").given("sd_id128_get_boot(&id)"),
    call("sd_id128_get_boot(&id)", ENOSYS, "2 openat, fstatfs, close").given("empty(\"/proc\")").compared(Since("LIBSYSTEMD_253")),
    call("sd_id128_get_invocation(&id)", 0, "").given("setenv(\"INVOCATION_ID\", ID, 1)"),
    call("sd_id128_get_invocation(&id)", 0, "request_key, 2 keyctl").given("key(0x0b0b0000)"),
    call("sd_id128_get_invocation(&id)", 0, "").given("key(0x0b0b0000); sd_id128_get_invocation(&id)"),
    call("sd_id128_get_invocation(&id)", EPERM, "request_key, keyctl").given("key(0x3f3f3f3f)"),
    call("sd_id128_get_invocation(&id)", ENXIO, "request_key").given("key(0)"),

    call("sd_id128_get_app_specific(some_id, some_id, &id)", 0, ""),
    call("sd_id128_get_machine_app_specific(some_id, &id)", 0, "openat, read, close").given("machine(ID)"),
    call("sd_id128_get_machine_app_specific(some_id, NULL)", EINVAL, ""),
    call("sd_id128_get_boot_app_specific(some_id, &id)", 0, "openat, read, close"),
    call("sd_id128_get_invocation_app_specific(some_id, &id)", 0, "request_key, 2 keyctl").given("key(0x0b0b0000)"),
];
