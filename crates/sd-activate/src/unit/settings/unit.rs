//! The settings of systemd.unit(5), in its two sections.

use super::Unless::{Empty, Off};
use super::{Setting, honoured, no_effect, refused, set};
use crate::spec::{Condition, Dependency, JobMode, Relation, Test, UnitType};
use crate::unit::draft::Draft;
use crate::unit::given::Given;
use crate::unit::value::{self, Invalid};

const BOOT: &str = "it orders the units of a machine's boot and shutdown";
const REBOOT: &str = "nothing is rebooted here";
const ENABLE: &str = "it says what systemctl enable does";

pub(super) const UNIT: &[Setting] = &[
    honoured("Description", |draft, given| set(&mut draft.unit.description, given.text())),
    no_effect("Documentation", "it describes the unit"),
    no_effect("SourcePath", "it describes the unit"),
    honoured("Requires", |draft, given| depends(draft, given, Relation::Requires)),
    honoured("Wants", |draft, given| depends(draft, given, Relation::Wants)),
    honoured("BindsTo", |draft, given| depends(draft, given, Relation::BindsTo)),
    honoured("BindTo", |draft, given| depends(draft, given, Relation::BindsTo)),
    honoured("PartOf", |draft, given| depends(draft, given, Relation::PartOf)),
    honoured("Conflicts", |draft, given| depends(draft, given, Relation::Conflicts)),
    honoured("Before", |draft, given| depends(draft, given, Relation::Before)),
    honoured("After", |draft, given| depends(draft, given, Relation::After)),
    honoured("Requisite", |draft, given| depends(draft, given, Relation::Requisite)),
    honoured("Upholds", |draft, given| depends(draft, given, Relation::Upholds)),
    honoured("OnFailure", |draft, given| depends(draft, given, Relation::OnFailure)),
    honoured("OnSuccess", |draft, given| depends(draft, given, Relation::OnSuccess)),
    honoured("PropagatesReloadTo", |draft, given| depends(draft, given, Relation::PropagatesReloadTo)),
    honoured("PropagateReloadTo", |draft, given| depends(draft, given, Relation::PropagatesReloadTo)),
    honoured("ReloadPropagatedFrom", |draft, given| depends(draft, given, Relation::ReloadPropagatedFrom)),
    honoured("PropagateReloadFrom", |draft, given| depends(draft, given, Relation::ReloadPropagatedFrom)),
    honoured("PropagatesStopTo", |draft, given| depends(draft, given, Relation::PropagatesStopTo)),
    honoured("StopPropagatedFrom", |draft, given| depends(draft, given, Relation::StopPropagatedFrom)),
    // PrivateTmp= and the like are each unit's own.
    refused("JoinsNamespaceOf", Empty),
    no_effect("RequiresMountsFor", "file systems are mounted by others here"),
    no_effect("WantsMountsFor", "file systems are mounted by others here").since(256),
    honoured("RequiresOverridable", |draft, given| {
        given.say(Invalid::new("it is obsolete and means Requires=: give that"));
        depends(draft, given, Relation::Requires)
    }),
    honoured("RequisiteOverridable", |draft, given| {
        given.say(Invalid::new("it is obsolete and means Requisite=: give that"));
        depends(draft, given, Relation::Requisite)
    }),
    honoured("StopWhenUnneeded", |draft, given| set(&mut draft.unit.stop_when_unneeded, given.boolean())),
    honoured("RefuseManualStart", |draft, given| set(&mut draft.unit.refuse_manual_start, given.boolean())),
    honoured("RefuseManualStop", |draft, given| set(&mut draft.unit.refuse_manual_stop, given.boolean())),
    honoured("CollectMode", |draft, given| {
        let modes = &[("inactive", false), ("inactive-or-failed", true)];
        set(&mut draft.unit.collect_failed, given.one_of(modes))
    }),
    honoured("StartLimitIntervalSec", |draft, given| given.interval(&mut draft.unit.start_limit.interval)),
    honoured("StartLimitInterval", |draft, given| given.interval(&mut draft.unit.start_limit.interval)),
    honoured("StartLimitBurst", |draft, given| set(&mut draft.unit.start_limit.burst, given.unsigned())),
    honoured("StartLimitAction", |draft, given| set(&mut draft.unit.end_actions.start_limit, given.end_action())),
    honoured("FailureAction", |draft, given| set(&mut draft.unit.end_actions.failure, given.end_action())),
    honoured("SuccessAction", |draft, given| set(&mut draft.unit.end_actions.success, given.end_action())),
    honoured("FailureActionExitStatus", |draft, given| {
        set(&mut draft.unit.end_actions.failure_status, exit_status(given))
    }),
    honoured("SuccessActionExitStatus", |draft, given| {
        set(&mut draft.unit.end_actions.success_status, exit_status(given))
    }),
    no_effect("RebootArgument", REBOOT),
    refused("SurviveFinalKillSignal", Off).since(255),
    no_effect("DefaultDependencies", BOOT),
    honoured("AllowIsolate", |draft, given| set(&mut draft.unit.jobs.may_be_isolated, given.boolean())),
    honoured("IgnoreOnIsolate", |draft, given| set(&mut draft.unit.jobs.outlives_isolation, given.boolean())),
    honoured("OnSuccessJobMode", |draft, given| set(&mut draft.unit.jobs.on_success, given.one_of(JobMode::WORDS))),
    honoured("OnFailureJobMode", |draft, given| set(&mut draft.unit.jobs.on_failure, given.one_of(JobMode::WORDS))),
    honoured("OnFailureIsolate", |draft, given| {
        let mode = |isolate| if isolate { JobMode::Isolate } else { JobMode::Replace };
        set(&mut draft.unit.jobs.on_failure, given.boolean().map(mode))
    }),
    honoured("JobTimeoutSec", |draft, given| set(&mut draft.unit.jobs.timeout, given.timeout())),
    honoured("JobRunningTimeoutSec", |draft, given| set(&mut draft.unit.jobs.running_timeout, given.timeout())),
    honoured("JobTimeoutAction", |draft, given| set(&mut draft.unit.end_actions.job_timeout, given.end_action())),
    no_effect("JobTimeoutRebootArgument", REBOOT),
    honoured("ConditionArchitecture", |draft, given| ask(draft, given, Test::Architecture)),
    honoured("ConditionCapability", |draft, given| ask(draft, given, Test::Capability)),
    honoured("ConditionControlGroupController", |draft, given| ask(draft, given, Test::ControlGroupController)),
    honoured("ConditionCPUs", |draft, given| ask(draft, given, Test::Cpus)),
    honoured("ConditionDirectoryNotEmpty", |draft, given| ask(draft, given, Test::DirectoryNotEmpty)),
    honoured("ConditionEnvironment", |draft, given| ask(draft, given, Test::Environment)),
    honoured("ConditionFileIsExecutable", |draft, given| ask(draft, given, Test::FileIsExecutable)),
    honoured("ConditionFileNotEmpty", |draft, given| ask(draft, given, Test::FileNotEmpty)),
    honoured("ConditionGroup", |draft, given| ask(draft, given, Test::Group)),
    honoured("ConditionHost", |draft, given| ask(draft, given, Test::Host)),
    honoured("ConditionKernelCommandLine", |draft, given| ask(draft, given, Test::KernelCommandLine)),
    honoured("ConditionKernelVersion", |draft, given| ask(draft, given, Test::KernelVersion)),
    honoured("ConditionMemory", |draft, given| ask(draft, given, Test::Memory)),
    honoured("ConditionOSRelease", |draft, given| ask(draft, given, Test::OsRelease)),
    honoured("ConditionPathExists", |draft, given| ask(draft, given, Test::PathExists)),
    honoured("ConditionPathExistsGlob", |draft, given| ask(draft, given, Test::PathExistsGlob)),
    honoured("ConditionPathIsDirectory", |draft, given| ask(draft, given, Test::PathIsDirectory)),
    honoured("ConditionPathIsMountPoint", |draft, given| ask(draft, given, Test::PathIsMountPoint)),
    honoured("ConditionPathIsReadWrite", |draft, given| ask(draft, given, Test::PathIsReadWrite)),
    honoured("ConditionPathIsSymbolicLink", |draft, given| ask(draft, given, Test::PathIsSymbolicLink)),
    honoured("ConditionUser", |draft, given| ask(draft, given, Test::User)),
    honoured("ConditionVirtualization", |draft, given| ask(draft, given, Test::Virtualization)),
    honoured("AssertArchitecture", |draft, given| require(draft, given, Test::Architecture)),
    honoured("AssertCapability", |draft, given| require(draft, given, Test::Capability)),
    honoured("AssertControlGroupController", |draft, given| require(draft, given, Test::ControlGroupController)),
    honoured("AssertCPUs", |draft, given| require(draft, given, Test::Cpus)),
    honoured("AssertDirectoryNotEmpty", |draft, given| require(draft, given, Test::DirectoryNotEmpty)),
    honoured("AssertEnvironment", |draft, given| require(draft, given, Test::Environment)),
    honoured("AssertFileIsExecutable", |draft, given| require(draft, given, Test::FileIsExecutable)),
    honoured("AssertFileNotEmpty", |draft, given| require(draft, given, Test::FileNotEmpty)),
    honoured("AssertGroup", |draft, given| require(draft, given, Test::Group)),
    honoured("AssertHost", |draft, given| require(draft, given, Test::Host)),
    honoured("AssertKernelCommandLine", |draft, given| require(draft, given, Test::KernelCommandLine)),
    honoured("AssertKernelVersion", |draft, given| require(draft, given, Test::KernelVersion)),
    honoured("AssertMemory", |draft, given| require(draft, given, Test::Memory)),
    honoured("AssertOSRelease", |draft, given| require(draft, given, Test::OsRelease)),
    honoured("AssertPathExists", |draft, given| require(draft, given, Test::PathExists)),
    honoured("AssertPathExistsGlob", |draft, given| require(draft, given, Test::PathExistsGlob)),
    honoured("AssertPathIsDirectory", |draft, given| require(draft, given, Test::PathIsDirectory)),
    honoured("AssertPathIsMountPoint", |draft, given| require(draft, given, Test::PathIsMountPoint)),
    honoured("AssertPathIsReadWrite", |draft, given| require(draft, given, Test::PathIsReadWrite)),
    honoured("AssertPathIsSymbolicLink", |draft, given| require(draft, given, Test::PathIsSymbolicLink)),
    honoured("AssertUser", |draft, given| require(draft, given, Test::User)),
    honoured("AssertVirtualization", |draft, given| require(draft, given, Test::Virtualization)),
    // What cannot be answered here yet.
    refused("ConditionACPower", Empty),
    refused("ConditionCPUFeature", Empty),
    refused("ConditionCPUPressure", Empty),
    refused("ConditionCredential", Empty),
    refused("ConditionFirmware", Empty),
    refused("ConditionFirstBoot", Empty),
    refused("ConditionIOPressure", Empty),
    refused("ConditionMemoryPressure", Empty),
    refused("ConditionNeedsUpdate", Empty),
    refused("ConditionPathIsEncrypted", Empty),
    refused("ConditionPathIsSocket", Empty).since(258),
    refused("ConditionSecurity", Empty),
    refused("ConditionVersion", Empty).since(258),
    refused("ConditionKernelModuleLoaded", Empty).since(258),
    refused("AssertACPower", Empty),
    refused("AssertCPUFeature", Empty),
    refused("AssertCPUPressure", Empty),
    refused("AssertCredential", Empty),
    refused("AssertFirmware", Empty).since(253),
    refused("AssertFirstBoot", Empty),
    refused("AssertIOPressure", Empty),
    refused("AssertMemoryPressure", Empty),
    refused("AssertNeedsUpdate", Empty),
    refused("AssertPathIsEncrypted", Empty),
    refused("AssertPathIsSocket", Empty).since(258),
    refused("AssertSecurity", Empty),
    refused("AssertVersion", Empty).since(258),
    refused("AssertKernelModuleLoaded", Empty).since(258),
];

