//! The WebAssembly face of `machine` and `schedule`: flat functions over three regions of linear memory, no wasm-bindgen.
//!
//! * `state`: one `Coordinator`. The caller copies a run's bytes in, calls, and copies them out.
//! * `input`: arguments that are not numbers. `output`: results that are not numbers.
//!
//! A function that can be refused returns a negative error number; otherwise 0 or a count. Names, offsets and errors are
//! exported too (`describe_*`): the TypeScript side is generated from them by scripts/build-wasm.mjs.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod describe;
mod memory;
mod schedule;

use memory::{Input, input, output, state};
use starling_machine::{BatchAssignment, Config, Coordinator, Elected, Error, Membership, Pod as _, WitnessMessage};

/// A tick looks at no more pending members than this: 256 slots, 64 barred owners, and room for duplicates.
pub const MAX_PENDING: usize = 512;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

fn refusal(error: Error) -> i32 {
    i32::from(error.code()).wrapping_neg()
}

fn status(result: Result<(), Error>) -> i32 {
    result.map_or_else(refusal, |()| 0)
}

/// A JavaScript number that must be a slot.
fn slot(value: u32) -> Result<u16, Error> {
    u16::try_from(value).map_err(|_| Error::UnknownSlot)
}

/// input: `run_id` (`run_id_len` bytes, at most 32, padded to 32), then a `Config`.
#[unsafe(no_mangle)]
pub extern "C" fn create(run_id_len: u32, now_ms: u64) -> i32 {
    let mut reader = input();
    let run_id: [u8; 32] = reader.take();
    let config: Config = reader.take();
    let Some(run_id) = run_id.get(..run_id_len as usize) else { return refusal(Error::InvalidRunId) };
    *state() = Coordinator::ZERO;
    status(state().create(run_id, &config, now_ms))
}

#[unsafe(no_mangle)]
pub extern "C" fn validate() -> i32 {
    status(state().validate())
}

/// input: a `Config`; output: the numbers of its broken rules, u16 each. Returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn config_violations() -> i32 {
    let config: Config = input().take();
    let mut writer = output();
    config.violations(|error| writer.push(error.code()));
    writer.count()
}

/// input: `pending_len` memberships, at most `MAX_PENDING`. Returns a `TickOutcome`.
#[unsafe(no_mangle)]
pub extern "C" fn tick(now_ms: u64, pending_len: u32) -> i32 {
    let mut reader = input();
    let server_random: [u8; 32] = reader.take();
    let pending: &[Membership] = reader.take_slice(pending_len.min(MAX_PENDING as u32) as usize);
    match state().tick(now_ms, &server_random, pending) {
        Ok(outcome) => outcome as i32,
        Err(error) => refusal(error),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn is_tick_due(now_ms: u64, pending_count: u32) -> i32 {
    i32::from(state().is_tick_due(now_ms, u16::try_from(pending_count).unwrap_or(u16::MAX)))
}

#[unsafe(no_mangle)]
pub extern "C" fn start(now_ms: u64) -> i32 {
    status(state().start(now_ms))
}

#[unsafe(no_mangle)]
pub extern "C" fn pause(now_ms: u64) -> i32 {
    status(state().pause(now_ms))
}

#[unsafe(no_mangle)]
pub extern "C" fn resume(now_ms: u64) -> i32 {
    status(state().resume(now_ms))
}

/// input: a `Config`.
#[unsafe(no_mangle)]
pub extern "C" fn update_config() -> i32 {
    let config: Config = input().take();
    status(state().update_config(&config))
}

#[unsafe(no_mangle)]
pub extern "C" fn set_future_epoch_rates(earning_total_shared: u64, slashing_per_client: u64) -> i32 {
    status(state().set_future_epoch_rates(earning_total_shared, slashing_per_client))
}

#[unsafe(no_mangle)]
pub extern "C" fn warmup_witness(from: u32) -> i32 {
    status(slot(from).and_then(|from| state().warmup_witness(from)))
}

/// input: a `WitnessMessage`.
#[unsafe(no_mangle)]
pub extern "C" fn witness(from: u32) -> i32 {
    let message: WitnessMessage = input().take();
    status(slot(from).and_then(|from| state().witness(from, &message)))
}

#[unsafe(no_mangle)]
pub extern "C" fn downloaded(from: u32, step: u32, lists_held: u32) -> i32 {
    status(slot(from).and_then(|from| state().downloaded(from, step, lists_held)))
}

/// input: `targets_len` slots, u16 each. Returns how many were dropped.
#[unsafe(no_mangle)]
pub extern "C" fn health_check(from: u32, targets_len: u32) -> i32 {
    let targets: &[u16] = input().take_slice((targets_len as usize).min(256));
    match slot(from).and_then(|from| state().health_check(from, targets)) {
        Ok(dropped) => i32::from(dropped),
        Err(error) => refusal(error),
    }
}

/// Returns 1 if a health check would find the slot unhealthy.
#[unsafe(no_mangle)]
pub extern "C" fn is_unhealthy(target: u32) -> i32 {
    slot(target).and_then(|target| state().is_unhealthy(target)).map_or_else(refusal, i32::from)
}

/// Returns 1 if the target was ejected.
#[unsafe(no_mangle)]
pub extern "C" fn report_equivocation(from: u32, target: u32) -> i32 {
    let result = slot(from).and_then(|from| state().report_equivocation(from, slot(target)?));
    result.map_or_else(refusal, i32::from)
}

#[unsafe(no_mangle)]
pub extern "C" fn leave(from: u32) -> i32 {
    status(slot(from).and_then(|from| state().leave(from)))
}

/// input: the hash (32), then the location (`location_len` bytes).
#[unsafe(no_mangle)]
pub extern "C" fn checkpoint(location_len: u32) -> i32 {
    let mut reader: Input = input();
    let hash: [u8; 32] = reader.take();
    let location: &[u8] = reader.take_slice((location_len as usize).min(1024));
    status(state().checkpoint(location, &hash))
}

/// output: `BatchAssignment`s of the round. Returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn assignment(height: u32) -> i32 {
    let Some(round) = state().round(height) else { return refusal(Error::UnknownRound) };
    let mut writer = output();
    round.for_each_batch(|batch: BatchAssignment| writer.push(batch));
    writer.count()
}

/// output: `Elected` of the round. Returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn elected(height: u32) -> i32 {
    let Some(round) = state().round(height) else { return refusal(Error::UnknownRound) };
    let mut writer = output();
    for elected in round.elected().as_slice() {
        writer.push::<Elected>(*elected);
    }
    writer.count()
}

#[unsafe(no_mangle)]
pub extern "C" fn quorum(height: u32) -> i32 {
    state().round(height).map_or_else(|| refusal(Error::UnknownRound), |round| i32::from(round.quorum()))
}

#[unsafe(no_mangle)]
pub extern "C" fn batch_size_at(data_index: u64) -> i32 {
    i32::from(state().config.batch_size_at(data_index))
}
