//! 11 `leave_run`: the signer's client leaves the epoch and does not go on into the next; it keeps the share of its rounds.
//!
//! Accounts: session_key(s) run(w) table0(w) table1(w)
//! Arguments: none

use crate::accounts::RunAccount;
use crate::error::refused;
use crate::guards::{configured, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, signer};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table0, table1] = exactly(accounts)?;
    data.finish()?;
    signer(session_key)?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    configured(&run)?;
    let machine = &mut run.machine;
    with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
        machine.leave(table, next, session_key.address().as_array()).map_err(refused)
    })?;
    run.changed();
    Ok(())
}
