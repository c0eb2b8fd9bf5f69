//! 1 `allocate`: makes a table larger by up to 10,240 bytes; five times makes it complete. Anyone may; a complete table stays.
//!
//! Accounts: payer(s,w) run table(w) system
//! Arguments: table u8 (0 or 1)

use crate::accounts::{CREATION_BYTES, RunAccount, TableAccount};
use crate::guards::check_table_head;
use core::mem::size_of;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, grow, load, writable};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [payer, run, table, system] = exactly(accounts)?;
    let index = data.u8()?;
    data.finish()?;
    load::<RunAccount>(run, program)?;
    writable(table)?;
    if check_table_head(table, program, run.address().as_array(), index)? {
        return Ok(());
    }
    let bytes = table.data_len().saturating_add(CREATION_BYTES).min(size_of::<TableAccount>());
    grow(payer, table, system, bytes)
}
