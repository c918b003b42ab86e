//! A library like libsdlite that can panic, for the check that libsdlite cannot.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
pub extern "C" fn element(array: &[u8; 4], index: usize) -> u8 {
    array[index]
}
