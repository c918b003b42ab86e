//! Lists of what a service may and may not: capabilities, system calls, families of addresses, namespaces. A list that begins with `~`
//! is of what it may not.

use std::collections::BTreeSet;
use std::ffi::c_int;

use nix::errno::Errno;

use super::given::Given;
use super::quoting::Escapes;
use super::value::{self, Invalid};
use crate::spec::capability::{self, Capabilities};
use crate::spec::{AddressFamilies, Architecture, Denial, SystemCalls, system_call};

/// The words of a list, and whether `~` stands before it.
fn list(given: &Given<'_>) -> Result<(bool, Vec<String>), Invalid> {
    let (negated, rest) = given.value.strip_prefix('~').map_or((false, given.value), |rest| (true, rest));
    Ok((negated, given.plain_words(rest, Escapes::Remove).collect::<Result<_, _>>()?))
}

/// CapabilityBoundingSet= and AmbientCapabilities=: added to what lines before have said, or taken away. `initial` is what there is
/// where no line has said anything. systemd says nothing of what it does not know in them.
pub fn capabilities(now: Capabilities, initial: Capabilities, given: &Given<'_>) -> Result<Capabilities, Invalid> {
    let (negated, names) = list(given).map_err(|error| Invalid::no_effect(error.message))?;
    let mut named = 0;
    for name in &names {
        match capability::number(name) {
            Some(number) => named |= capability::set(number),
            None => given.no_effect(format!("\"{name}\" is no capability: give one such as CAP_CHOWN")),
        }
    }
    Ok(match (negated, now) {
        _ if names.is_empty() && negated => capability::ALL,
        _ if named == 0 && !negated => 0,
        (false, now) if now == initial => named,
        (false, now) => now | named,
        (true, now) if now == initial => capability::ALL & !named,
        (true, now) => now & !named,
    })
}

/// SecureBits=. systemd says nothing of what it does not know in it.
pub fn secure_bits(bits: &mut c_int, given: &Given<'_>) -> Result<(), Invalid> {
    const WORDS: &[(&str, c_int)] = &[
        ("noroot", 1),
        ("noroot-locked", 1 << 1),
        ("no-setuid-fixup", 1 << 2),
        ("no-setuid-fixup-locked", 1 << 3),
        ("keep-caps", 1 << 4),
        ("keep-caps-locked", 1 << 5),
    ];
    if given.is_empty() {
        *bits = 0;
    }
    for word in given.plain_words(given.value, Escapes::Remove) {
        let word = word.map_err(|error| Invalid::no_effect(error.message))?;
        match value::one_of(&word, WORDS) {
            Ok(bit) => *bits |= bit,
            Err(error) => given.no_effect(error.message),
        }
    }
    Ok(())
}

/// SystemCallErrorNumber=.
pub fn denial(given: &Given<'_>) -> Result<Option<Denial>, Invalid> {
    if given.is_empty() { Ok(None) } else { parse_denial(given.value, 1).map(Some) }
}

fn parse_denial(text: &str, least: u16) -> Result<Denial, Invalid> {
    /// No kernel returns an error beyond.
    const MOST: u16 = 4095;

    if text == "kill" {
        return Ok(Denial::Kill);
    }
    let named = (1..=MOST).find(|number| format!("{:?}", Errno::from_raw((*number).into())) == text);
    let number = named.or_else(|| value::integer(text, least, MOST).ok()).or(match text {
        "ENOTSUP" => Some(libc::EOPNOTSUPP as u16),
        "EWOULDBLOCK" => Some(libc::EAGAIN as u16),
        "EDEADLOCK" => Some(libc::EDEADLK as u16),
        _ => None,
    });
    number.map(Denial::Error).ok_or_else(|| {
        Invalid::new(format_args!(
            "\"{text}\" is no error: give a name such as EPERM, a number from {least} to {MOST}, or kill"
        ))
    })
}

