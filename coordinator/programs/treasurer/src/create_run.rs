//! 0 create_run: a run whose authority is its treasury, the treasury, and its vault.
//!
//! Accounts: authority(s,w) treasury(w) mint vault(w) token_program ata_program system coordinator_program, then those of the
//! coordinator's create_run: payer(s,w) run(w) config(w) table0(w) table1(w) round0..3(w) system.
//! Data: the arguments of the coordinator's create_run. Their main_authority becomes the treasury's; the run gets the treasury.
//! The authority pays for treasury and vault, the payer (it may be the same) for the run.

use crate::accounts::{TREASURY_SEED, Treasury};
use crate::coordinator::{CREATE_RUN, fund};
use crate::mint::read_mint;
use crate::token::{NewVault, create_vault, signed_by_treasury};
use pinocchio::account::AccountView;
use pinocchio::cpi::invoke_signed_with_bounds;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, create, exactly, init};

const OWN_ACCOUNTS: usize = 8;
const COORDINATOR_ACCOUNTS: usize = 10;
/// The four texts with their lengths, three keys, the bond; longer data is refused before it is copied.
const MAX_DATA: usize = 1 + (2 + 32) + (2 + 64) + (2 + 280) + (2 + 96) + 3 * 32 + 8;
/// Behind main_authority: join_authority, authorizer_program, min_bond_lamports.
const BEHIND_AUTHORITY: usize = 32 + 32 + 8;

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let data = arguments.rest();
    let accounts = exactly::<{ OWN_ACCOUNTS + COORDINATOR_ACCOUNTS }>(accounts)?;
    let (own, theirs) = accounts.split_first_chunk_mut::<OWN_ACCOUNTS>().ok_or(CommonError::WrongAccountCount)?;
    let [authority, treasury, mint, vault, token_program, ata_program, system, coordinator_program] = own;
    let [_, new_run, ..] = theirs else { return Err(CommonError::WrongAccountCount.into()) };

    read_mint(mint, token_program)?;
    let seeds = [TREASURY_SEED, new_run.address().as_ref()];
    let bump = create(program, authority, treasury, system, &seeds, core::mem::size_of::<Treasury>())?;
    let main_authority = call_coordinator(coordinator_program, treasury, theirs, data)?;
    // only the true coordinator can own the address that its seeds give: nobody holds another program's run to ransom
    let [_, new_run, ..] = theirs else { return Err(CommonError::WrongAccountCount.into()) };
    if !new_run.owned_by(coordinator_program.address()) {
        return Err(CommonError::WrongOwner.into());
    }
    create_vault(&NewVault { payer: authority, treasury, vault, mint, token_program, ata_program, system })?;

    let mut body = init::<Treasury>(treasury, bump, 0)?;
    body.main_authority = main_authority;
    body.coordinator_program = *coordinator_program.address().as_array();
    body.run = *new_run.address().as_array();
    body.mint = *mint.address().as_array();
    let copy = *body;
    drop(body);
    // from here on no epoch promises more than was put in
    signed_by_treasury(&copy, |signers| fund(coordinator_program, treasury, new_run, 0, signers))
}

/// Creates the run with the treasury as its authority; returns the authority that the arguments named.
#[inline(never)]
fn call_coordinator(
    coordinator_program: &AccountView,
    treasury: &AccountView,
    accounts: &[AccountView],
    arguments: &[u8],
) -> Result<[u8; 32], pinocchio::error::ProgramError> {
    let mut buffer = [CREATE_RUN; MAX_DATA];
    let data = buffer.get_mut(..arguments.len().saturating_add(1)).ok_or(CommonError::TrailingData)?;
    data.get_mut(1..).ok_or(CommonError::ShortData)?.copy_from_slice(arguments);
    let authority = data
        .len()
        .checked_sub(BEHIND_AUTHORITY)
        .and_then(|end| data.get_mut(1..end))
        .and_then(|front| front.last_chunk_mut::<32>())
        .ok_or(CommonError::ShortData)?;
    let named = core::mem::replace(authority, *treasury.address().as_array());

    let metas: [InstructionAccount; COORDINATOR_ACCOUNTS] = core::array::from_fn(|index| {
        accounts.get(index).map_or(InstructionAccount::readonly(treasury.address()), InstructionAccount::from)
    });
    let instruction = InstructionView { program_id: coordinator_program.address(), data, accounts: &metas };
    invoke_signed_with_bounds::<COORDINATOR_ACCOUNTS, _>(&instruction, accounts, &[])?;
    Ok(named)
}
