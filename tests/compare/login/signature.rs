//! The few signatures that these functions have.

use std::ffi::{c_char, c_int, c_void};
use std::mem::transmute;

use super::{Call, Takes};

/// A function of unknown signature.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Symbol(*const c_void);

/// Where to write, whatever it is: all pointers to data are passed alike.
type Out = *mut c_void;

type Name = *const c_char;

/// Calls a pointer as a function with these parameters, each with its argument.
macro_rules! call {
    ($function:ident, $($parameter:ty: $argument:expr),*) => {
        transmute::<*const c_void, unsafe extern "C" fn($($parameter),*) -> c_int>($function)($($argument),*)
    };
}

impl Symbol {
    /// # Safety
    ///
    /// The function takes what `call` says; `name` is NULL or a string, and the pointers are NULL or to what it gives.
    pub unsafe fn call(self, call: &Call, number: u32, flag: c_int, name: Name, out: [Out; 3]) -> c_int {
        let Self(function) = self;
        // SAFETY: as the caller promises.
        unsafe {
            match (call.takes, call.gives.len()) {
                (Takes::Pid | Takes::Pidfd | Takes::Peer, _) => call!(function, c_int: number as c_int, Out: out[0]),
                (Takes::Uid, _) => call!(function, u32: number, Out: out[0]),
                (Takes::UidAndFlag, _) => call!(function, u32: number, c_int: flag, Out: out[0]),
                (Takes::UidFlagAndSeat, _) => call!(function, u32: number, c_int: flag, Name: name),
                (Takes::All(_), _) => call!(function, Out: out[0]),
                (_, 0) => call!(function, Name: name),
                (_, 1) => call!(function, Name: name, Out: out[0]),
                (_, 2) => call!(function, Name: name, Out: out[0], Out: out[1]),
                (_, _) => call!(function, Name: name, Out: out[0], Out: out[1], Out: out[2]),
            }
        }
    }
}
