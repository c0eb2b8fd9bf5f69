//! 16 `health_check`: a live client names others that are gone; each is dropped, or nobody if one of them is not unhealthy.
//!
//! Accounts: session_key(s) run(w) table(w)
//! Arguments: slot u16, then the slots it names, u16 each (1 to 16)

use crate::accounts::RunAccount;
use crate::error::{CoordinatorError, refused};
use crate::guards::{own_slot, table_mut};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, now_ms};

const MAX_TARGETS: usize = 16;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table_account] = exactly(accounts)?;
    let slot = data.u16()?;
    let mut targets = [0u16; MAX_TARGETS];
    let mut len = 0usize;
    while !data.is_empty() {
        *targets.get_mut(len).ok_or(CoordinatorError::TooManySlots)? = data.u16()?;
        len = len.saturating_add(1);
    }
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let mut table = table_mut(table_account, program, &run_address, run.machine.table)?;
    own_slot(session_key, &table.table, slot)?;
    let named = targets.get(..len).unwrap_or(&[]);
    let dropped = run.machine.health_check(&mut table.table, slot, named, now).map_err(refused)?;
    if dropped > 0 {
        run.changed();
    }
    Ok(())
}
