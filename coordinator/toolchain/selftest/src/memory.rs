//! Keeps `memcmp` and its kin as the functions that the linker knows.
//!
//! Their definitions in `compiler_builtins` take part in link-time optimisation. Where a program calls one of them with one
//! length only, LLVM would drop that argument, and the linker's replacement by a syscall would no longer fit. A function
//! whose address is taken keeps its signature. The linker removes this table again.
#![allow(unsafe_code)]

unsafe extern "C" {
    fn memcmp(a: *const u8, b: *const u8, bytes: usize) -> i32;
    fn bcmp(a: *const u8, b: *const u8, bytes: usize) -> i32;
    fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
    fn memset(to: *mut u8, value: i32, bytes: usize) -> *mut u8;
}

type Compare = unsafe extern "C" fn(*const u8, *const u8, usize) -> i32;
type Copy = unsafe extern "C" fn(*mut u8, *const u8, usize) -> *mut u8;
type Fill = unsafe extern "C" fn(*mut u8, i32, usize) -> *mut u8;

#[used]
static KEPT: (Compare, Compare, Copy, Copy, Fill) = (memcmp, bcmp, memcpy, memmove, memset);
