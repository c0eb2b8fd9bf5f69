//! 22 `withdraw_bond`: the first call takes lamports out of the bond. Where the rest is less than the run asks, the owner's
//! clients keep their slots to the epoch's end and do not go on into the next. The second, at least one whole epoch later, pays
//! the lamports to the owner. Until then they can be slashed. A halted run need not be waited for. All points must be settled,
//! which anyone can do.
//!
//! Accounts: owner(s,w) run(w) table0(w) table1(w) member(w)
//! Arguments: lamports u64 (> 0; at most what is bonded, or in the second call what is unbonding)

use crate::accounts::{MemberAccount, RunAccount};
use crate::error::CoordinatorError;
use crate::guards::{check_member, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, load_mut, move_lamports, signer};

/// The epoch in which it began, and a whole one after it.
const UNBONDING_EPOCHS: u16 = 2;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [owner, run_account, table0, table1, member_account] = exactly(accounts)?;
    let lamports = data.u64()?;
    data.finish()?;
    if lamports == 0 {
        return Err(CommonError::BadArgument.into());
    }
    signer(owner)?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let mut member = load_mut::<MemberAccount>(member_account, program)?;
    check_member(&member, owner.address().as_array(), &run_address, run.created_ms)?;
    if member.unbonding_lamports == 0 {
        member.bond_lamports =
            member.bond_lamports.checked_sub(lamports).ok_or(CoordinatorError::NotEnoughBond)?;
        member.unbonding_lamports = lamports;
        member.unbonding_epoch = run.machine.epoch;
        if !run.is_configured() {
            return Ok(());
        }
        let short = member.bond_lamports < run.min_bond_lamports;
        let machine = &mut run.machine;
        // A refusal says that none of its clients would go on.
        let withdrawn = with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
            Ok(short && machine.withdraw_carry(table, next, &member.owner).is_ok())
        })?;
        if withdrawn {
            run.changed();
        }
        return Ok(());
    }
    let waited = run.machine.epoch >= member.unbonding_epoch.saturating_add(UNBONDING_EPOCHS);
    if !waited && !run.machine.state().halted() {
        return Err(CoordinatorError::StillUnbonding.into());
    }
    // An ejection that nobody has settled yet may still be the owner's.
    if run.machine.table_unsettled != [0, 0] {
        return Err(CoordinatorError::Unsettled.into());
    }
    member.unbonding_lamports =
        member.unbonding_lamports.checked_sub(lamports).ok_or(CoordinatorError::NotEnoughBond)?;
    drop(member);
    move_lamports(member_account, owner, lamports)
}
