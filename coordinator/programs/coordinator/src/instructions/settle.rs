//! 19 `settle`: moves points and ejections of an epoch that is over from its table to the owners' member accounts. Anyone may, in
//! any order and again: what is settled already is skipped. A slashed owner loses unclaimed points first; what they do not
//! cover comes out of its bond, a lamport a point, into the run's account; what neither covers stays as a debt in `slashed`.
//!
//! Accounts: run(w) table(w), then for each slot member(w)
//! Arguments: table u8, then the slots, u16 each (1 to 20)

use crate::accounts::{MemberAccount, RunAccount};
use crate::error::{CoordinatorError, refused};
use crate::guards::{check_member, configured, table_mut};
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, load_mut, move_lamports};
use starling_machine::Settled;

const MAX_SLOTS: usize = 20;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [run_account, table_account, members @ ..] = accounts else {
        return Err(CommonError::WrongAccountCount.into());
    };
    let index = data.u8()?;
    if members.is_empty() {
        return Err(CommonError::WrongAccountCount.into());
    }
    if members.len() > MAX_SLOTS {
        return Err(CoordinatorError::TooManySlots.into());
    }
    let mut changed = false;
    for member in members {
        changed |= settle_one(program, run_account, table_account, member, index, data.u16()?)?;
    }
    data.finish()?;
    if changed {
        load_mut::<RunAccount>(run_account, program)?.changed();
    }
    Ok(())
}

/// Whether there was anything to settle.
fn settle_one(
    program: &Address,
    run_account: &mut AccountView,
    table_account: &mut AccountView,
    member_account: &mut AccountView,
    index: u8,
    slot: u16,
) -> Result<bool, ProgramError> {
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    configured(&run)?;
    let mut table = table_mut(table_account, program, &run_address, index)?;
    let owner = match table.table.slot(slot) {
        Some(entry) if !entry.is_owed() => return Ok(false),
        Some(entry) => entry.owner,
        None => return Err(refused(starling_machine::Error::UnknownSlot)),
    };
    let mut member = load_mut::<MemberAccount>(member_account, program)?;
    if member.owner != owner {
        return Err(CoordinatorError::WrongMember.into());
    }
    check_member(&member, &owner, &run_address, run.created_ms)?;
    let settled = run.machine.settle(index, &mut table.table, slot).map_err(refused)?;
    let claimable = member.claimable();
    let from_bond = credit(&mut member, &settled);
    run.unclaimed_points = run.unclaimed_points.saturating_sub(claimable).saturating_add(member.claimable());
    // what a slash took, and what went to pay a debt, can be promised again
    run.free(claimable.saturating_add(settled.earned).saturating_sub(member.claimable()));
    drop(member);
    drop(run);
    if from_bond > 0 {
        move_lamports(member_account, run_account, from_bond)?;
    }
    Ok(true)
}

/// Returns the lamports that the bond pays.
fn credit(member: &mut MemberAccount, settled: &Settled) -> u64 {
    member.earned = member.earned.saturating_add(settled.earned);
    if settled.ejected != 0 {
        member.ejected = 1;
    }
    let uncovered = settled.slashed.saturating_sub(member.claimable());
    let from_bond = uncovered.min(member.bond_lamports);
    member.bond_lamports = member.bond_lamports.saturating_sub(from_bond);
    let from_unbonding = uncovered.saturating_sub(from_bond).min(member.unbonding_lamports);
    member.unbonding_lamports = member.unbonding_lamports.saturating_sub(from_unbonding);
    let paid = from_bond.saturating_add(from_unbonding);
    member.slashed = member.slashed.saturating_add(settled.slashed.saturating_sub(paid));
    paid
}

#[cfg(test)]
mod tests {
    use super::*;
    use starling_common::Header;

    fn member(earned: u64, claimed: u64, bond: u64, unbonding: u64) -> MemberAccount {
        MemberAccount {
            header: Header { kind: 5, version: 1, bump: 0, index: 0, padding: [0; 4] },
            run: [0; 32],
            run_created_ms: 0,
            owner: [0; 32],
            grant: [0; 32],
            earned,
            slashed: 0,
            claimed,
            bond_lamports: bond,
            unbonding_lamports: unbonding,
            unbonding_epoch: 0,
            ejected: 0,
            padding: [0; 5],
        }
    }

    fn settled(earned: u64, slashed: u64) -> Settled {
        Settled { earned, slashed, ejected: u8::from(slashed > 0), padding: [0; 7] }
    }

    #[test]
    fn earnings_add_up() {
        let mut owner = member(5, 5, 0, 0);
        assert_eq!(credit(&mut owner, &settled(7, 0)), 0);
        assert_eq!((owner.earned, owner.slashed, owner.ejected, owner.claimable()), (12, 0, 0, 7));
    }

    #[test]
    fn a_slash_takes_unclaimed_points_first_then_the_bond_then_what_unbonds() {
        let mut owner = member(100, 40, 30, 20);
        assert_eq!(credit(&mut owner, &settled(0, 50)), 0);
        assert_eq!((owner.slashed, owner.bond_lamports, owner.claimable(), owner.ejected), (50, 30, 10, 1));

        let mut owner = member(100, 40, 30, 20);
        assert_eq!(credit(&mut owner, &settled(0, 100)), 40);
        assert_eq!((owner.slashed, owner.bond_lamports, owner.unbonding_lamports, owner.claimable()), (60, 0, 10, 0));
    }

    #[test]
    fn what_neither_covers_stays_as_a_debt() {
        let mut owner = member(10, 0, 5, 0);
        assert_eq!(credit(&mut owner, &settled(0, 100)), 5);
        assert_eq!((owner.slashed, owner.bond_lamports, owner.claimable()), (95, 0, 0));
        assert_eq!(credit(&mut owner, &settled(50, 0)), 0);
        assert_eq!(owner.claimable(), 0, "60 earned, 95 owed");
    }

    #[test]
    fn sums_stop_at_the_end_of_their_field() {
        let mut owner = member(u64::MAX - 1, 0, u64::MAX, 0);
        assert_eq!(credit(&mut owner, &settled(u64::MAX, u64::MAX)), 0);
        assert_eq!((owner.earned, owner.slashed), (u64::MAX, u64::MAX));
    }
}
