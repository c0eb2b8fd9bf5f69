//! 24 `close_run`: ends a halted run whose points are all settled; the rent of its accounts goes to `spill`. Points that were
//! not claimed are void from then on; sessions, members and bonds stay with their owners.
//!
//! Accounts: authority(s) spill(w) run(w) config(w) table0(w) table1(w) round0(w) round1(w) round2(w) round3(w)
//! Arguments: none

use crate::accounts::{ConfigAccount, RunAccount};
use crate::error::CoordinatorError;
use crate::guards::{authority, check_table_head, round_mut};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, close, exactly, load_mut};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], data: Reader<'_>) -> ProgramResult {
    let [signer, spill, run_account, config, table0, table1, round0, round1, round2, round3] = exactly(accounts)?;
    data.finish()?;
    let run_address = *run_account.address().as_array();
    let run = load_mut::<RunAccount>(run_account, program)?;
    authority(signer, &run)?;
    if !run.machine.state().halted() {
        return Err(CoordinatorError::RunStillOpen.into());
    }
    if run.machine.table_unsettled != [0, 0] {
        return Err(CoordinatorError::Unsettled.into());
    }
    drop(run);
    if load_mut::<ConfigAccount>(config, program)?.run != run_address {
        return Err(CommonError::WrongRun.into());
    }
    close(config, spill)?;
    for (index, table) in (0u8..).zip([table0, table1]) {
        check_table_head(table, program, &run_address, index)?;
        close(table, spill)?;
    }
    for (index, round) in [round0, round1, round2, round3].into_iter().enumerate() {
        drop(round_mut(round, program, &run_address, index)?);
        close(round, spill)?;
    }
    close(run_account, spill)
}
