//! sd_journal_print(3) in its four forms.

use std::ffi::{c_char, c_int};

use proptest::prelude::*;
use sdlite_test_support::va_list;

use crate::compare::{Comparison, Difference, Function};
use crate::entry::{self, Pointers, errnos};
use crate::message::{Argument, Message, messages, variadic};
use crate::mixed::with_values;

const fn function(name: &'static str, compare: fn(&Comparison<'_>) -> Result<(), Difference>) -> Function {
    Function { name, share: 30, needs_namespace: true, compare }
}

pub const SD_JOURNAL_PRINT: Function = function("sd_journal_print", print);
pub const SD_JOURNAL_PRINTV: Function = function("sd_journal_printv", printv);
pub const SD_JOURNAL_PRINT_WITH_LOCATION: Function = function("sd_journal_print_with_location", print_with_location);
pub const SD_JOURNAL_PRINTV_WITH_LOCATION: Function = function("sd_journal_printv_with_location", printv_with_location);

/// Priority and message.
type Call = (c_int, Argument);

/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare<F: Copy>(
    comparison: &Comparison<'_>,
    with_location: bool,
    call: impl Fn(F, Pointers, &Call) -> c_int,
) -> Result<(), Difference> {
    let priority = prop_oneof![12 => 0..8_i32, 1 => -2..10_i32, 1 => any::<i32>()];
    let cases = ((priority, messages(3_000_000)), errnos());
    let prepare = |(priority, message): &(c_int, Message)| (*priority, message.argument());
    // SAFETY: as the caller promises.
    unsafe { entry::compare(comparison, cases, with_location, prepare, call) }
}

fn print(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(c_int, *const c_char, ...) -> c_int;
    let call = |print: Signature, _: Pointers, (priority, argument): &Call| {
        // SAFETY: the argument is what the format takes.
        unsafe { variadic!(print, *priority; argument) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare(comparison, false, call) }
}

fn printv(comparison: &Comparison<'_>) -> Result<(), Difference> {
    let call = |printv: va_list::Function, _: Pointers, (priority, argument): &Call| {
        // SAFETY: the argument is what the format takes.
        unsafe { variadic!(va_list::printv, printv, *priority; argument) }
    };
    // SAFETY: the function is one for that.
    unsafe { compare(comparison, false, call) }
}

fn print_with_location(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature =
        unsafe extern "C" fn(c_int, *const c_char, *const c_char, *const c_char, *const c_char, ...) -> c_int;
    let call = |print: Signature, [file, line, func]: Pointers, (priority, argument): &Call| {
        // SAFETY: the argument is what the format takes.
        unsafe { variadic!(print, *priority, file, line, func; argument) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare(comparison, true, call) }
}

fn printv_with_location(comparison: &Comparison<'_>) -> Result<(), Difference> {
    let call = |printv: va_list::Function, [file, line, func]: Pointers, (priority, argument): &Call| {
        // SAFETY: the argument is what the format takes.
        unsafe { variadic!(va_list::printv_with_location, printv, *priority, file, line, func; argument) }
    };
    // SAFETY: the function is one for that.
    unsafe { compare(comparison, true, call) }
}
