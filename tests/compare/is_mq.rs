//! sd_is_mq(3).

use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::descriptors;
use crate::is_file::{Case, compare_cases};
use crate::paths::{self, Path};
use crate::zoo::Class;

pub const SD_IS_MQ: Function = Function { name: "sd_is_mq", share: 60, needs_namespace: false, compare };

const NAMES: &[&str] = &[
    "/a",
    "/b",
    "a",
    "",
    "/",
    "//",
    "//a",
    "/a/",
    "/a/.",
    "/a/b",
    "/./a",
    "/.",
    "/..",
    "/../mqueue/a",
    "/../null",
    "/../zero",
    "/missing",
    "/missing/a",
    "/name/with/slash",
    "/A",
    "/a ",
    "/\u{e4}",
    "mqueue/a",
    "/dev/mqueue/a",
    "../dev/mqueue/a",
];

fn compare(comparison: &Comparison<'_>) -> Result<(), Difference> {
    // Around PATH_MAX, with and without what stands before the name.
    let long = (4070..4110_usize).prop_map(|length| Path::Raw(Bytes([&b"/".repeat(length - 1)[..], b"a"].concat())));
    let long_name = (250..260_usize).prop_map(|length| Path::Raw(Bytes([&b"/"[..], &b"n".repeat(length)].concat())));
    let paths = prop_oneof![
        4 => Just(Path::Null),
        8 => Just(Path::Named("/a")),
        8 => select(NAMES).prop_map(Path::Named),
        1 => long,
        1 => long_name,
        1 => paths::paths(),
    ];
    let usual = |class| matches!(class, Class::Queue);
    let cases = (descriptors::arguments(usual), paths).prop_map(|(fd, path)| Case { fd, path });
    compare_cases(comparison, &cases)
}
