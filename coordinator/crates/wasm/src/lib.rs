//! The WebAssembly face of `machine` and `schedule`: flat functions over three regions of linear memory, no wasm-bindgen.
//!
//! * `state`: one `State`. The caller copies a run's bytes in, calls, and copies them out.
//! * `input`: arguments that are not numbers. `output`: results that are not numbers.
//!
//! A function that can be refused returns a negative error number; otherwise 0 or a count. Names, offsets and errors are
//! exported too (`describe_*`): the TypeScript side is generated from them by scripts/build-wasm.mjs.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod describe;
mod memory;
mod schedule;

use memory::{Input, input, output, state};
use starling_machine::{BatchAssignment, Config, Elected, Error, Membership, Pod as _, Settled, State, WitnessMessage};

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

/// 0: something changed, 1: nothing did.
fn change(result: Result<bool, Error>) -> i32 {
    result.map_or_else(refusal, |changed| i32::from(!changed))
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
    *state() = State::ZERO;
    status(state().run.create(run_id, &config, now_ms))
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

/// input: 32 bytes that no client could foresee. Returns a `TickOutcome`.
#[unsafe(no_mangle)]
pub extern "C" fn tick(now_ms: u64) -> i32 {
    let server_random: [u8; 32] = input().take();
    match state().tick(now_ms, &server_random) {
        Ok(outcome) => outcome as i32,
        Err(error) => refusal(error),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn is_tick_due(now_ms: u64) -> i32 {
    i32::from(state().run.is_tick_due(now_ms))
}

/// input: a `Membership`. Returns 0, or 1 if nothing changed.
#[unsafe(no_mangle)]
pub extern "C" fn join(now_ms: u64) -> i32 {
    let member: Membership = input().take();
    change(state().join(&member, now_ms))
}

/// input: the session key (32).
#[unsafe(no_mangle)]
pub extern "C" fn leave() -> i32 {
    let session: [u8; 32] = input().take();
    status(state().leave(&session))
}

/// input: the owner (32).
#[unsafe(no_mangle)]
pub extern "C" fn withdraw_carry() -> i32 {
    let owner: [u8; 32] = input().take();
    status(state().withdraw_carry(&owner))
}

/// output: a `Settled`.
#[unsafe(no_mangle)]
pub extern "C" fn settle(table: u32, of: u32) -> i32 {
    let settled = u8::try_from(table)
        .map_err(|_| Error::UnknownTable)
        .and_then(|table| slot(of).and_then(|slot| state().settle(table, slot)));
    status(settled.map(|settled: Settled| output().push(settled)))
}

/// Settles all that can be settled now. Returns how many slots that were.
#[unsafe(no_mangle)]
pub extern "C" fn settle_all() -> i32 {
    i32::from(state().settle_all())
}

#[unsafe(no_mangle)]
pub extern "C" fn start(now_ms: u64) -> i32 {
    status(state().run.start(now_ms))
}

#[unsafe(no_mangle)]
pub extern "C" fn pause(now_ms: u64) -> i32 {
    status(state().pause(now_ms))
}

#[unsafe(no_mangle)]
pub extern "C" fn resume(now_ms: u64) -> i32 {
    status(state().run.resume(now_ms))
}

/// input: a `Config`.
#[unsafe(no_mangle)]
pub extern "C" fn update_config() -> i32 {
    let config: Config = input().take();
    status(state().run.update_config(&config))
}

#[unsafe(no_mangle)]
pub extern "C" fn set_future_epoch_rates(earning_total_shared: u64, slashing_per_client: u64) -> i32 {
    status(state().run.set_future_epoch_rates(earning_total_shared, slashing_per_client))
}

/// Returns 0, or 1 if nothing changed.
#[unsafe(no_mangle)]
pub extern "C" fn warmup_witness(from: u32, now_ms: u64) -> i32 {
    change(slot(from).and_then(|from| state().warmup_witness(from, now_ms)))
}

/// input: a `WitnessMessage`.
#[unsafe(no_mangle)]
pub extern "C" fn witness(from: u32, now_ms: u64) -> i32 {
    let message: WitnessMessage = input().take();
    status(slot(from).and_then(|from| state().witness(from, &message, now_ms)))
}

#[unsafe(no_mangle)]
pub extern "C" fn downloaded(from: u32, step: u32, lists_held: u32, now_ms: u64) -> i32 {
    status(slot(from).and_then(|from| state().downloaded(from, step, lists_held, now_ms)))
}

/// input: `targets_len` slots, u16 each. Returns how many were dropped.
#[unsafe(no_mangle)]
pub extern "C" fn health_check(from: u32, targets_len: u32, now_ms: u64) -> i32 {
    let targets: &[u16] = input().take_slice((targets_len as usize).min(256));
    match slot(from).and_then(|from| state().health_check(from, targets, now_ms)) {
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
pub extern "C" fn report_equivocation(from: u32, target: u32, now_ms: u64) -> i32 {
    let result = slot(from).and_then(|from| state().report_equivocation(from, slot(target)?, now_ms));
    result.map_or_else(refusal, i32::from)
}

/// input: the hash (32), then the location (`location_len` bytes).
#[unsafe(no_mangle)]
pub extern "C" fn checkpoint(location_len: u32) -> i32 {
    let mut reader: Input = input();
    let hash: [u8; 32] = reader.take();
    let location: &[u8] = reader.take_slice((location_len as usize).min(1024));
    status(state().run.checkpoint(location, &hash))
}

/// output: `BatchAssignment`s of the round. Returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn assignment(height: u32) -> i32 {
    let Some(round) = state().run.round(height) else { return refusal(Error::UnknownRound) };
    let mut writer = output();
    round.for_each_batch(|batch: BatchAssignment| writer.push(batch));
    writer.count()
}

/// output: `Elected` of the round. Returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn elected(height: u32) -> i32 {
    let Some(round) = state().run.round(height) else { return refusal(Error::UnknownRound) };
    let mut writer = output();
    for elected in round.elected().as_slice() {
        writer.push::<Elected>(*elected);
    }
    writer.count()
}

#[unsafe(no_mangle)]
pub extern "C" fn quorum(height: u32) -> i32 {
    state().run.round(height).map_or_else(|| refusal(Error::UnknownRound), |round| i32::from(round.quorum()))
}

#[unsafe(no_mangle)]
pub extern "C" fn batch_size_at(data_index: u64) -> i32 {
    i32::from(state().run.config.batch_size_at(data_index))
}
