//! 20 `enforce_grant`: ends the membership of an owner whose grant, or bond, no longer lets it join. Its clients keep their
//! slots to the epoch's end and do not go on into the next. Anyone may.
//!
//! Accounts: run(w) table0(w) table1(w) member authorization (the one that the member account names)
//! Arguments: none

use crate::accounts::{MemberAccount, RunAccount};
use crate::error::{CoordinatorError, refused};
use crate::guards::{check_member, configured, let_in, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, key, load, load_mut};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], data: Reader<'_>) -> ProgramResult {
    let [run_account, table0, table1, member, authorization] = exactly(accounts)?;
    data.finish()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    configured(&run)?;
    let member = load::<MemberAccount>(member, program)?;
    let owner = member.owner;
    check_member(&member, &owner, &run_address, run.created_ms)?;
    key(authorization, &member.grant)?;
    if let_in(authorization, &run, &owner) && member.bond_lamports >= run.min_bond_lamports {
        return Err(CoordinatorError::GrantStillValid.into());
    }
    let machine = &mut run.machine;
    with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
        machine.withdraw_carry(table, next, &owner).map_err(refused)
    })?;
    run.changed();
    Ok(())
}
