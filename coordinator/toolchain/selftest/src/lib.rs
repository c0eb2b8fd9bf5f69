//! A program for the tests of the toolchain: `coordinator/programs/test/toolchain.node.test.ts` compares what it computes with BigInt.
//!
//! Instruction data is a row of cases { operation u8, a u128, b u128 }, no accounts; the return data is a row of
//! answers { low u128, high u128 } in the same order. It has no dependency, so that it tests the toolchain and nothing else.
#![cfg_attr(any(target_arch = "bpf", target_os = "solana"), no_std)]

mod arguments;
mod bytes;
mod integers;
#[cfg(target_arch = "bpf")]
#[path = "../../../programs/common/src/memory.rs"]
mod memory;

const CASE_BYTES: usize = 33;
const ANSWER_BYTES: usize = 32;
const MAX_CASES: usize = 31;

/// Some(value) as (value, 1), None as (0, 0).
fn option(value: Option<u128>) -> (u128, u128) {
    match value {
        Some(value) => (value, 1),
        None => (0, 0),
    }
}

/// One case; an operation that is not known answers with all ones.
#[inline(never)]
pub fn answer(operation: u8, a: u128, b: u128) -> (u128, u128) {
    match operation {
        0..=39 => integers::answer(operation, a, b),
        40..=59 => arguments::answer(operation, a, b),
        60..=79 => bytes::answer(operation, a, b),
        _ => (u128::MAX, u128::MAX),
    }
}

/// Answers every whole case of `data`; returns how many bytes of `out` that took.
pub fn run(data: &[u8], out: &mut [u8; ANSWER_BYTES * MAX_CASES]) -> usize {
    let mut written = 0;
    for (case, place) in data.chunks_exact(CASE_BYTES).zip(out.chunks_exact_mut(ANSWER_BYTES)) {
        let mut wide = [[0u8; 16]; 2];
        wide[0].copy_from_slice(&case[1..17]);
        wide[1].copy_from_slice(&case[17..33]);
        let (low, high) = answer(case[0], u128::from_le_bytes(wide[0]), u128::from_le_bytes(wide[1]));
        place[..16].copy_from_slice(&low.to_le_bytes());
        place[16..].copy_from_slice(&high.to_le_bytes());
        written += ANSWER_BYTES;
    }
    written
}

#[cfg(any(target_arch = "bpf", target_os = "solana"))]
mod entry {
    /// murmur3 of "sol_set_return_data": SBPF calls a syscall by its hash.
    const SOL_SET_RETURN_DATA: usize = 0xa226_d3eb;

    /// The loader's input without accounts: { accounts u64 = 0, length u64, data, program id }.
    ///
    /// # Safety
    /// Called by the runtime alone, with `input` laid out as above.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
        let words = input.cast::<u64>();
        // SAFETY: the runtime's layout; with accounts in front nothing is read behind the first word
        let data = unsafe {
            if words.read() != 0 {
                return 1;
            }
            core::slice::from_raw_parts(input.add(16), words.add(1).read() as usize)
        };
        let mut out = [0u8; super::ANSWER_BYTES * super::MAX_CASES];
        let written = super::run(data, &mut out);
        // SAFETY: the hash of a syscall with this signature
        let set_return_data: extern "C" fn(*const u8, u64) = unsafe { core::mem::transmute(SOL_SET_RETURN_DATA) };
        set_return_data(out.as_ptr(), written as u64);
        0
    }

    /// murmur3 of "abort".
    const ABORT: usize = 0xb6fc_1a11;

    #[panic_handler]
    fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
        // SAFETY: as above; the runtime ends the program there
        let abort: extern "C" fn() -> ! = unsafe { core::mem::transmute(ABORT) };
        abort()
    }
}
