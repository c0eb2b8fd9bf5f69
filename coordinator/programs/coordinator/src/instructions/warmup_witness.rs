//! 13 `warmup_witness`: the client of a slot has loaded and is ready to train.
//!
//! Accounts: session_key(s) run(w) table
//! Arguments: slot u16

use crate::accounts::RunAccount;
use crate::error::refused;
use crate::guards::{own_slot, table};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, now_ms};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table_account] = exactly(accounts)?;
    let slot = data.u16()?;
    data.finish()?;
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let table = table(table_account, program, &run_address, run.machine.table)?;
    own_slot(session_key, &table.table, slot)?;
    if run.machine.warmup_witness(&table.table, slot, now).map_err(refused)? {
        run.changed();
    }
    Ok(())
}
