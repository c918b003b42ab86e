//! sd_notify(3) and its siblings: what arrives at the manager's socket.

use std::ffi::{c_char, c_int, c_uint};
use std::fmt::Debug;
use std::{process, ptr};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::compare::{Comparison, Difference, Function};
use crate::datagram::{self, Received};
use crate::descriptors::{COUNT, FIRST, Slot, slots};
use crate::known::Known;
use crate::manager::{Address, Manager, addresses, read_all_the_time};
use crate::message::{Argument, Message, Text, messages, texts, variadic};
use crate::mixed::with_values;
use crate::observe::{Before, ERRNO, Errno, Observation};
use crate::strategy::mostly;
use crate::zoo;

const fn function(name: &'static str, share: u64, compare: fn(&Comparison<'_>) -> Result<(), Difference>) -> Function {
    Function { name, share, needs_namespace: true, compare }
}

pub const SD_NOTIFY: Function = function("sd_notify", 30, notify);
pub const SD_PID_NOTIFY: Function = function("sd_pid_notify", 20, pid_notify);
pub const SD_PID_NOTIFY_WITH_FDS: Function = function("sd_pid_notify_with_fds", 40, pid_notify_with_fds);
pub const SD_NOTIFYF: Function = function("sd_notifyf", 30, notifyf);
pub const SD_PID_NOTIFYF: Function = function("sd_pid_notifyf", 20, pid_notifyf);
pub const SD_PID_NOTIFYF_WITH_FDS: Function = function("sd_pid_notifyf_with_fds", 30, pid_notifyf_with_fds);
pub const SD_NOTIFY_BARRIER: Function = function("sd_notify_barrier", 10, notify_barrier);
pub const SD_PID_NOTIFY_BARRIER: Function = function("sd_pid_notify_barrier", 10, pid_notify_barrier);

#[derive(Clone, Debug)]
struct Case<S> {
    unset_environment: c_int,
    address: Address,
    pid: Pid,
    state: S,
    descriptors: Vec<Slot>,
    /// None is NULL, of so many.
    fds: Result<Vec<c_int>, c_uint>,
    errno: c_int,
}

#[derive(Clone, Copy, Debug)]
enum Pid {
    Own,
    Parent,
    Number(libc::pid_t),
}

impl Pid {
    fn number(self) -> libc::pid_t {
        match self {
            Self::Own => process::id() as _,
            Self::Parent => std::os::unix::process::parent_id() as _,
            Self::Number(number) => number,
        }
    }
}

fn cases<S: Debug>(states: impl Strategy<Value = S>) -> impl Strategy<Value = Case<S>> {
    let fd = prop_oneof![30 => FIRST..FIRST + 4, 1 => FIRST..FIRST + COUNT as c_int, 1 => Just(-1)];
    let many = (250..260_usize).prop_map(|n| vec![FIRST; n]);
    let fds = prop_oneof![10 => vec(fd, 0..8), 1 => many].prop_map(Ok);
    let fds = prop_oneof![15 => fds, 1 => (0..3_u32).prop_map(Err)];
    let pid = mostly(2, Pid::Number(0), &[Pid::Own, Pid::Parent, Pid::Number(-1), Pid::Number(4_194_303)]);
    let errno = mostly(4, ERRNO, &[0, libc::EAGAIN, libc::EINTR]);
    let unset_environment = mostly(1, 0, &[1, -1]);
    let descriptors = vec(slots(zoo::kinds(|_| true)), 4);
    (unset_environment, addresses(), pid, states, descriptors, fds, errno).prop_map(
        |(unset_environment, address, pid, state, descriptors, fds, errno)| Case {
            unset_environment,
            address,
            pid,
            state,
            descriptors,
            fds,
            errno,
        },
    )
}

/// What a call is made with; not every function takes all of it.
struct Call<P> {
    pid: libc::pid_t,
    unset_environment: c_int,
    state: P,
    /// NULL, or as many.
    fds: *const c_int,
    n_fds: usize,
}

