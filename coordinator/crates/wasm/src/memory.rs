//! The three regions of linear memory, and the only unsafe code of this crate.
//!
//! Soundness: the module is single-threaded and its exports never call each other, so at most one reference to each region
//! is in use at a time; every type read or written is `Pod`, which any bit pattern inhabits.

use core::cell::UnsafeCell;
use core::mem::size_of;
use starling_machine::{Pod, State};

const INPUT_BYTES: usize = 8 * 1024;
const OUTPUT_BYTES: usize = 8 * 1024;

#[repr(C, align(8))]
struct Region<T>(UnsafeCell<T>);
// SAFETY: one thread, see above.
unsafe impl<T> Sync for Region<T> {}

static STATE: Region<State> = Region(UnsafeCell::new(State::ZERO));
static INPUT: Region<[u8; INPUT_BYTES]> = Region(UnsafeCell::new([0; INPUT_BYTES]));
static OUTPUT: Region<[u8; OUTPUT_BYTES]> = Region(UnsafeCell::new([0; OUTPUT_BYTES]));

#[unsafe(no_mangle)]
pub extern "C" fn state_ptr() -> *mut u8 {
    STATE.0.get().cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn input_ptr() -> *mut u8 {
    INPUT.0.get().cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn input_bytes() -> u32 {
    INPUT_BYTES as u32
}

#[unsafe(no_mangle)]
pub extern "C" fn output_ptr() -> *mut u8 {
    OUTPUT.0.get().cast()
}

#[allow(clippy::mut_from_ref)]
pub fn state() -> &'static mut State {
    // SAFETY: see the module's note.
    unsafe { &mut *STATE.0.get() }
}

/// Reads values one after another from the input region, each at the next multiple of its alignment.
pub struct Input {
    offset: usize,
}

pub fn input() -> Input {
    Input { offset: 0 }
}

impl Input {
    fn claim<T: Pod>(&mut self, len: usize) -> Option<*const T> {
        let start = self.offset.checked_next_multiple_of(align_of::<T>())?;
        let end = start.checked_add(size_of::<T>().checked_mul(len)?)?;
        if end > INPUT_BYTES {
            return None;
        }
        self.offset = end;
        // SAFETY: `start` is in bounds, the region is aligned to 8 and `start` to T.
        Some(unsafe { input_ptr().cast_const().add(start).cast() })
    }

    /// Zero if the region is exhausted.
    pub fn take<T: Pod>(&mut self) -> T {
        // SAFETY: `claim` gives an aligned pointer to `size_of::<T>()` initialised bytes.
        self.claim::<T>(1).map_or(T::ZERO, |pointer| unsafe { pointer.read() })
    }

    /// Empty if the region is exhausted.
    pub fn take_slice<T: Pod>(&mut self, len: usize) -> &'static [T] {
        // SAFETY: `claim` gives an aligned pointer to `len` initialised values; nothing writes the region during a call.
        self.claim::<T>(len).map_or(&[], |pointer| unsafe { core::slice::from_raw_parts(pointer, len) })
    }
}

/// Writes values one after another into the output region.
pub struct Output {
    offset: usize,
    count: i32,
}

pub fn output() -> Output {
    Output { offset: 0, count: 0 }
}

impl Output {
    /// Values of one type; those that no longer fit are left out (256 assignments of 24 bytes do).
    pub fn push<T: Pod>(&mut self, value: T) {
        let end = self.offset.saturating_add(size_of::<T>());
        if end > OUTPUT_BYTES {
            return;
        }
        // SAFETY: in bounds; `write_unaligned` needs no alignment.
        unsafe { output_ptr().add(self.offset).cast::<T>().write_unaligned(value) };
        self.offset = end;
        self.count = self.count.saturating_add(1);
    }

    pub fn count(&self) -> i32 {
        self.count
    }
}
