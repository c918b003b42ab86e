//! $NOTIFY_SOCKET: an address is taken or refused as a second statement of the rule says, and what goes out is the state,
//! the descriptors and the credentials, to that address and no byte more of it.
//!
//! The input: a byte of conditions, $NOTIFY_SOCKET up to a zero, the state.
#![no_main]

mod input;
mod kernel;
mod stated;

use std::ffi::{CStr, CString, c_char, c_int};

use kernel::{Kernel, Message};
use libfuzzer_sys::fuzz_target;
use sdlite_core::{No, Unset, notify};

const UNSET: u8 = 1;
const FOR_ANOTHER: u8 = 2;
const NO_CREDENTIALS: u8 = 4;
const NO_ROOM: u8 = 8;
const NO_DATAGRAMS: u8 = 16;
const TALKS: u8 = 32;
const DESCRIPTORS: u8 = 0xc0;

fuzz_target!(|data: &[u8]| {
    let Some((conditions, rest)) = data.split_first() else { return };
    let condition = |bit: u8| conditions & bit != 0;
    let (address, state) = input::split_at(rest, 0);
    let assignment = CString::new([b"NOTIFY_SOCKET=", address].concat()).unwrap();
    // With more than a KiB of control messages, the library asks the kernel itself.
    let descriptors: Vec<c_int> = (0..[0, 1, 2, 200][usize::from((conditions & DESCRIPTORS) >> 6)]).collect();

    let mut errors = Vec::new();
    if condition(NO_CREDENTIALS) {
        errors.push(libc::EPERM);
    }
    if condition(NO_ROOM) {
        errors.push(libc::EMSGSIZE);
    }
    let unsupported = if condition(NO_DATAGRAMS) { vec![libc::SOCK_DGRAM] } else { Vec::new() };
    let kernel = Kernel { errors: errors.clone(), unsupported, talks: condition(TALKS), ..Kernel::default() };
    let other = if condition(FOR_ANOTHER) { 1 } else { 0 };

    let ((answer, kept), kernel) = kernel::run(kernel, || {
        with_environment(&assignment, || {
            // SAFETY: there is one thread.
            let unset = condition(UNSET).then(|| unsafe { Unset::new() });
            notify::notify(other, unset, Some(state), Some(&descriptors)).map_err(number)
        })
    });
    assert_eq!(kept, !condition(UNSET));

    let (expected, kind) = match stated(address) {
        Ok(expected) => expected,
        Err(error) => {
            assert_eq!((answer, kernel.messages.len(), kernel.asked.len()), (Err(error), 0, 0), "{assignment:?}");
            return;
        }
    };
    let kinds = match kind {
        Some(kind) => vec![kind],
        None => vec![libc::SOCK_DGRAM, libc::SOCK_SEQPACKET],
    };
    if condition(NO_DATAGRAMS) && kind == Some(libc::SOCK_DGRAM) {
        assert_eq!((answer, kernel.messages.len()), (Err(libc::ESOCKTNOSUPPORT), 0));
        return;
    }
    let used = if condition(NO_DATAGRAMS) { *kinds.last().unwrap() } else { kinds[0] };
    assert_eq!(kernel.asked, kinds[..=kinds.iter().position(|kind| *kind == used).unwrap()]);

    for message in &kernel.messages {
        assert_eq!(message.address, expected, "{assignment:?}");
        assert_eq!(message.bytes, state);
    }
    let with = controls(&descriptors, condition(FOR_ANOTHER));
    let without = controls(&descriptors, false);
    let (messages, sent) = messages(&errors, &with, &without);
    assert_eq!(controls_of(&kernel.messages), messages, "{assignment:?}");
    let answers = used == libc::SOCK_DGRAM || !condition(TALKS);
    assert_eq!(
        answer,
        if !sent {
            Err(libc::EPERM)
        } else if answers {
            Ok(())
        } else {
            Err(libc::EPROTO)
        }
    );
});

