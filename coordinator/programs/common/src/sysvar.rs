//! Time, rent and randomness, as the cluster has them.

use crate::CommonError;
use pinocchio::Address;
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::Sysvar as _;
use pinocchio::sysvars::clock::Clock;
use pinocchio::sysvars::rent::Rent;
use pinocchio::sysvars::slot_hashes::SLOTHASHES_ID;

pub const SLOT_HASHES: Address = SLOTHASHES_ID;

/// The cluster's clock in Unix milliseconds; whole seconds, for that is what it knows.
///
/// # Errors
/// `ClockOutOfRange`.
pub fn now_ms() -> Result<u64, ProgramError> {
    let seconds = Clock::get()?.unix_timestamp;
    let ms = u64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
    ms.ok_or(CommonError::ClockOutOfRange.into())
}

/// Lamports that keep an account of that many bytes.
///
/// # Errors
/// Of the runtime.
pub fn minimum_balance(bytes: usize) -> Result<u64, ProgramError> {
    Rent::get()?.try_minimum_balance(bytes)
}

/// The hash of the last slot before this one, from the sysvar's account: its data is a u64 count, then per slot, newest
/// first, the number (u64) and the hash (32 bytes).
///
/// # Errors
/// `WrongProgram` if it is another account, `NoSlotHash`.
pub fn newest_slot_hash(account: &AccountView) -> Result<[u8; 32], ProgramError> {
    if *account.address() != SLOT_HASHES {
        return Err(CommonError::WrongProgram.into());
    }
    let data = account.try_borrow()?;
    let hash = data.get(16..).and_then(|hashes| hashes.first_chunk::<32>());
    let counted = data.first_chunk::<8>().is_some_and(|count| u64::from_le_bytes(*count) > 0);
    hash.copied().filter(|_| counted).ok_or(CommonError::NoSlotHash.into())
}
