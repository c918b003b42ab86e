//! The settings of systemd.exec(5).

use std::ffi::OsString;

use nix::libc;
use nix::sys::resource::Resource;

use super::Unless::{Empty, Off, OneOf};
use super::{Setting, honoured, no_effect, refused, set};
use crate::spec::{KeyringMode, Preserve, WorkingDirectory};
use crate::unit::directory::{Links, directories};
use crate::unit::draft::Draft;
use crate::unit::given::{Given, unreadable};
use crate::unit::limit;
use crate::unit::quoting::{self, Escapes};
use crate::unit::scheduling;
use crate::unit::stream::{base64, input, input_text, output};
use crate::unit::value::{self, Invalid};
use crate::unit::variables::{environment, environment_file, not_a_variable};

const CREDENTIALS: super::Unless = Empty;
const JOURNAL: &str = "it is about systemd's journal";
const LOGIN: &str = "nobody is logged in by it here";

const LEVELS: &[(&str, libc::c_int)] = &[
    ("emerg", libc::LOG_EMERG),
    ("alert", libc::LOG_ALERT),
    ("crit", libc::LOG_CRIT),
    ("err", libc::LOG_ERR),
    ("warning", libc::LOG_WARNING),
    ("notice", libc::LOG_NOTICE),
    ("info", libc::LOG_INFO),
    ("debug", libc::LOG_DEBUG),
];

const FACILITIES: &[(&str, libc::c_int)] = &[
    ("kern", libc::LOG_KERN),
    ("user", libc::LOG_USER),
    ("mail", libc::LOG_MAIL),
    ("daemon", libc::LOG_DAEMON),
    ("auth", libc::LOG_AUTH),
    ("syslog", libc::LOG_SYSLOG),
    ("lpr", libc::LOG_LPR),
    ("news", libc::LOG_NEWS),
    ("uucp", libc::LOG_UUCP),
    ("cron", libc::LOG_CRON),
    ("authpriv", libc::LOG_AUTHPRIV),
    ("ftp", libc::LOG_FTP),
    ("local0", libc::LOG_LOCAL0),
    ("local1", libc::LOG_LOCAL1),
    ("local2", libc::LOG_LOCAL2),
    ("local3", libc::LOG_LOCAL3),
    ("local4", libc::LOG_LOCAL4),
    ("local5", libc::LOG_LOCAL5),
    ("local6", libc::LOG_LOCAL6),
    ("local7", libc::LOG_LOCAL7),
];

