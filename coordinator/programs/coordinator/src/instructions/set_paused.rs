//! 5 `set_paused`: 1 pauses, at once or when the epoch has drained; 0 starts a run that never ran, or resumes a paused one.
//!
//! Accounts: authority(s) run(w) table0(w) table1(w)
//! Arguments: paused u8 (0 or 1)

use crate::accounts::RunAccount;
use crate::error::{CoordinatorError, refused};
use crate::guards::{authority, configured, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, now_ms};
use starling_machine::{RunState, TickOutcome};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run_account, table0, table1] = exactly(accounts)?;
    let paused = data.flag()?;
    data.finish()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    authority(signer, &run)?;
    configured(&run)?;
    let now = now_ms()?;
    if !paused && run.config_sha256 == [0; 32] {
        return Err(CoordinatorError::ConfigNotApplied.into());
    }
    let was = run.machine.state();
    let machine = &mut run.machine;
    with_tables(program, &run_address, machine.table, table0, table1, |table, _| {
        let done = match (paused, machine.state()) {
            (true, _) => machine.pause(table, now),
            (false, RunState::Uninitialized) => machine.start(now),
            (false, _) => machine.resume(now),
        };
        done.map_err(refused)
    })?;
    if was == RunState::Warmup && run.machine.state() == RunState::Paused {
        // the epoch is over before it began
        run.keep_promises(was, TickOutcome::EpochFailed);
    }
    run.changed();
    Ok(())
}
