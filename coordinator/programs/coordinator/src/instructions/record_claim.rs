//! 23 `record_claim`: the run's authority, which is its treasury where it has one, has paid points to their owner.
//!
//! Accounts: authority(s) run(w) member(w)
//! Arguments: points u64 (> 0; at most earned - slashed - claimed)

use crate::accounts::{MemberAccount, RunAccount};
use crate::error::CoordinatorError;
use crate::guards::{authority, check_member};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, load_mut};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run_account, member] = exactly(accounts)?;
    let points = data.u64()?;
    data.finish()?;
    if points == 0 {
        return Err(CommonError::BadArgument.into());
    }
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    authority(signer, &run)?;
    let mut member = load_mut::<MemberAccount>(member, program)?;
    let owner = member.owner;
    check_member(&member, &owner, &run_address, run.created_ms)?;
    if points > member.claimable() {
        return Err(CoordinatorError::NotEnoughPoints.into());
    }
    member.claimed = member.claimed.checked_add(points).ok_or(CommonError::Overflow)?;
    run.unclaimed_points = run.unclaimed_points.saturating_sub(points);
    run.changed();
    Ok(())
}
