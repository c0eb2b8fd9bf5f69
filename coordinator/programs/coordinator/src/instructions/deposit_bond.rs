//! 21 `deposit_bond`: an owner adds to its bond in a run.
//!
//! Accounts: owner(s,w) run member(w) system
//! Arguments: lamports u64 (> 0)

use crate::accounts::{MemberAccount, RunAccount};
use crate::guards::check_member;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, load, load_mut, signer, transfer};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [owner, run, member_account, system] = exactly(accounts)?;
    let lamports = data.u64()?;
    data.finish()?;
    if lamports == 0 {
        return Err(CommonError::BadArgument.into());
    }
    signer(owner)?;
    let run_address = *run.address().as_array();
    let created_ms = load::<RunAccount>(run, program)?.created_ms;
    let mut member = load_mut::<MemberAccount>(member_account, program)?;
    check_member(&member, owner.address().as_array(), &run_address, created_ms)?;
    member.bond_lamports = member.bond_lamports.checked_add(lamports).ok_or(CommonError::Overflow)?;
    drop(member);
    transfer(owner, member_account, system, lamports)
}
