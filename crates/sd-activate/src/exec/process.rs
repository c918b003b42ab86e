//! A new process: by clone(2), or by clone3(2), which can make it in a control group.
//!
//! A process that goes into another group later waits for the kernel: up to 15 ms, where that has not happened for a while. The C
//! library has no function for clone3(2) that gives the process a stack of its own, so this is a few lines of assembler for each
//! kind of machine. Where there are none, or the kernel is before Linux 5.7, the service goes into its group by itself.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;

use nix::errno::Errno;

/// What a process is made with.
pub(super) struct Process<'a> {
    /// Without the signal that tells of its end, which is SIGCHLD.
    pub flags: c_int,
    pub stack: &'a mut [MaybeUninit<u8>],
    pub run: extern "C" fn(*mut c_void) -> c_int,
    pub argument: *mut c_void,
    /// Where the kernel stores its process id: CLONE_CHILD_SETTID.
    pub child_tid: *mut libc::pid_t,
}

impl Process<'_> {
    /// How much of the stack there is: it grows downwards from an address that is a multiple of 16.
    fn stack_size(&self) -> usize {
        self.stack.len() - self.stack.as_ptr_range().end.addr() % 16
    }
}

/// Makes a process in the group that this one is in.
///
/// # Safety
///
/// `run` gets `argument` in a process that may share this one's memory. It must not return.
pub(super) unsafe fn clone(process: &mut Process<'_>) -> Result<libc::pid_t, Errno> {
    let size = process.stack_size();
    let flags = process.flags | libc::SIGCHLD;
    let (no_parent_tid, no_tls) = (ptr::null_mut::<libc::pid_t>(), ptr::null_mut::<c_void>());
    // SAFETY: the stack's top is its end, and aligned; with that our caller has promised the rest.
    let pid = unsafe {
        let top = process.stack.as_mut_ptr().add(size).cast();
        libc::clone(process.run, top, flags, process.argument, no_parent_tid, no_tls, process.child_tid)
    };
    Errno::result(pid)
}

/// Makes a process in the group whose directory this is.
///
/// # Errors
///
/// ENOSYS where this cannot be done, and those of clone3(2).
///
/// # Safety
///
/// As for [`clone`].
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn clone_into(process: &mut Process<'_>, group: RawFd) -> Result<libc::pid_t, Errno> {
    /// That of the C library is an int in the crate libc, where it has no place.
    const CLONE_INTO_CGROUP: u64 = 1 << 33;

    let arguments = libc::clone_args {
        flags: process.flags as u64 | CLONE_INTO_CGROUP,
        pidfd: 0,
        child_tid: process.child_tid.addr() as u64,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: process.stack.as_mut_ptr().addr() as u64,
        stack_size: process.stack_size() as u64,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: group as u64,
    };
    let mut result = libc::SYS_clone3;
    // SAFETY: this process gets the result, and has its stack and registers as after every system call. The new one has another
    // stack, which is empty and aligned, and never leaves `run`; with that it may do what our caller has promised.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r9",
            "call r8",
            "ud2",
            "2:",
            inlateout("rax") result,
            in("rdi") &raw const arguments,
            in("rsi") size_of::<libc::clone_args>(),
            in("r8") process.run,
            in("r9") process.argument,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    if result < 0 { Err(Errno::from_raw(-result as c_int)) } else { Ok(result as libc::pid_t) }
}

/// Makes no process: there are no such lines for this kind of machine yet.
///
/// # Safety
///
/// There is nothing to look to.
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn clone_into(_: &mut Process<'_>, _: RawFd) -> Result<libc::pid_t, Errno> {
    Err(Errno::ENOSYS)
}
