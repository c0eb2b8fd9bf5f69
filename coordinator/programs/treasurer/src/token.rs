//! Token accounts, and the three calls to the token program that a treasury makes.

use crate::TreasurerError;
use crate::accounts::{TREASURY_SEED, Treasury};
use crate::mint::Mint;
use pinocchio::account::AccountView;
use pinocchio::cpi::{Seed, Signer, invoke_signed};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{Address, ProgramResult};
use starling_common::CommonError;

/// TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA
pub const TOKEN_PROGRAM: Address = Address::new_from_array([
    6, 221, 246, 225, 215, 101, 161, 147, 217, 203, 225, 70, 206, 235, 121, 172, 28, 180, 133, 237, 95, 91, 55, 145,
    58, 140, 245, 133, 126, 255, 0, 169,
]);
/// TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb
pub const TOKEN_2022_PROGRAM: Address = Address::new_from_array([
    6, 221, 246, 225, 238, 117, 143, 222, 24, 66, 93, 188, 228, 108, 205, 218, 182, 26, 252, 77, 131, 185, 13, 39, 254,
    189, 249, 40, 216, 161, 139, 252,
]);
/// ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL
pub const ATA_PROGRAM: Address = Address::new_from_array([
    140, 151, 37, 143, 78, 36, 137, 241, 187, 61, 16, 41, 20, 142, 13, 131, 11, 90, 19, 153, 218, 255, 16, 132, 4, 142,
    123, 216, 219, 233, 248, 89,
]);

const TRANSFER_CHECKED: u8 = 12;
const CLOSE_ACCOUNT: u8 = 9;
const CREATE_IDEMPOTENT: u8 = 1;

/// The part of a token account that both token programs share.
#[derive(Clone, Copy)]
pub struct TokenAccount {
    pub mint: [u8; 32],
    pub owner: [u8; 32],
    pub units: u64,
    /// somebody else may take its tokens
    pub delegated: bool,
    pub frozen: bool,
}

/// A token account of this token program: { mint, owner, units u64, delegate option u32 + key, state u8, ... }.
///
/// # Errors
/// `WrongOwner`, `Uninitialized`.
pub fn read_token(account: &AccountView, token_program: &AccountView) -> Result<TokenAccount, ProgramError> {
    if !account.owned_by(token_program.address()) {
        return Err(CommonError::WrongOwner.into());
    }
    parse(&account.try_borrow()?).ok_or(CommonError::Uninitialized.into())
}

fn parse(data: &[u8]) -> Option<TokenAccount> {
    const BYTES: usize = 165;
    const KIND_OF_ACCOUNT: u8 = 2;
    const FROZEN: u8 = 2;
    // a mint of Token-2022 may be as long, and says so
    if data.len() != BYTES && *data.get(BYTES)? != KIND_OF_ACCOUNT {
        return None;
    }
    let (mint, rest) = data.split_first_chunk::<32>()?;
    let (owner, rest) = rest.split_first_chunk::<32>()?;
    let (units, rest) = rest.split_first_chunk::<8>()?;
    let (delegate, rest) = rest.split_first_chunk::<4>()?;
    let state = *rest.get(32)?;
    let units = u64::from_le_bytes(*units);
    (state != 0).then_some(TokenAccount {
        mint: *mint,
        owner: *owner,
        units,
        delegated: *delegate != [0; 4],
        frozen: state == FROZEN,
    })
}

/// The treasury's vault, proven to be its associated token account; returns what it holds.
///
/// # Errors
/// `WrongVault`, those of [`read_token`].
pub fn read_vault(
    treasury: &AccountView,
    vault: &AccountView,
    mint: &AccountView,
    token_program: &AccountView,
) -> Result<TokenAccount, ProgramError> {
    let seeds = [treasury.address().as_ref(), token_program.address().as_ref(), mint.address().as_ref()];
    starling_common::at_address(vault, &ATA_PROGRAM, &seeds).map_err(|_| TreasurerError::WrongVault)?;
    let held = read_token(vault, token_program)?;
    let right = held.owner == *treasury.address().as_array() && held.mint == *mint.address().as_array();
    if right { Ok(held) } else { Err(TreasurerError::WrongVault.into()) }
}

