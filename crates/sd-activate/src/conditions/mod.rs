//! Conditions and asserts, as "Conditions and Asserts" in systemd.unit(5) has them: what keeps a unit from being started.

mod compare;
mod machine;
mod path;
mod process;
mod virtualization;

use crate::spec::{Condition, Test, UnitSpec};

/// The condition that keeps a unit from being started, or, where there is none, the assert. As in systemd's messages, it is the
/// last of those that are not met, and a triggering one only where it is none of the others.
pub fn unmet(unit: &UnitSpec) -> Option<&Condition> {
    [false, true].into_iter().find_map(|assertion| {
        unmet_among(unit.conditions.iter().filter(move |condition| condition.assertion == assertion), is_met)
    })
}

/// All others have to be met, and one of the triggering ones where there is any.
fn unmet_among<'a>(
    conditions: impl Iterator<Item = &'a Condition> + Clone,
    is_met: impl Fn(&Condition) -> bool,
) -> Option<&'a Condition> {
    let others = conditions.clone().filter(|condition| !condition.triggering);
    if let Some(unmet) = others.filter(|condition| !is_met(condition)).last() {
        return Some(unmet);
    }
    let mut triggering = conditions.filter(|condition| condition.triggering);
    let last = triggering.clone().last();
    if triggering.any(is_met) { None } else { last }
}

/// What cannot be understood or told is not met, negated or not.
fn is_met(condition: &Condition) -> bool {
    ask(condition.test, &condition.parameter).is_some_and(|answer| answer != condition.negated)
}

fn ask(test: Test, parameter: &str) -> Option<bool> {
    match test {
        Test::Architecture => Some(machine::is_architecture(parameter)),
        Test::Capability => process::has_capability(parameter),
        Test::ControlGroupController => Some(machine::has_controllers(parameter)),
        Test::Cpus => machine::cpus(parameter),
        Test::DirectoryNotEmpty => Some(path::is_filled_directory(parameter.as_ref())),
        Test::Environment => Some(process::has_variable(parameter)),
        Test::FileIsExecutable => Some(path::is_executable(parameter.as_ref())),
        Test::FileNotEmpty => Some(path::is_filled_file(parameter.as_ref())),
        Test::Group => Some(process::has_group(parameter)),
        Test::Host => machine::is_host(parameter),
        Test::KernelCommandLine => machine::has_on_command_line(parameter),
        Test::KernelVersion => machine::kernel_version(parameter),
        Test::Memory => machine::memory(parameter),
        Test::OsRelease => machine::os_release(parameter),
        Test::PathExists => Some(path::exists(parameter.as_ref())),
        Test::PathExistsGlob => Some(path::matches(parameter.as_ref())),
        Test::PathIsDirectory => Some(path::is_directory(parameter.as_ref())),
        Test::PathIsMountPoint => Some(path::is_mount_point(parameter.as_ref())),
        Test::PathIsReadWrite => Some(path::is_read_write(parameter.as_ref())),
        Test::PathIsSymbolicLink => Some(path::is_link(parameter.as_ref())),
        Test::User => Some(process::is_user(parameter)),
        Test::Virtualization => Some(virtualization::is(parameter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Origin;

    fn condition(text: &str) -> Condition {
        let (triggering, text) = text.strip_prefix('|').map_or((false, text), |rest| (true, rest));
        let (negated, parameter) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let origin = Origin::option("");
        Condition {
            test: Test::PathExists,
            parameter: parameter.to_owned(),
            negated,
            triggering,
            assertion: false,
            origin,
        }
    }

    #[test]
    fn conditions_are_combined_as_systemd_combines_them() {
        // What is there is `y`; the parameters only tell the conditions apart.
        let is_met = |condition: &Condition| condition.parameter.starts_with('y') != condition.negated;
        for (conditions, expected) in [
            (&[][..], None),
            (&["y"], None),
            (&["n"], Some("n")),
            (&["!n"], None),
            (&["y", "!y", "n"], Some("n")),
            (&["n1", "n2", "y"], Some("n2")),
            (&["|n", "|y"], None),
            (&["|n1", "|n2"], Some("n2")),
            (&["|n", "y"], Some("n")),
            (&["|n", "|!n2", "n3"], Some("n3")),
            (&["n1", "|n2"], Some("n1")),
            (&["|n2", "n1"], Some("n1")),
        ] {
            let conditions: Vec<_> = conditions.iter().map(|text| condition(text)).collect();
            let unmet = unmet_among(conditions.iter(), is_met).map(|condition| condition.parameter.as_str());
            assert_eq!(unmet, expected, "{conditions:?}");
        }
    }
}