/// SystemCallFilter=.
pub fn system_calls(filter: &mut Option<SystemCalls>, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        *filter = None;
        return Ok(());
    }
    let (negated, names) = list(given)?;
    let filter = filter.get_or_insert_with(|| {
        let always =
            if negated { BTreeSet::new() } else { system_call::group(system_call::ALWAYS).unwrap_or_default() };
        SystemCalls { only: !negated, named: always.into_iter().map(|call| (call.to_owned(), None)).collect() }
    });
    for word in &names {
        if let Err(error) = add(filter, negated, word) {
            given.say(error);
        }
    }
    Ok(())
}

fn add(filter: &mut SystemCalls, negated: bool, word: &str) -> Result<(), Invalid> {
    let (name, denial) = match word.split_once(':') {
        Some((name, denial)) => (name, Some(parse_denial(denial, 0)?)),
        None => (word, None),
    };
    if denial.is_some() && !negated {
        return Err(Invalid::new(format_args!("\"{word}\": what is allowed has no error; it is ignored")));
    }
    let calls = match system_call::group(name) {
        Some(group) => group,
        None if name.starts_with('@') => {
            return Err(Invalid::new(format_args!("\"{name}\" is no group of system calls; it is ignored")));
        }
        None if system_call::is_known(name) => BTreeSet::from([name]),
        None => return Err(Invalid::new(format_args!("\"{name}\" is no system call; it is ignored"))),
    };
    for call in calls {
        // What is taken out of a list of what is allowed stays in it where it has an error of its own.
        if filter.only != negated || denial.is_some() {
            filter.named.insert(call.to_owned(), denial);
        } else {
            filter.named.remove(call);
        }
    }
    Ok(())
}

/// SystemCallArchitectures=.
pub fn architectures(list: &mut Option<BTreeSet<Architecture>>, given: &Given<'_>) -> Result<(), Invalid> {
    use Architecture::*;
    const WORDS: &[(&str, Architecture)] = &[
        ("native", Native),
        ("x86", X86),
        ("x86-64", X86_64),
        ("x32", X32),
        ("arm", Arm),
        ("arm64", Arm64),
        ("loongarch64", Loongarch64),
        ("mips", Mips),
        ("mips64", Mips64),
        ("mips64-n32", Mips64N32),
        ("mips-le", MipsLe),
        ("mips64-le", Mips64Le),
        ("mips64-le-n32", Mips64LeN32),
        ("parisc", Parisc),
        ("parisc64", Parisc64),
        ("ppc", Ppc),
        ("ppc64", Ppc64),
        ("ppc64-le", Ppc64Le),
        ("riscv64", Riscv64),
        ("s390", S390),
        ("s390x", S390x),
    ];
    if given.is_empty() {
        *list = None;
        return Ok(());
    }
    for word in given.words(Escapes::Remove) {
        match value::one_of(&word, WORDS) {
            Ok(architecture) => drop(list.get_or_insert_default().insert(architecture)),
            Err(error) => given.say(error),
        }
    }
    Ok(())
}

/// RestrictAddressFamilies=.
pub fn address_families(families: &mut Option<AddressFamilies>, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        *families = None;
        return Ok(());
    }
    if given.value == "none" {
        *families = Some(AddressFamilies { only: true, named: BTreeSet::new() });
        return Ok(());
    }
    let (negated, names) = list(given)?;
    let families = families.get_or_insert_with(|| AddressFamilies { only: !negated, named: BTreeSet::new() });
    for name in &names {
        match FAMILIES.iter().find(|(known, _)| known == name) {
            Some((_, family)) if families.only != negated => drop(families.named.insert(*family)),
            Some((_, family)) => drop(families.named.remove(family)),
            None => given.say(Invalid::new(format_args!("\"{name}\" is no address family: give one such as AF_INET"))),
        }
    }
    Ok(())
}

