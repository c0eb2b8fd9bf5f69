//! 17 `report_equivocation`: a live client holds two commitments of another for one batch. A quorum of reports ejects.
//!
//! Accounts: session_key(s) run(w) table0(w) table1(w)
//! Arguments: slot u16, target u16 (slot)

use crate::accounts::RunAccount;
use crate::error::refused;
use crate::guards::{own_slot, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, now_ms};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table0, table1] = exactly(accounts)?;
    let slot = data.u16()?;
    let target = data.u16()?;
    data.finish()?;
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let machine = &mut run.machine;
    with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
        own_slot(session_key, table, slot)?;
        machine.report_equivocation(table, next, slot, target, now).map_err(refused)
    })?;
    run.changed();
    Ok(())
}
