//! What the treasurer knows of the coordinator: numbers of instructions, and where the run stands in their accounts.

use crate::TreasurerError;
use pinocchio::error::ProgramError;

pub const CREATE_RUN: u8 = 0;
pub const CLOSE_RUN: u8 = 24;
pub const RECORD_CLAIM: u8 = 23;
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