/// The accounts of [`create_vault`].
pub struct NewVault<'a> {
    pub payer: &'a AccountView,
    pub treasury: &'a AccountView,
    pub vault: &'a AccountView,
    pub mint: &'a AccountView,
    pub token_program: &'a AccountView,
    pub ata_program: &'a AccountView,
    pub system: &'a AccountView,
}

/// Creates the associated token account of the treasury; one that somebody has created before is as good.
///
/// # Errors
/// `WrongProgram`, and those of the associated token program, which proves the address.
pub fn create_vault(new: &NewVault<'_>) -> ProgramResult {
    if *new.ata_program.address() != ATA_PROGRAM {
        return Err(CommonError::WrongProgram.into());
    }
    let accounts = [
        InstructionAccount::writable_signer(new.payer.address()),
        InstructionAccount::writable(new.vault.address()),
        InstructionAccount::readonly(new.treasury.address()),
        InstructionAccount::readonly(new.mint.address()),
        InstructionAccount::readonly(new.system.address()),
        InstructionAccount::readonly(new.token_program.address()),
    ];
    let instruction = InstructionView { program_id: &ATA_PROGRAM, data: &[CREATE_IDEMPOTENT], accounts: &accounts };
    let views = [new.payer, new.vault, new.treasury, new.mint, new.system, new.token_program];
    invoke_signed(&instruction, &views, &[])
}

/// One transfer of the treasury's mint: from whom, to whom, by whose signature.
pub struct Move<'a> {
    pub from: &'a AccountView,
    pub to: &'a AccountView,
    pub authority: &'a AccountView,
    pub mint: &'a AccountView,
    pub token_program: &'a AccountView,
}

/// Transfers base units; the token program checks mint, decimals and signature.
///
/// # Errors
/// Those of the token program.
pub fn transfer(way: &Move<'_>, units: u64, mint: Mint, signers: &[Signer<'_, '_>]) -> ProgramResult {
    let accounts = [
        InstructionAccount::writable(way.from.address()),
        InstructionAccount::readonly(way.mint.address()),
        InstructionAccount::writable(way.to.address()),
        InstructionAccount::readonly_signer(way.authority.address()),
    ];
    let [a, b, c, d, e, f, g, h] = units.to_le_bytes();
    let data = [TRANSFER_CHECKED, a, b, c, d, e, f, g, h, mint.decimals];
    let instruction = InstructionView { program_id: way.token_program.address(), data: &data, accounts: &accounts };
    invoke_signed(&instruction, &[way.from, way.mint, way.to, way.authority], signers)
}

/// Closes the treasury's empty vault; its rent goes to `to`.
///
/// # Errors
/// Those of the token program.
pub fn close_vault(
    vault: &AccountView,
    to: &AccountView,
    treasury: &AccountView,
    token_program: &AccountView,
    signers: &[Signer<'_, '_>],
) -> ProgramResult {
    let accounts = [
        InstructionAccount::writable(vault.address()),
        InstructionAccount::writable(to.address()),
        InstructionAccount::readonly_signer(treasury.address()),
    ];
    let instruction =
        InstructionView { program_id: token_program.address(), data: &[CLOSE_ACCOUNT], accounts: &accounts };
    invoke_signed(&instruction, &[vault, to, treasury], signers)
}

/// Calls `work` with the treasury's signature.
///
/// # Errors
/// Those of `work`.
pub fn signed_by_treasury(body: &Treasury, work: impl FnOnce(&[Signer<'_, '_>]) -> ProgramResult) -> ProgramResult {
    let bump = [body.header.bump];
    let seeds = [Seed::from(TREASURY_SEED), Seed::from(&body.run), Seed::from(&bump)];
    work(&[Signer::from(&seeds)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_accounts_are_told_from_mints_and_from_empty_ones() {
        let mut data = vec![0; 165];
        assert!(parse(&data).is_none(), "not initialised");
        if let Some(state) = data.get_mut(108) {
            *state = 1;
        }
        assert!(parse(&data).is_some_and(|account| !account.delegated && !account.frozen && account.units == 0));
        for len in 0..165 {
            assert!(parse(data.get(..len).unwrap_or(&[])).is_none(), "{len} bytes");
        }
        data.push(1);
        assert!(parse(&data).is_none(), "a mint of Token-2022");
        if let Some(kind) = data.last_mut() {
            *kind = 2;
        }
        assert!(parse(&data).is_some());
    }
}
