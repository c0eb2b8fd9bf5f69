//! 26 `fund`: the run's authority can pay so many points more. From the first call on an epoch promises no more than is funded and
//! not promised yet, so that what a member has earned is there whatever rates come after it. A treasury calls it when it is made
//! (with 0) and with every top-up; an authority that never does pays its points by itself, or not at all.
//!
//! Accounts: authority(s) run(w)
//! Arguments: points u64

use crate::accounts::RunAccount;
use crate::guards::authority;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run] = exactly(accounts)?;
    let points = data.u64()?;
    data.finish()?;
    let mut run = load_mut::<RunAccount>(run, program)?;
    authority(signer, &run)?;
    run.fund(points);
    run.changed();
    Ok(())
}
