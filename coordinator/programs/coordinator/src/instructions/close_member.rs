//! 25 `close_member`: gives an owner the rent of its member account back. While the run is open there may be nothing left in it:
//! no points to claim, no bond, no ejection, no slot in either table. When the run is closed everything in it goes to the owner.
//!
//! Accounts: owner(s,w) run member(w) table0 table1
//! Arguments: none

use crate::accounts::{MemberAccount, RunAccount};
use crate::error::CoordinatorError;
use crate::guards::{run_is_gone, table};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, close, exactly, key, load, signer};
use starling_machine::{EpochTable, Run, RunState};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], data: Reader<'_>) -> ProgramResult {
    let [owner, run, member_account, table0, table1] = exactly(accounts)?;
    data.finish()?;
    signer(owner)?;
    let member = load::<MemberAccount>(member_account, program)?;
    key(owner, &member.owner)?;
    if !run_is_gone(run, program, &member.run, member.run_created_ms)? {
        check_unused(program, run, [table0, table1], &member)?;
    }
    drop(member);
    close(member_account, owner)
}

fn check_unused(
    program: &Address,
    run_account: &AccountView,
    tables: [&mut AccountView; 2],
    member: &MemberAccount,
) -> ProgramResult {
    if member.ejected != 0 {
        return Err(CoordinatorError::MemberEjected.into());
    }
    let bond = member.bond_lamports.saturating_add(member.unbonding_lamports);
    if member.claimable() != 0 || bond != 0 {
        return Err(CoordinatorError::MemberInUse.into());
    }
    let run = load::<RunAccount>(run_account, program)?;
    if !run.is_configured() {
        return Ok(());
    }
    for (index, account) in (0u8..).zip(tables) {
        let table = table(account, program, run_account.address().as_array(), index)?;
        if holds(&run.machine, index, &table.table, &member.owner) {
            return Err(CoordinatorError::MemberInUse.into());
        }
    }
    Ok(())
}

/// Whether the owner has a slot in this table that counts: that of a running epoch, one that goes on into the next or waits
/// for it, or one with points to settle.
fn holds(run: &Run, index: u8, table: &EpochTable, owner: &[u8; 32]) -> bool {
    let other = index != run.table;
    let waiting = other && run.next_unsettled() == 0;
    let used = if waiting { run.pending_len } else { table.len };
    let over = other || matches!(run.state(), RunState::WaitingForMembers) || run.state().halted();
    let mut slots = table.slots.iter().take(usize::from(used)).filter(|slot| slot.owner == *owner);
    slots.any(|slot| waiting || !over || slot.carried != 0 || slot.is_owed())
}
