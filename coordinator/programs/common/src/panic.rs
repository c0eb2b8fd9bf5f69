//! A panic is a bug here: it aborts the transaction, and says where.
#![allow(unsafe_code)]

use pinocchio::syscalls::{sol_log_, sol_panic_};

#[panic_handler]
fn on_panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let message = info.message().as_str().unwrap_or("panic");
    let (file, line, column) = info.location().map_or(("?", 0, 0), |at| (at.file(), at.line(), at.column()));
    // SAFETY: both are given a pointer and the length of a live str.
    unsafe {
        sol_log_(message.as_ptr(), message.len() as u64);
        sol_panic_(file.as_ptr(), file.len() as u64, u64::from(line), u64::from(column))
    }
}