/// By which differences alone libsystemd's messages are not ours.
fn known<S>(
    case: &Case<S>,
    theirs: &Observation<Vec<Received>>,
    ours: &Observation<Vec<Received>>,
) -> &'static [Known] {
    let results = [theirs.result, ours.result];
    let same_errno = theirs.errno == ours.errno;
    let unset = ours.environment == theirs.environment_without("NOTIFY_SOCKET");
    let same_but_for_environment = theirs.output == ours.output && theirs.leaves_as_but_for_environment(ours);
    if results == [-libc::ENOMEM; 2] && unset && same_errno && same_but_for_environment {
        return &[Known::NotifyUnset];
    }
    if !theirs.leaves_as(ours) {
        return &[];
    }
    // 1 although nothing has arrived.
    let empty = ours.output.iter().all(|received| received.bytes.0.is_empty());
    if theirs.result == 1 && theirs.output.is_empty() && empty && !matches!(case.address, Address::Read) {
        return &[Known::NotifyEmpty];
    }
    let none_sent = results.iter().all(|result| *result <= 0) && theirs.output.is_empty() && ours.output.is_empty();
    match case.address.known() {
        _ if !none_sent => &[],
        Some(Known::NotifyVsock) => &[Known::NotifyVsock],
        Some(Known::NotifyKind) if results == [-libc::EINVAL, -libc::EPROTO] && same_errno => &[Known::NotifyKind],
        _ if ours.result == -libc::E2BIG && ours.errno == Errno::Kept => &[Known::NotifyDescriptors],
        _ => &[],
    }
}

/// Compares what arrives by `call`, which is made with what `prepare` makes of a state. Descriptors that each call makes for
/// itself are those whose names begin with `own`, and are not among the given ones.
///
/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare<F: Copy, S: Debug, P>(
    comparison: &Comparison<'_>,
    cases: impl Strategy<Value = Case<S>>,
    own: &str,
    prepare: impl Fn(&S) -> P,
    call: impl Fn(F, &Call<P>) -> c_int,
) -> Result<(), Difference> {
    let manager = Manager::new();
    let observe = |function: F, case: &Case<S>| {
        comparison.descriptors.install(case.descriptors.iter().cloned().enumerate());
        let state = prepare(&case.state);
        let (fds, n_fds) =
            case.fds.as_ref().map_or_else(|n| (ptr::null(), *n as usize), |fds| (fds.as_ptr(), fds.len()));
        let what = Call { pid: case.pid.number(), unset_environment: case.unset_environment, state, fds, n_fds };
        let before = Before { environment: case.address.install(), errno: case.errno, ..comparison.before() };
        let mut observation = before.observe(|| call(function, &what), |_| manager.received());
        let is_given = |name: &str| (FIRST..).take(case.descriptors.len()).any(|fd| datagram::name(fd) == name);
        for passed in observation.output.iter_mut().flat_map(|received| &mut received.passed) {
            if passed.name.starts_with(own) && !is_given(&passed.name) {
                passed.name.clear();
            }
        }
        observation
    };
    // SAFETY: as the caller promises.
    unsafe { comparison.run_knowing(&cases, observe, known) }
}

/// Compares a function that takes a state.
///
/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare_states<F: Copy>(
    comparison: &Comparison<'_>,
    call: impl Fn(F, &Call<*const c_char>) -> c_int,
) -> Result<(), Difference> {
    let states = proptest::option::weighted(0.95, texts(250_000));
    let prepare = |state: &Option<Text>| comparison.place(state.as_ref().map(|state| state.string().into_bytes()));
    // A number that was free can be that of the call's own socket, of which each has another.
    // SAFETY: as the caller promises.
    unsafe { compare(comparison, cases(states), "socket:", prepare, call) }
}

