//! 2 `write_config`: stages a part of the TOML text of a halted run, in any order. What was in force is overwritten, so the run
//! cannot be resumed before `update_config` has put the new text in force.
//!
//! Accounts: authority(s) run(w) config(w)
//! Arguments: offset u16, then the bytes (rest, at least one); offset + length <= 8192

use crate::accounts::{ConfigAccount, RunAccount};
use crate::error::{CoordinatorError, refused};
use crate::guards::authority;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, load_mut};
use starling_machine::Error;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run_account, config] = exactly(accounts)?;
    let offset = data.u16()?;
    let part = data.rest();
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    authority(signer, &run)?;
    if !run.machine.state().halted() {
        return Err(refused(Error::NotHalted));
    }
    let mut config = load_mut::<ConfigAccount>(config, program)?;
    if config.run != run_address {
        return Err(CommonError::WrongRun.into());
    }
    if part.is_empty() {
        return Err(CommonError::ShortData.into());
    }
    let start = usize::from(offset);
    let end = start.saturating_add(part.len());
    let place = config.toml.get_mut(start..end).ok_or(CoordinatorError::ConfigTooLong)?;
    place.copy_from_slice(part);
    let end = u16::try_from(end).map_err(|_| CoordinatorError::ConfigTooLong)?;
    config.staged_len = config.staged_len.max(end);
    config.toml_len = 0;
    run.config_sha256 = [0; 32];
    run.changed();
    Ok(())
}
