//! 6 `set_future_epoch_rates`: points that the next epochs share out, and what an ejected client loses. Allowed in any state.
//!
//! Accounts: authority(s) run(w)
//! Arguments: earning u64 (points an epoch, shared), slashing u64 (points a client)

use crate::accounts::RunAccount;
use crate::error::refused;
use crate::guards::{authority, configured};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run] = exactly(accounts)?;
    let earning = data.u64()?;
    let slashing = data.u64()?;
    data.finish()?;
    let mut run = load_mut::<RunAccount>(run, program)?;
    authority(signer, &run)?;
    configured(&run)?;
    run.machine.set_future_epoch_rates(earning, slashing).map_err(refused)?;
    run.changed();
    Ok(())
}
