//! 14 `witness`: what an elected witness holds of the round in progress, and the next link of its chain.
//!
//! Accounts: session_key(s) run(w) table(w) round(w: of index height % 4)
//! Arguments: slot u16, step u32, `bitmap[32]`, `list_root[32]`, `reveal[32]`, `parameter_hash[32]`; then nothing, or for
//! displays a filter of 512 bytes and up to 200 bytes of metadata, which stay in the transaction

use crate::accounts::RunAccount;
use crate::error::{CoordinatorError, refused};
use crate::guards::{own_slot, round_mut, table_mut};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, now_ms};
use starling_machine::{WitnessMessage, ring_index};

const FILTER_BYTES: usize = 512;
const METADATA_BYTES: usize = 200;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table_account, round_account] = exactly(accounts)?;
    let slot = data.u16()?;
    let step = data.u32()?;
    let message = WitnessMessage {
        bitmap: *data.key()?,
        list_root: *data.key()?,
        reveal: *data.key()?,
        parameter_hash: *data.key()?,
        step,
    };
    let extra = data.rest().len();
    if extra != 0 && !(FILTER_BYTES..=FILTER_BYTES.saturating_add(METADATA_BYTES)).contains(&extra) {
        return Err(CoordinatorError::WrongMetadata.into());
    }
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let mut table = table_mut(table_account, program, &run_address, run.machine.table)?;
    own_slot(session_key, &table.table, slot)?;
    let mut round = round_mut(round_account, program, &run_address, ring_index(run.machine.height))?;
    run.machine.witness(&mut table.table, &mut round.detail, slot, &message, now).map_err(refused)?;
    run.changed();
    Ok(())
}
