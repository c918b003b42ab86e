//! Memory that is put by.
//!
//! Where the kernel refuses more, what has begun is finished with the reserve. Until that is there again, the log does not grow and no
//! connections are accepted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use libc::c_void;

/// It takes no page, as nobody writes into it.
const SIZE: usize = 1 << 20;

/// Null where there is none.
static RESERVE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static IS_USED: AtomicBool = AtomicBool::new(false);

/// Puts it by, unless it is there.
pub fn put_by() {
    if RESERVE.load(Ordering::Relaxed).is_null() {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: it is mapped where nothing else is.
        let reserve = unsafe { libc::mmap(ptr::null_mut(), SIZE, access, kind, -1, 0) };
        if reserve != libc::MAP_FAILED {
            RESERVE.store(reserve, Ordering::Relaxed);
            IS_USED.store(false, Ordering::Relaxed);
        }
    }
}

/// Whether memory has run out, and the reserve is not there again.
pub fn is_used() -> bool {
    IS_USED.load(Ordering::Relaxed)
}

/// Gives it back to the kernel. Whether it was there.
fn give_back() -> bool {
    let reserve = RESERVE.swap(ptr::null_mut(), Ordering::Relaxed);
    IS_USED.fetch_or(!reserve.is_null(), Ordering::Relaxed);
    // SAFETY: `put_by` has mapped it, and nobody else has it any more.
    !reserve.is_null() && unsafe { libc::munmap(reserve, SIZE) } == 0
}

/// The system's allocator, which is asked once more where the reserve may help.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: all is the system's.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        once_more(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        once_more(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises. Where it is refused, the memory stays what it was.
        once_more(|| unsafe { System.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn once_more(allocate: impl Fn() -> *mut u8) -> *mut u8 {
    let memory = allocate();
    if memory.is_null() && give_back() { allocate() } else { memory }
}