pub(super) const INSTALL: &[Setting] = &[
    no_effect("Alias", ENABLE),
    no_effect("WantedBy", ENABLE),
    no_effect("RequiredBy", ENABLE),
    no_effect("UpheldBy", ENABLE).since(254),
    no_effect("Also", ENABLE),
    no_effect("DefaultInstance", ENABLE),
];

/// A dependency on those of the units that there can be here. None depends on itself.
fn depends(draft: &mut Draft, given: &Given<'_>, relation: Relation) -> Result<(), Invalid> {
    for unit in given.units() {
        if unit.unit_type() == UnitType::Other {
            given.no_effect(format!("{unit}: there are no {} units here", unit.suffix()));
            continue;
        }
        if unit != draft.unit.name && !draft.unit.aliases.contains(&unit) {
            draft.unit.dependencies.push(Dependency { relation, unit, origin: given.origin.clone() });
        }
    }
    Ok(())
}

/// An exit status; None where that is the service's.
fn exit_status(given: &Given<'_>) -> Result<Option<u8>, Invalid> {
    if given.is_empty() { Ok(None) } else { value::integer(given.value, 0, u8::MAX).map(Some) }
}

fn ask(draft: &mut Draft, given: &Given<'_>, test: Test) -> Result<(), Invalid> {
    add_condition(draft, given, test, false)
}

