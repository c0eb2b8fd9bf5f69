//! What the treasurer knows of the coordinator: numbers of instructions, where the run stands in their accounts, and the few
//! fields of a run that decide whether it may be closed.

use crate::TreasurerError;
use core::mem::offset_of;
use pinocchio::ProgramResult;
use pinocchio::account::AccountView;
use pinocchio::cpi::{Signer, invoke_signed};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use starling_common::CommonError;
use starling_machine::{Run, RunState};

pub const CREATE_RUN: u8 = 0;
pub const CLOSE_RUN: u8 = 24;
pub const RECORD_CLAIM: u8 = 23;
pub const FUND: u8 = 26;
pub const MEMBER_SEED: &[u8] = b"member";

/// Where in its accounts a forwarded instruction has the run; the authority is always the first.
///
/// # Errors
/// `NotForwarded`.
pub fn run_position(instruction: u8) -> Result<usize, ProgramError> {
    match instruction {
        // write_config, update_config, update_metadata, set_paused, set_future_epoch_rates: authority run ...
        2..=6 => Ok(1),
        // authority spill run ...
        CLOSE_RUN => Ok(2),
        _ => Err(TreasurerError::NotForwarded.into()),
    }
}

/// Of the coordinator's Run account: { header 8, main_authority 32, join_authority 32, authorizer_program 32, nonce 8,
/// min_bond_lamports 8, created_ms 8, config_sha256 32, unclaimed_points 8, unpromised_points 8, the machine's Run }.
const UNCLAIMED_AT: usize = 160;
const MACHINE_AT: usize = 176;

/// Tells the coordinator of points that the treasury can pay; they are promised to nobody yet.
///
/// # Errors
/// Those of the coordinator.
#[inline(never)]
pub fn fund(
    coordinator_program: &AccountView,
    treasury: &AccountView,
    run: &AccountView,
    points: u64,
    signers: &[Signer<'_, '_>],
) -> ProgramResult {
    let accounts =
        [InstructionAccount::readonly_signer(treasury.address()), InstructionAccount::writable(run.address())];
    let [a, b, c, d, e, f, g, h] = points.to_le_bytes();
    let data = [FUND, a, b, c, d, e, f, g, h];
    let instruction = InstructionView { program_id: coordinator_program.address(), data: &data, accounts: &accounts };
    invoke_signed(&instruction, &[treasury, run], signers)
}

/// Members have this long to claim once a run stands still.
pub const CLAIM_TIME_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// Refuses while members can still claim points, unless the run has stood still for [`CLAIM_TIME_MS`].
///
/// # Errors
/// `PointsUnclaimed`, `WrongSize`.
pub fn may_close(run: &AccountView, now_ms: u64) -> Result<(), ProgramError> {
    let data = run.try_borrow()?;
    let closable = settled(&data, now_ms).ok_or(CommonError::WrongSize)?;
    if closable { Ok(()) } else { Err(TreasurerError::PointsUnclaimed.into()) }
}

fn settled(data: &[u8], now_ms: u64) -> Option<bool> {
    let machine = data.get(MACHINE_AT..)?;
    if machine.len() != size_of::<Run>() {
        return None;
    }
    let word = |bytes: &[u8], at: usize| bytes.get(at..)?.first_chunk::<8>().map(|word| u64::from_le_bytes(*word));
    let unclaimed_points = word(data, UNCLAIMED_AT)?;
    let since_ms = word(machine, offset_of!(Run, run_state_started_ms))?;
    let state = *machine.get(offset_of!(Run, run_state))?;
    let halted = state == RunState::Paused as u8 || state == RunState::Finished as u8;
    Some(unclaimed_points == 0 || (halted && now_ms.saturating_sub(since_ms) >= CLAIM_TIME_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run's bytes with these fields and zeros elsewhere.
    fn run(unclaimed_points: u64, state: RunState, since_ms: u64) -> Vec<u8> {
        let mut data = vec![0; MACHINE_AT.saturating_add(size_of::<Run>())];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = data.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
                place.copy_from_slice(bytes);
            }
        };
        put(UNCLAIMED_AT, &unclaimed_points.to_le_bytes());
        put(MACHINE_AT.saturating_add(offset_of!(Run, run_state)), &[state as u8]);
        put(MACHINE_AT.saturating_add(offset_of!(Run, run_state_started_ms)), &since_ms.to_le_bytes());
        data
    }

    #[test]
    fn members_have_90_days_from_the_halt() {
        const SINCE: u64 = 1_750_000_000_000;
        let later = SINCE.saturating_add(CLAIM_TIME_MS);
        let before = later.saturating_sub(1);
        assert_eq!(settled(&run(0, RunState::Paused, SINCE), SINCE), Some(true), "all is claimed");
        assert_eq!(settled(&run(1, RunState::Paused, SINCE), before), Some(false));
        assert_eq!(settled(&run(1, RunState::Paused, SINCE), later), Some(true));
        assert_eq!(settled(&run(1, RunState::Finished, SINCE), later), Some(true));
        assert_eq!(settled(&run(1, RunState::RoundTrain, SINCE), u64::MAX), Some(false), "not halted");
        assert_eq!(settled(&run(1, RunState::Paused, SINCE), 0), Some(false), "a clock that went back");
        assert_eq!(settled(run(0, RunState::Paused, 0).get(1..).unwrap_or(&[]), SINCE), None, "another size");
    }
}