pub(super) const EXEC: &[Setting] = &[
    // Paths.
    honoured("ExecSearchPath", |draft, given| {
        let list = &mut draft.exec.search_path;
        if given.is_empty() {
            list.clear();
            return Ok(());
        }
        for part in given.value.split(':') {
            match given.specifiers.expand(part).and_then(|text| value::absolute_path(&text)) {
                Ok(path) => list.push(path),
                Err(error) => given.say(error),
            }
        }
        Ok(())
    }),
    honoured("WorkingDirectory", working_directory),
    honoured("RootDirectory", |draft, given| {
        let path = given.path().map_err(Invalid::fatal)?;
        draft.exec.root_directory = path.filter(|path| path.as_os_str() != "/");
        Ok(())
    }),
    refused("RootImage", Empty),
    refused("RootImageOptions", Empty),
    refused("RootImagePolicy", Empty).since(254),
    refused("RootEphemeral", Off).since(254),
    refused("RootHash", Empty),
    refused("RootHashSignature", Empty),
    refused("RootVerity", Empty),
    refused("MountAPIVFS", Off),
    refused("BindLogSockets", Off).since(257),
    refused("MountImages", Empty),
    refused("MountImagePolicy", Empty).since(254),
    refused("ExtensionImages", Empty),
    refused("ExtensionImagePolicy", Empty).since(254),
    refused("ExtensionDirectories", Empty),
    // User and group.
    honoured("User", |draft, given| set(&mut draft.exec.user, given.user())),
    honoured("Group", |draft, given| set(&mut draft.exec.group, given.account())),
    honoured("SupplementaryGroups", |draft, given| {
        let list = &mut draft.exec.supplementary_groups;
        if given.is_empty() {
            list.clear();
        }
        for part in quoting::parts(given.value) {
            let part = part.map_err(|error| unreadable(error, given.value).fatal())?;
            let group = given.specifiers.expand(&part).map_err(Invalid::fatal)?;
            list.push(value::account(&group)?);
        }
        Ok(())
    }),
    refused("SetLoginEnvironment", Off).since(255),
    refused("PAMName", Empty),
    // What a process has.
    honoured("LimitCPU", |draft, given| limit::set(draft, given, Resource::RLIMIT_CPU)),
    honoured("LimitFSIZE", |draft, given| limit::set(draft, given, Resource::RLIMIT_FSIZE)),
    honoured("LimitDATA", |draft, given| limit::set(draft, given, Resource::RLIMIT_DATA)),
    honoured("LimitSTACK", |draft, given| limit::set(draft, given, Resource::RLIMIT_STACK)),
    honoured("LimitCORE", |draft, given| limit::set(draft, given, Resource::RLIMIT_CORE)),
    honoured("LimitRSS", |draft, given| limit::set(draft, given, Resource::RLIMIT_RSS)),
    honoured("LimitNOFILE", |draft, given| limit::set(draft, given, Resource::RLIMIT_NOFILE)),
    honoured("LimitAS", |draft, given| limit::set(draft, given, Resource::RLIMIT_AS)),
    honoured("LimitNPROC", |draft, given| limit::set(draft, given, Resource::RLIMIT_NPROC)),
    honoured("LimitMEMLOCK", |draft, given| limit::set(draft, given, Resource::RLIMIT_MEMLOCK)),
    honoured("LimitLOCKS", |draft, given| limit::set(draft, given, Resource::RLIMIT_LOCKS)),
    honoured("LimitSIGPENDING", |draft, given| limit::set(draft, given, Resource::RLIMIT_SIGPENDING)),
    honoured("LimitMSGQUEUE", |draft, given| limit::set(draft, given, Resource::RLIMIT_MSGQUEUE)),
    honoured("LimitNICE", |draft, given| limit::set(draft, given, Resource::RLIMIT_NICE)),
    honoured("LimitRTPRIO", |draft, given| limit::set(draft, given, Resource::RLIMIT_RTPRIO)),
    honoured("LimitRTTIME", |draft, given| limit::set(draft, given, Resource::RLIMIT_RTTIME)),
    honoured("UMask", |draft, given| set(&mut draft.exec.umask, given.mode())),
    honoured("CoredumpFilter", |draft, given| {
        scheduling::coredump_filter(&mut draft.exec.scheduling.coredump_filter, given)
    }),
    honoured("KeyringMode", |draft, given| {
        let modes =
            &[("inherit", KeyringMode::Inherit), ("private", KeyringMode::Private), ("shared", KeyringMode::Shared)];
        set(&mut draft.exec.keyring, given.one_of(modes))
    }),
    honoured("OOMScoreAdjust", |draft, given| set(&mut draft.exec.oom_score_adjust, number(given, -1000, 1000))),
    honoured("TimerSlackNSec", |draft, given| {
        set(&mut draft.exec.scheduling.timer_slack, scheduling::timer_slack(given).map(Some))
    }),
    honoured("Personality", |draft, given| set(&mut draft.exec.scheduling.personality, scheduling::personality(given))),
    honoured("IgnoreSIGPIPE", |draft, given| set(&mut draft.exec.ignore_sigpipe, given.boolean())),
    honoured("Nice", |draft, given| set(&mut draft.exec.nice, number(given, -20, 19))),
    honoured("CPUSchedulingPolicy", |draft, given| scheduling::cpu_policy(&mut draft.exec.scheduling, given)),
    honoured("CPUSchedulingPriority", |draft, given| scheduling::cpu_priority(&mut draft.exec.scheduling, given)),
    honoured("CPUSchedulingResetOnFork", |draft, given| {
        let reset = given.boolean()?;
        draft.exec.scheduling.cpu.get_or_insert_default().reset_on_fork = reset;
        Ok(())
    }),
    honoured("CPUAffinity", |draft, given| scheduling::affinity(&mut draft.exec.scheduling.affinity, given)),
    refused("NUMAPolicy", OneOf(&["default"])),
    no_effect("NUMAMask", "it belongs to NUMAPolicy="),
    honoured("IOSchedulingClass", |draft, given| scheduling::io_class(&mut draft.exec.scheduling, given)),
    honoured("IOSchedulingPriority", |draft, given| scheduling::io_priority(&mut draft.exec.scheduling, given)),
    no_effect("MemoryKSM", "it shares memory, nothing else").since(254),
    // Directories.
    honoured("RuntimeDirectory", |draft, given| {
        directories(&mut draft.exec.directories.runtime, given, Links::Allowed)
    }),
    honoured("StateDirectory", |draft, given| directories(&mut draft.exec.directories.state, given, Links::Allowed)),
    honoured("CacheDirectory", |draft, given| directories(&mut draft.exec.directories.cache, given, Links::Allowed)),
    honoured("LogsDirectory", |draft, given| directories(&mut draft.exec.directories.logs, given, Links::Allowed)),
    honoured("ConfigurationDirectory", |draft, given| {
        directories(&mut draft.exec.directories.configuration, given, Links::Refused)
    }),
    honoured("RuntimeDirectoryMode", |draft, given| set(&mut draft.exec.directories.runtime.mode, given.mode())),
    honoured("StateDirectoryMode", |draft, given| set(&mut draft.exec.directories.state.mode, given.mode())),
    honoured("CacheDirectoryMode", |draft, given| set(&mut draft.exec.directories.cache.mode, given.mode())),
    honoured("LogsDirectoryMode", |draft, given| set(&mut draft.exec.directories.logs.mode, given.mode())),
    honoured("ConfigurationDirectoryMode", |draft, given| {
        set(&mut draft.exec.directories.configuration.mode, given.mode())
    }),
    honoured("RuntimeDirectoryPreserve", |draft, given| {
        let boolean = given.boolean().map(|kept| if kept { Preserve::Yes } else { Preserve::No });
        let words = &[("no", Preserve::No), ("restart", Preserve::Restart), ("yes", Preserve::Yes)];
        set(&mut draft.exec.directories.preserve, boolean.or_else(|_| given.one_of(words)))
    }),
    no_effect("TimeoutCleanSec", "it belongs to systemctl clean"),
    no_effect("StateDirectoryAccounting", "nothing is accounted for here").since(258),
    no_effect("CacheDirectoryAccounting", "nothing is accounted for here").since(258),
    no_effect("LogsDirectoryAccounting", "nothing is accounted for here").since(258),
    refused("StateDirectoryQuota", Empty).since(258),
    refused("CacheDirectoryQuota", Empty).since(258),
    refused("LogsDirectoryQuota", Empty).since(258),
    // Environment.
    honoured("Environment", environment),
    honoured("EnvironmentFile", environment_file),
    honoured("PassEnvironment", |draft, given| {
        let variable =
            |text: &str| value::is_variable(text).then(|| text.to_owned()).ok_or_else(|| not_a_variable(text));
        given.append(&mut draft.exec.pass_environment, Escapes::Remove, variable);
        Ok(())
    }),
    honoured("UnsetEnvironment", |draft, given| {
        let variable = |text: &str| {
            let name = text.split_once('=').map_or(text, |(name, _)| name);
            value::is_variable(name).then(|| OsString::from(text)).ok_or_else(|| not_a_variable(text))
        };
        given.append(&mut draft.exec.unset_environment, Escapes::DecodeStrictly, variable);
        Ok(())
    }),
    // Standard input, output and error, and the log.
    honoured("StandardInput", |draft, given| set(&mut draft.standard_input, input(given).map(Some))),
    honoured("StandardOutput", |draft, given| set(&mut draft.standard_output, output(given, "stdout").map(Some))),
    honoured("StandardError", |draft, given| set(&mut draft.exec.standard_error, output(given, "stderr"))),
    honoured("StandardInputText", input_text),
    honoured("StandardInputData", |draft, given| {
        let data = base64(given)?;
        if given.is_empty() {
            draft.exec.input_data.clear()
        } else {
            draft.exec.input_data.extend(data)
        }
        Ok(())
    }),
    honoured("LogLevelMax", |draft, given| set(&mut draft.exec.log.level_max, level(given).map(Some))),
    honoured("LogExtraFields", |draft, given| {
        given.append(&mut draft.exec.log.extra_fields, Escapes::DecodeStrictly, log_field);
        Ok(())
    }),
    no_effect("LogRateLimitIntervalSec", JOURNAL),
    no_effect("LogRateLimitBurst", JOURNAL),
    no_effect("LogFilterPatterns", JOURNAL).since(253),
    no_effect("LogNamespace", JOURNAL),
    honoured("SyslogIdentifier", |draft, given| set(&mut draft.exec.log.identifier, given.text())),
    honoured("SyslogFacility", |draft, given| {
        let number = value::integer(given.value, 0, 127).map(|number: i32| number << 3);
        set(&mut draft.exec.log.facility, number.or_else(|_| given.one_of(FACILITIES)))
    }),
    honoured("SyslogLevel", |draft, given| set(&mut draft.exec.log.level, level(given))),
    honoured("SyslogLevelPrefix", |draft, given| set(&mut draft.exec.log.level_prefix, given.boolean())),
    honoured("TTYPath", |draft, given| set(&mut draft.exec.terminal.path, given.path())),
    honoured("TTYReset", |draft, given| set(&mut draft.exec.terminal.reset, given.boolean())),
    honoured("TTYVHangup", |draft, given| set(&mut draft.exec.terminal.vhangup, given.boolean())),
    honoured("TTYRows", |draft, given| set(&mut draft.exec.terminal.rows, rows(given))),
    honoured("TTYColumns", |draft, given| set(&mut draft.exec.terminal.columns, rows(given))),
    no_effect("TTYVTDisallocate", "there are no virtual consoles here"),
    // Credentials and logins.
    refused("LoadCredential", CREDENTIALS),
    refused("LoadCredentialEncrypted", CREDENTIALS),
    refused("ImportCredential", CREDENTIALS).since(254),
    refused("SetCredential", CREDENTIALS),
    refused("SetCredentialEncrypted", CREDENTIALS),
    no_effect("UtmpIdentifier", LOGIN),
    no_effect("UtmpMode", LOGIN),
];