fn require(draft: &mut Draft, given: &Given<'_>, test: Test) -> Result<(), Invalid> {
    add_condition(draft, given, test, true)
}

fn add_condition(draft: &mut Draft, given: &Given<'_>, test: Test, assertion: bool) -> Result<(), Invalid> {
    if given.is_empty() {
        // Those of every kind.
        draft.unit.conditions.retain(|condition| condition.assertion != assertion);
        return Ok(());
    }
    // Blanks may stand behind the marks, but not before a path.
    let mark = |text: &str, mark: char| match text.strip_prefix(mark) {
        Some(rest) if is_path(test) => (true, rest.to_owned()),
        Some(rest) => (true, rest.trim_start().to_owned()),
        None => (false, text.to_owned()),
    };
    let (triggering, rest) = mark(given.value, '|');
    let (negated, rest) = mark(&rest, '!');
    let mut parameter = given.specifiers.expand(&rest)?;
    if is_path(test) {
        parameter = value::absolute_path(&parameter)?.to_string_lossy().into_owned();
    }
    draft.unit.conditions.push(Condition {
        test,
        parameter,
        negated,
        triggering,
        assertion,
        origin: given.origin.clone(),
    });
    Ok(())
}

/// Whether the test is about a path.
fn is_path(test: Test) -> bool {
    matches!(
        test,
        Test::DirectoryNotEmpty
            | Test::FileIsExecutable
            | Test::FileNotEmpty
            | Test::PathExists
            | Test::PathExistsGlob
            | Test::PathIsDirectory
            | Test::PathIsMountPoint
            | Test::PathIsReadWrite
            | Test::PathIsSymbolicLink
    )
}
