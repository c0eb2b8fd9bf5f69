//! 2 create_participant: where an owner's claims are written down. Anyone may pay for it.
//!
//! Accounts: payer(s,w) owner treasury participant(w) system. Data: none.

use crate::accounts::{PARTICIPANT_SEED, Participant, treasury as read_treasury};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, create, exactly, init};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], arguments: Reader<'_>) -> ProgramResult {
    let [payer, owner, treasury, participant, system] = exactly(accounts)?;
    arguments.finish()?;
    read_treasury(treasury, program)?;
    let seeds = [PARTICIPANT_SEED, treasury.address().as_ref(), owner.address().as_ref()];
    let bump = create(program, payer, participant, system, &seeds, core::mem::size_of::<Participant>())?;
    let mut body = init::<Participant>(participant, bump, 0)?;
    body.treasury = *treasury.address().as_array();
    body.owner = *owner.address().as_array();
    Ok(())
}
