//! 12 `tick`: makes the transition that is due, if any. Anyone may; where nothing is due it succeeds and changes nothing. The
//! newest slot hash is the randomness of the rounds' seeds.
//!
//! Accounts: run(w) table0(w) table1(w) round(w: of index height % 4) slot_hashes
//! Arguments: none

use crate::accounts::RunAccount;
use crate::error::refused;
use crate::guards::{round_mut, with_tables};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, load_mut, newest_slot_hash, now_ms};
use starling_machine::{TickOutcome, ring_index};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], data: Reader<'_>) -> ProgramResult {
    let [run_account, table0, table1, round, slot_hashes] = exactly(accounts)?;
    data.finish()?;
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    let mut round = round_mut(round, program, &run_address, ring_index(run.machine.height))?;
    let random = newest_slot_hash(slot_hashes)?;
    let was = run.machine.state();
    let machine = &mut run.machine;
    let outcome = with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
        machine.tick(table, next, &mut round.detail, now, &random).map_err(refused)
    })?;
    if outcome != TickOutcome::Unchanged {
        run.keep_promises(was, outcome);
        run.changed();
    }
    Ok(())
}