/// Calls the library with nothing but this `NAME=value` in its environment; and whether it is still there then.
fn with_environment<T>(assignment: &CStr, call: impl FnOnce() -> T) -> (T, bool) {
    unsafe extern "C" {
        static mut environ: *mut *mut c_char;
    }
    let mut variables = [assignment.as_ptr().cast_mut(), std::ptr::null_mut()];
    // SAFETY: one thread; the array outlives its being the environment, and unsetenv(3) only moves its elements.
    unsafe {
        let saved = environ;
        environ = variables.as_mut_ptr();
        let result = call();
        environ = saved;
        (result, !variables[0].is_null())
    }
}

/// A plain no, that nobody wants to know, is the answer without the variable only.
fn number(no: No) -> c_int {
    no.error().expect("an error").number()
}

type Control = Vec<(c_int, Vec<u8>)>;

fn controls(descriptors: &[c_int], credentials: bool) -> Control {
    let mut control = Vec::new();
    if !descriptors.is_empty() {
        control.push((libc::SCM_RIGHTS, descriptors.iter().flat_map(|fd| fd.to_ne_bytes()).collect()));
    }
    if credentials {
        // SAFETY: they take nothing and cannot fail.
        let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
        control.push((libc::SCM_CREDENTIALS, [1, uid, gid].into_iter().flat_map(u32::to_ne_bytes).collect()));
    }
    control
}

fn controls_of(messages: &[Message]) -> Vec<Control> {
    messages.iter().map(|message| message.control.clone()).collect()
}

/// What is tried in turn: again where there was no room, and then without the credentials; and whether it gets through.
fn messages(errors: &[c_int], with: &Control, without: &Control) -> (Vec<Control>, bool) {
    let mut errors = errors.to_vec();
    let mut tried = Vec::new();
    let mut attempt = |control: &Control| {
        tried.push(control.clone());
        let mut error = errors.pop();
        if error == Some(libc::EMSGSIZE) {
            tried.push(control.clone());
            error = errors.pop();
        }
        error.is_none()
    };
    let sent = attempt(with) || (with != without && attempt(without));
    (tried, sent)
}

/// The rule: an address as the kernel takes it, and the type of socket where there is only one.
fn stated(text: &[u8]) -> Result<(Vec<u8>, Option<c_int>), c_int> {
    let unix = |path: &[u8]| [&(libc::AF_UNIX as u16).to_ne_bytes(), path].concat();
    match text {
        b"/" | b"@" => return Err(libc::EINVAL),
        [b'/', ..] if text.len() > 107 => return Err(libc::ENAMETOOLONG),
        [b'@', ..] if text.len() > 107 => return Err(libc::EINVAL),
        [b'/', ..] => return Ok((unix(&[text, b"\0"].concat()), Some(libc::SOCK_DGRAM))),
        [b'@', name @ ..] => return Ok((unix(&[b"\0", name].concat()), Some(libc::SOCK_DGRAM))),
        _ => (),
    }
    let (scheme, rest) = input::split_at(text, b':');
    let kind = match scheme {
        _ if scheme == text => return Err(libc::EPROTO),
        b"vsock" => None,
        b"vsock-stream" => Some(libc::SOCK_STREAM),
        b"vsock-dgram" => Some(libc::SOCK_DGRAM),
        b"vsock-seqpacket" => Some(libc::SOCK_SEQPACKET),
        _ => return Err(libc::EPROTO),
    };
    let (cid, port) = input::split_at(rest, b':');
    if cid == rest {
        return Err(libc::EINVAL);
    }
    let not_any = |number: u32| if number == u32::MAX { Err(libc::EINVAL) } else { Ok(number) };
    let port = not_any(stated::unsigned32(port, 0)?)?;
    let cid = match cid {
        b"hypervisor" => 0,
        b"local" => 1,
        b"host" => 2,
        b"any" | b"-1" => u32::MAX,
        // Also where it is none: a number ends at the colon.
        _ => stated::unsigned32(rest, b':')?,
    };
    let mut address = (libc::AF_VSOCK as u16).to_ne_bytes().to_vec();
    address.extend([0, 0]);
    address.extend(port.to_ne_bytes());
    address.extend(not_any(cid)?.to_ne_bytes());
    address.extend([0; 4]);
    Ok((address, kind))
}
