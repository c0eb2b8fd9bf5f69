//! Creating and growing accounts at program-derived addresses.

use crate::guard::{signer, system_program, writable};
use crate::{CommonError, minimum_balance};
use pinocchio::account::AccountView;
use pinocchio::cpi::{Seed, Signer};
use pinocchio::error::ProgramError;
use pinocchio::{Address, ProgramResult, Resize as _};

/// Seeds of an address but for the bump: as many as the longest has.
const MAX_SEEDS: usize = 4;

/// Whether the account does not exist yet. Lamports alone, which anyone may send anywhere, do not make it exist.
#[must_use]
pub fn is_unused(account: &AccountView) -> bool {
    account.owned_by(&pinocchio_system::ID) && account.is_data_empty()
}

/// Creates `account`, of `bytes` zero bytes and with its rent, at the address that `seeds` give; `payer` pays what is missing.
/// An address that already holds lamports is funded, allocated and assigned: nobody can block it by sending some. Returns
/// the bump. At most 10,240 bytes, which is what a program may create.
///
/// # Errors
/// `NotSigner`, `NotWritable`, `WrongProgram`, `AlreadyInitialized`, `WrongAddress`, and those of the system program.
#[inline(never)]
pub fn create(
    program: &Address,
    payer: &AccountView,
    account: &mut AccountView,
    system: &AccountView,
    seeds: &[&[u8]],
    bytes: usize,
) -> Result<u8, ProgramError> {
    signer(payer)?;
    writable(payer)?;
    writable(account)?;
    system_program(system)?;
    let bump = at_address(account, program, seeds)?;
    if !is_unused(account) {
        return Err(CommonError::AlreadyInitialized.into());
    }
    let bump_seed = [bump];
    let all: [Seed; MAX_SEEDS + 1] = core::array::from_fn(|index| {
        if index == seeds.len() { Seed::from(&bump_seed) } else { Seed::from(seeds.get(index).copied().unwrap_or(&[])) }
    });
    let used = all.get(..=seeds.len()).ok_or(CommonError::BadArgument)?;
    pinocchio_system::create_account_with_minimum_balance_signed(
        account,
        bytes,
        program,
        payer,
        None,
        &[Signer::from(used)],
    )?;
    Ok(bump)
}

/// Proves that the account is the PDA of `program` with these seeds; returns the bump.
///
/// # Errors
/// `WrongAddress`.
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
pub fn at_address(account: &AccountView, program: &Address, seeds: &[&[u8]]) -> Result<u8, ProgramError> {
    let (address, bump) = Address::try_find_program_address(seeds, program).ok_or(CommonError::WrongAddress)?;
    if address == *account.address() { Ok(bump) } else { Err(CommonError::WrongAddress.into()) }
}

/// Only the runtime derives addresses; natively none is right.
///
/// # Errors
/// `WrongAddress`.
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
pub fn at_address(_: &AccountView, _: &Address, _: &[&[u8]]) -> Result<u8, ProgramError> {
    Err(CommonError::WrongAddress.into())
}

/// Makes an account of this program larger, with zeros, and pays the rent of what is added. At most 10,240 bytes more in one
/// instruction.
///
/// # Errors
/// `NotSigner`, `NotWritable`, `WrongProgram`, and those of the runtime.
pub fn grow(payer: &AccountView, account: &mut AccountView, system: &AccountView, bytes: usize) -> ProgramResult {
    let missing = minimum_balance(bytes)?.saturating_sub(account.lamports());
    if missing > 0 {
        transfer(payer, account, system, missing)?;
    }
    account.resize(bytes)
}

/// Lamports of a system account to any other.
///
/// # Errors
/// `NotSigner`, `NotWritable`, `WrongProgram`, and those of the system program.
pub fn transfer(from: &AccountView, to: &AccountView, system: &AccountView, lamports: u64) -> ProgramResult {
    signer(from)?;
    writable(from)?;
    writable(to)?;
    system_program(system)?;
    pinocchio_system::instructions::Transfer { from, to, lamports }.invoke()
}
