//! 1 forward: one of the coordinator's instructions for the run's authority, signed by the treasury.
//!
//! Accounts: authority(s) treasury(w) coordinator_program, then that instruction's accounts, with the treasury as its authority.
//! Data: that instruction's bytes. Forwarded are write_config, update_config, update_metadata, set_paused,
//! set_future_epoch_rates and close_run. The last marks the treasury closed, and its spill may be anyone; while members can
//! still claim points it is refused, unless the run has been paused or finished for 90 days: nobody loses what he earned
//! because he slept.

use crate::TreasurerError;
use crate::accounts::{Treasury, authorized};
use crate::coordinator::{CLOSE_RUN, may_close, run_position};
use crate::token::signed_by_treasury;
use pinocchio::account::AccountView;
use pinocchio::cpi::{Signer, invoke_signed_with_bounds};
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, key, load_mut, now_ms};

const OWN_ACCOUNTS: usize = 3;
/// close_run has the most.
const MAX_FORWARDED: usize = 10;

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let data = arguments.rest();
    let (own, theirs) = accounts.split_first_chunk_mut::<OWN_ACCOUNTS>().ok_or(CommonError::WrongAccountCount)?;
    let [authority, treasury, coordinator_program] = own;
    let body = authorized(authority, treasury, program)?;
    if body.closed != 0 {
        return Err(TreasurerError::Closed.into());
    }
    key(coordinator_program, &body.coordinator_program)?;
    let instruction = *data.first().ok_or(CommonError::ShortData)?;
    // of another run that names this treasury as its authority, close_run would open this one's vault
    let run = theirs.get(run_position(instruction)?).ok_or(CommonError::WrongAccountCount)?;
    if *run.address().as_array() != body.run {
        return Err(CommonError::WrongRun.into());
    }
    if instruction == CLOSE_RUN {
        may_close(run, now_ms()?)?;
    }
    key(theirs.first().ok_or(CommonError::WrongAccountCount)?, treasury.address().as_array())?;

    signed_by_treasury(&body, |signers| call(coordinator_program, treasury, theirs, data, signers))?;
    if instruction == CLOSE_RUN {
        load_mut::<Treasury>(treasury, program)?.closed = 1;
    }
    Ok(())
}

#[inline(never)]
fn call(
    coordinator_program: &AccountView,
    treasury: &AccountView,
    accounts: &[AccountView],
    data: &[u8],
    signers: &[Signer<'_, '_>],
) -> ProgramResult {
    let metas: [InstructionAccount; MAX_FORWARDED] = core::array::from_fn(|index| {
        accounts.get(index).map_or(InstructionAccount::readonly(treasury.address()), |account| {
            let signs = account.is_signer() || account.address() == treasury.address();
            InstructionAccount::new(account.address(), account.is_writable(), signs)
        })
    });
    let metas = metas.get(..accounts.len()).ok_or(CommonError::WrongAccountCount)?;
    let instruction = InstructionView { program_id: coordinator_program.address(), data, accounts: metas };
    invoke_signed_with_bounds::<MAX_FORWARDED, _>(&instruction, accounts, signers)
}
