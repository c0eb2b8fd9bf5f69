//! 6 close_participant: the owner takes the rent of a participant account, once the treasury's run is closed or the treasury gone.
//!
//! Accounts: owner(s,w) treasury participant(w). Data: none.

use crate::TreasurerError;
use crate::accounts::{Participant, treasury as read_treasury};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, close, exactly, is_unused, load_mut, signer};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], arguments: Reader<'_>) -> ProgramResult {
    let [owner, treasury, participant] = exactly(accounts)?;
    arguments.finish()?;
    signer(owner)?;
    {
        let paid = load_mut::<Participant>(participant, program)?;
        let right = paid.treasury == *treasury.address().as_array() && paid.owner == *owner.address().as_array();
        if !right {
            return Err(TreasurerError::WrongParticipant.into());
        }
    }
    if !is_unused(treasury) && read_treasury(treasury, program)?.closed == 0 {
        return Err(TreasurerError::StillOpen.into());
    }
    close(participant, owner)
}
