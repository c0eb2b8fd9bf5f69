//! 8 `close_session`: ends a session and gives its lamports, float included, to the owner; its client leaves the run. The
//! owner may at once, anyone once it has expired. Works whatever became of the run, also when it is closed.
//!
//! Accounts: closer(s) owner(w) run(w) table0(w) table1(w) session(w)
//! Arguments: none

use crate::accounts::{RunAccount, SessionAccount};
use crate::error::CoordinatorError;
use crate::guards::{run_is_gone, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, close, exactly, key, load, load_mut, now_ms, signer, writable};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], data: Reader<'_>) -> ProgramResult {
    let [closer, owner, run, table0, table1, session_account] = exactly(accounts)?;
    data.finish()?;
    signer(closer)?;
    writable(session_account)?;
    let session = load::<SessionAccount>(session_account, program)?;
    key(owner, &session.owner)?;
    if closer.address() != owner.address() && session.expires_ms > now_ms()? {
        return Err(CoordinatorError::SessionNotExpired.into());
    }
    if !run_is_gone(run, program, &session.run, session.run_created_ms)? {
        leave(program, run, table0, table1, &session.session)?;
    }
    drop(session);
    close(session_account, owner)
}

fn leave(
    program: &Address,
    run_account: &mut AccountView,
    table0: &mut AccountView,
    table1: &mut AccountView,
    session: &[u8; 32],
) -> ProgramResult {
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    if !run.is_configured() {
        return Ok(());
    }
    let machine = &mut run.machine;
    // A refusal says that there is nothing to leave.
    let left = with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
        Ok(machine.leave(table, next, session).is_ok())
    })?;
    if left {
        run.changed();
    }
    Ok(())
}
