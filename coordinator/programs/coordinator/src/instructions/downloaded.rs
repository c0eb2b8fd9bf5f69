//! 15 `downloaded`: a witness holds the lists at these positions, and every result on which they agree.
//!
//! Accounts: session_key(s) run(w) table
//! Arguments: slot u16, step u32, `lists_held` u32 (bit p = the list of the witness at position p)

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
    let step = data.u32()?;
    let lists_held = data.u32()?;
    data.finish()?;
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let table = table(table_account, program, &run_address, run.machine.table)?;
    own_slot(session_key, &table.table, slot)?;
    run.machine.downloaded(&table.table, slot, step, lists_held, now).map_err(refused)?;
    run.changed();
    Ok(())
}