/// Those of socket(2).
const FAMILIES: &[(&str, c_int)] = &[
    ("AF_UNIX", libc::AF_UNIX),
    ("AF_LOCAL", libc::AF_UNIX),
    ("AF_FILE", libc::AF_UNIX),
    ("AF_INET", libc::AF_INET),
    ("AF_AX25", libc::AF_AX25),
    ("AF_IPX", libc::AF_IPX),
    ("AF_APPLETALK", libc::AF_APPLETALK),
    ("AF_NETROM", libc::AF_NETROM),
    ("AF_BRIDGE", libc::AF_BRIDGE),
    ("AF_ATMPVC", libc::AF_ATMPVC),
    ("AF_X25", libc::AF_X25),
    ("AF_INET6", libc::AF_INET6),
    ("AF_ROSE", libc::AF_ROSE),
    ("AF_DECnet", libc::AF_DECnet),
    ("AF_NETBEUI", libc::AF_NETBEUI),
    ("AF_SECURITY", libc::AF_SECURITY),
    ("AF_KEY", libc::AF_KEY),
    ("AF_NETLINK", libc::AF_NETLINK),
    ("AF_ROUTE", libc::AF_NETLINK),
    ("AF_PACKET", libc::AF_PACKET),
    ("AF_ASH", libc::AF_ASH),
    ("AF_ECONET", libc::AF_ECONET),
    ("AF_ATMSVC", libc::AF_ATMSVC),
    ("AF_RDS", libc::AF_RDS),
    ("AF_SNA", libc::AF_SNA),
    ("AF_IRDA", libc::AF_IRDA),
    ("AF_PPPOX", libc::AF_PPPOX),
    ("AF_WANPIPE", libc::AF_WANPIPE),
    ("AF_LLC", libc::AF_LLC),
    ("AF_IB", 27),
    ("AF_MPLS", 28),
    ("AF_CAN", libc::AF_CAN),
    ("AF_TIPC", libc::AF_TIPC),
    ("AF_BLUETOOTH", libc::AF_BLUETOOTH),
    ("AF_IUCV", libc::AF_IUCV),
    ("AF_RXRPC", libc::AF_RXRPC),
    ("AF_ISDN", libc::AF_ISDN),
    ("AF_PHONET", libc::AF_PHONET),
    ("AF_IEEE802154", libc::AF_IEEE802154),
    ("AF_CAIF", libc::AF_CAIF),
    ("AF_ALG", libc::AF_ALG),
    ("AF_NFC", 39),
    ("AF_VSOCK", libc::AF_VSOCK),
    ("AF_KCM", 41),
    ("AF_QIPCRTR", 42),
    ("AF_SMC", 43),
    ("AF_XDP", libc::AF_XDP),
    ("AF_MCTP", 45),
];

/// RestrictNamespaces=: the kinds that are still allowed.
pub fn namespaces(allowed: &mut Option<c_int>, given: &Given<'_>) -> Result<(), Invalid> {
    const KINDS: &[(&str, c_int)] = &[
        ("cgroup", libc::CLONE_NEWCGROUP),
        ("ipc", libc::CLONE_NEWIPC),
        ("net", libc::CLONE_NEWNET),
        ("mnt", libc::CLONE_NEWNS),
        ("pid", libc::CLONE_NEWPID),
        ("user", libc::CLONE_NEWUSER),
        ("uts", libc::CLONE_NEWUTS),
    ];
    if given.is_empty() {
        *allowed = None;
        return Ok(());
    }
    if let Ok(restricted) = given.boolean() {
        *allowed = restricted.then_some(0);
        return Ok(());
    }
    let (negated, names) = list(given)?;
    let mut named = 0;
    for name in &names {
        match value::one_of(name, KINDS) {
            Ok(kind) => named |= kind,
            Err(error) => given.say(error),
        }
    }
    let all = KINDS.iter().fold(0, |all, (_, kind)| all | kind);
    *allowed = Some(match (negated, *allowed) {
        (false, before) => before.unwrap_or(0) | named,
        (true, before) => before.unwrap_or(all) & !named,
    });
    Ok(())
}
