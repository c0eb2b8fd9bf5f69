//! 4 top_up: tokens into the vault, for epochs to come. Anyone may. A plain transfer to the vault is a gift: no epoch promises it.
//!
//! Accounts: from_authority(s) from_token(w) treasury(w) vault(w) mint token_program run(w) coordinator_program. Data: units u64.

use crate::TreasurerError;
use crate::accounts::{Treasury, treasury as read_treasury};
use crate::coordinator::fund;
use crate::mint::read_mint;
use crate::token::{Move, read_token, read_vault, signed_by_treasury, transfer};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, key, load_mut, signer, writable};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let [from_authority, from_token, treasury, vault, mint, token_program, run, coordinator_program] =
        exactly(accounts)?;
    let units = arguments.u64()?;
    arguments.finish()?;
    if units == 0 {
        return Err(TreasurerError::NothingAsked.into());
    }
    signer(from_authority)?;
    writable(treasury)?;
    let body = read_treasury(treasury, program)?;
    if body.closed != 0 {
        return Err(TreasurerError::Closed.into());
    }
    key(coordinator_program, &body.coordinator_program)?;
    key(run, &body.run).map_err(|_| CommonError::WrongRun)?;
    key(mint, &body.mint).map_err(|_| TreasurerError::WrongMint)?;
    let units_mint = read_mint(mint, token_program)?;
    read_vault(treasury, vault, mint, token_program)?;
    if from_token.address() == vault.address() {
        return Err(CommonError::SameAccount.into());
    }
    if read_token(from_token, token_program)?.mint != body.mint {
        return Err(TreasurerError::WrongMint.into());
    }
    let way = Move { from: from_token, to: vault, authority: from_authority, mint, token_program };
    transfer(&way, units, units_mint, &[])?;
    signed_by_treasury(&body, |signers| fund(coordinator_program, treasury, run, units, signers))?;
    let mut body = load_mut::<Treasury>(treasury, program)?;
    body.topped_up_units = body.topped_up_units.checked_add(units).ok_or(CommonError::Overflow)?;
    Ok(())
}