fn number(given: &Given<'_>, least: i32, most: i32) -> Result<Option<i32>, Invalid> {
    if given.is_empty() { Ok(None) } else { value::integer(given.value, least, most).map(Some) }
}

fn rows(given: &Given<'_>) -> Result<Option<u16>, Invalid> {
    // A terminal has sixteen bits for it; systemd takes more, and leaves out the upper ones.
    if given.is_empty() { Ok(None) } else { given.unsigned().map(|number| Some(number as u16)) }
}

fn level(given: &Given<'_>) -> Result<libc::c_int, Invalid> {
    value::integer(given.value, 0, libc::LOG_DEBUG).or_else(|_| given.one_of(LEVELS))
}

fn working_directory(draft: &mut Draft, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        draft.exec.working_directory = None;
        return Ok(());
    }
    let (optional, rest) = given.value.strip_prefix('-').map_or((false, given.value), |rest| (true, rest));
    let path = if rest == "~" {
        Ok(None)
    } else {
        given.specifiers.expand(rest).and_then(|text| value::absolute_path(&text)).map(Some)
    };
    let path = path.map_err(|error| if optional { error } else { error.fatal() })?;
    draft.exec.working_directory = Some(WorkingDirectory { path, optional });
    Ok(())
}

/// A field as journald knows it: capital letters, digits and underscores, of which none comes first.
fn log_field(text: &str) -> Result<String, Invalid> {
    let valid = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let name = text.split_once('=').map(|(name, _)| name).unwrap_or_default();
    let named = name.starts_with(|first: char| first.is_ascii_uppercase()) && name.len() <= 64;
    if named && name.bytes().all(valid) {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(format_args!(
        "\"{text}\" is no field of the log: a name has capital letters, digits and _, and stands before the ="
    )))
}
