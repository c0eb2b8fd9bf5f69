//! 18 `checkpoint`: a client of the run's current or last epoch says where the parameters with the agreed hash are stored. An
//! open session proves that it may still act: after a pause no slot is Healthy, and the last checkpoint comes then.
//!
//! Accounts: session_key(s) run(w) table session
//! Arguments: slot u16, `hash[32]`, location text (1 to 192 bytes)

use crate::accounts::{RunAccount, SessionAccount};
use crate::error::{CoordinatorError, refused};
use crate::guards::{check_session, configured, own_slot, table};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load, load_mut, now_ms};
use starling_machine::{CHECKPOINT_LOCATION_BYTES, ClientState};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table_account, session] = exactly(accounts)?;
    let slot = data.u16()?;
    let hash = data.key()?;
    let location = data.text(CHECKPOINT_LOCATION_BYTES)?;
    data.finish()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    configured(&run)?;
    let session = load::<SessionAccount>(session, program)?;
    check_session(&session, session_key, &run_address, run.created_ms, now_ms()?)?;
    let table = table(table_account, program, &run_address, run.machine.table)?;
    if own_slot(session_key, &table.table, slot)?.is(ClientState::Ejected) {
        return Err(CoordinatorError::MemberEjected.into());
    }
    run.machine.checkpoint(location, hash).map_err(refused)?;
    run.changed();
    Ok(())
}
