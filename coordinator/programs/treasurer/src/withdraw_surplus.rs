//! 5 withdraw_surplus: what is left once the run is closed goes to a token account that the authority names; vault and
//! treasury are closed, their rent goes to the authority.
//!
//! Accounts: authority(s,w) treasury(w) vault(w) authority_token(w) mint token_program. Data: none.

use crate::TreasurerError;
use crate::accounts::authorized;
use crate::mint::read_mint;
use crate::token::{Move, close_vault, read_token, read_vault, signed_by_treasury, transfer};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, close, exactly, key};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], arguments: Reader<'_>) -> ProgramResult {
    let [authority, treasury, vault, authority_token, mint, token_program] = exactly(accounts)?;
    arguments.finish()?;
    let body = authorized(authority, treasury, program)?;
    if body.closed == 0 {
        return Err(TreasurerError::NotClosed.into());
    }
    key(mint, &body.mint).map_err(|_| TreasurerError::WrongMint)?;
    let units_mint = read_mint(mint, token_program)?;
    let held = read_vault(treasury, vault, mint, token_program)?;
    if authority_token.address() == vault.address() {
        return Err(CommonError::SameAccount.into());
    }
    if read_token(authority_token, token_program)?.mint != body.mint {
        return Err(TreasurerError::WrongMint.into());
    }
    let way = Move { from: vault, to: authority_token, authority: treasury, mint, token_program };
    signed_by_treasury(&body, |signers| {
        if held.units > 0 {
            transfer(&way, held.units, units_mint, signers)?;
        }
        close_vault(vault, authority, treasury, token_program, signers)
    })?;
    close(treasury, authority)
}
