//! 3 claim: points to tokens, one base unit each, to the owner's own token account.
//!
//! Accounts: owner(s) treasury(w) participant(w) vault(w) owner_token(w) run(w) member(w) mint token_program coordinator_program.
//! Data: points u64. The coordinator's record_claim refuses more than the member may still claim; more than the vault holds
//! is refused here, whole: claiming what is there is the caller's choice.

use crate::TreasurerError;
use crate::accounts::{Participant, Treasury, treasury as read_treasury};
use crate::coordinator::{MEMBER_SEED, RECORD_CLAIM};
use crate::mint::read_mint;
use crate::token::{Move, read_token, read_vault, signed_by_treasury, transfer};
use pinocchio::account::AccountView;
use pinocchio::cpi::{Signer, invoke_signed};
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, at_address, exactly, key, load_mut, signer, writable};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let [owner, treasury, participant, vault, owner_token, run, member, mint, token_program, coordinator_program] =
        exactly(accounts)?;
    let points = arguments.u64()?;
    arguments.finish()?;
    if points == 0 {
        return Err(TreasurerError::NothingAsked.into());
    }
    signer(owner)?;
    writable(treasury)?;
    writable(run)?;
    let body = read_treasury(treasury, program)?;
    if body.closed != 0 {
        return Err(TreasurerError::Closed.into());
    }
    key(coordinator_program, &body.coordinator_program)?;
    key(run, &body.run).map_err(|_| CommonError::WrongRun)?;
    key(mint, &body.mint).map_err(|_| TreasurerError::WrongMint)?;
    let units_mint = read_mint(mint, token_program)?;
    {
        let paid = load_mut::<Participant>(participant, program)?;
        let right = paid.treasury == *treasury.address().as_array() && paid.owner == *owner.address().as_array();
        if !right {
            return Err(TreasurerError::WrongParticipant.into());
        }
    }
    let seeds = [MEMBER_SEED, run.address().as_ref(), owner.address().as_ref()];
    at_address(member, coordinator_program.address(), &seeds).map_err(|_| TreasurerError::WrongMember)?;
    pays_to(owner, owner_token, mint, token_program)?;
    if read_vault(treasury, vault, mint, token_program)?.units < points {
        return Err(TreasurerError::VaultShort.into());
    }

    let way = Move { from: vault, to: owner_token, authority: treasury, mint, token_program };
    signed_by_treasury(&body, |signers| {
        record_claim(coordinator_program, treasury, run, member, points, signers)?;
        transfer(&way, points, units_mint, signers)
    })?;

    let mut body = load_mut::<Treasury>(treasury, program)?;
    body.claimed_points = body.claimed_points.checked_add(points).ok_or(CommonError::Overflow)?;
    body.claimed_units = body.claimed_units.checked_add(points).ok_or(CommonError::Overflow)?;
    let mut paid = load_mut::<Participant>(participant, program)?;
    paid.claimed_points = paid.claimed_points.checked_add(points).ok_or(CommonError::Overflow)?;
    Ok(())
}

/// The account to be paid is the owner's, and nobody else may take from it.
fn pays_to(
    owner: &AccountView,
    owner_token: &AccountView,
    mint: &AccountView,
    token_program: &AccountView,
) -> ProgramResult {
    let account = read_token(owner_token, token_program)?;
    if account.mint != *mint.address().as_array() {
        return Err(TreasurerError::WrongMint.into());
    }
    if account.owner != *owner.address().as_array() {
        return Err(TreasurerError::WrongTokenOwner.into());
    }
    if account.delegated || account.frozen { Err(TreasurerError::Delegated.into()) } else { Ok(()) }
}

#[inline(never)]
fn record_claim(
    coordinator_program: &AccountView,
    treasury: &AccountView,
    run: &AccountView,
    member: &AccountView,
    points: u64,
    signers: &[Signer<'_, '_>],
) -> ProgramResult {
    let accounts = [
        InstructionAccount::readonly_signer(treasury.address()),
        InstructionAccount::writable(run.address()),
        InstructionAccount::writable(member.address()),
    ];
    let [a, b, c, d, e, f, g, h] = points.to_le_bytes();
    let data = [RECORD_CLAIM, a, b, c, d, e, f, g, h];
    let instruction = InstructionView { program_id: coordinator_program.address(), data: &data, accounts: &accounts };
    invoke_signed(&instruction, &[treasury, run, member], signers)
}