/// Compares a function that takes a format.
///
/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare_formats<F: Copy>(
    comparison: &Comparison<'_>,
    call: impl Fn(F, &Call<Argument>) -> c_int,
) -> Result<(), Difference> {
    // SAFETY: as the caller promises.
    unsafe { compare(comparison, cases(messages(250_000)), "socket:", Message::argument, call) }
}

fn notify(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *const c_char) -> c_int;
    let call = |notify: Signature, call: &Call<_>| {
        // SAFETY: the state is NULL or a string.
        unsafe { notify(call.unset_environment, call.state) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_states(comparison, call) }
}

fn pid_notify(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(libc::pid_t, c_int, *const c_char) -> c_int;
    let call = |notify: Signature, call: &Call<_>| {
        // SAFETY: the state is NULL or a string.
        unsafe { notify(call.pid, call.unset_environment, call.state) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_states(comparison, call) }
}

fn pid_notify_with_fds(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(libc::pid_t, c_int, *const c_char, *const c_int, c_uint) -> c_int;
    let call = |notify: Signature, call: &Call<_>| {
        // SAFETY: the state is NULL or a string, and there are as many descriptors unless that is NULL.
        unsafe { notify(call.pid, call.unset_environment, call.state, call.fds, call.n_fds as c_uint) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_states(comparison, call) }
}

fn notifyf(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *const c_char, ...) -> c_int;
    let call = |notifyf: Signature, call: &Call<Argument>| {
        // SAFETY: the argument is what the format takes.
        unsafe { variadic!(notifyf, call.unset_environment; &call.state) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_formats(comparison, call) }
}

fn pid_notifyf(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(libc::pid_t, c_int, *const c_char, ...) -> c_int;
    let call = |notifyf: Signature, call: &Call<Argument>| {
        // SAFETY: the argument is what the format takes.
        unsafe { variadic!(notifyf, call.pid, call.unset_environment; &call.state) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_formats(comparison, call) }
}

fn pid_notifyf_with_fds(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(libc::pid_t, c_int, *const c_int, usize, *const c_char, ...) -> c_int;
    let call = |notifyf: Signature, call: &Call<Argument>| {
        // SAFETY: the argument is what the format takes, and there are as many descriptors unless that is NULL.
        unsafe { variadic!(notifyf, call.pid, call.unset_environment, call.fds, call.n_fds; &call.state) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_formats(comparison, call) }
}

/// Compares a function that waits, for so many microseconds at most. Where somebody reads it never does for long.
///
/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare_barriers<F: Copy>(
    comparison: &Comparison<'_>,
    call: impl Fn(F, &Call<u64>) -> c_int,
) -> Result<(), Difference> {
    /// For ever; but libsystemd's is at most what time_t can say, and Debian's for i386 has one of 32 bits.
    const LONGEST: u64 = if cfg!(target_arch = "x86") { (i32::MAX as u64 - 1) * 1_000_000 } else { u64::MAX };
    read_all_the_time();
    let cases = (cases(0..60_u64), any::<bool>()).prop_map(|(case, read)| match (read, &case.address) {
        (true, Address::Path) => Case { address: Address::Read, state: LONGEST - case.state, ..case },
        _ => case,
    });
    // SAFETY: as the caller promises.
    unsafe { compare(comparison, cases, "pipe:", |timeout| *timeout, call) }
}

fn notify_barrier(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, u64) -> c_int;
    // SAFETY: it takes numbers alone.
    let call = |barrier: Signature, call: &Call<u64>| unsafe { barrier(call.unset_environment, call.state) };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_barriers(comparison, call) }
}

fn pid_notify_barrier(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(libc::pid_t, c_int, u64) -> c_int;
    // SAFETY: it takes numbers alone.
    let call = |barrier: Signature, call: &Call<u64>| unsafe { barrier(call.pid, call.unset_environment, call.state) };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_barriers(comparison, call) }
}
