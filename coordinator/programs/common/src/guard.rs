//! What an instruction proves of an account before it believes it.
//!
//! Why owner and kind are enough for an existing account: only the program itself writes data into accounts it owns, and it
//! writes a kind only where it created the account at the address that the seeds give. Whoever assigns an account of
//! their own to the program brings it in zeroed, that is with kind 0. Fields (run, owner, index) then say which it is.

use crate::bytes::{Viewed, ViewedMut};
use crate::{Account, CommonError, VERSION};
use core::mem::size_of;
use pinocchio::Address;
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;

/// The accounts, if they are exactly as many as the instruction takes.
///
/// # Errors
/// `WrongAccountCount`.
pub fn exactly<const N: usize>(accounts: &mut [AccountView]) -> Result<&mut [AccountView; N], ProgramError> {
    accounts.try_into().map_err(|_| CommonError::WrongAccountCount.into())
}

/// # Errors
/// `NotSigner`.
pub fn signer(account: &AccountView) -> Result<(), ProgramError> {
    if account.is_signer() { Ok(()) } else { Err(CommonError::NotSigner.into()) }
}

/// # Errors
/// `NotWritable`.
pub fn writable(account: &AccountView) -> Result<(), ProgramError> {
    if account.is_writable() { Ok(()) } else { Err(CommonError::NotWritable.into()) }
}

/// # Errors
/// `WrongKey` if the account is not the one at `expected`.
pub fn key(account: &AccountView, expected: &[u8; 32]) -> Result<(), ProgramError> {
    if account.address().as_array() == expected { Ok(()) } else { Err(CommonError::WrongKey.into()) }
}

/// # Errors
/// `WrongProgram`.
pub fn system_program(account: &AccountView) -> Result<(), ProgramError> {
    if *account.address() == pinocchio_system::ID { Ok(()) } else { Err(CommonError::WrongProgram.into()) }
}

/// An account of `program` whose data is exactly a `T`.
///
/// # Errors
/// `Uninitialized`, `WrongOwner`, `WrongKind`, `WrongVersion`, `WrongSize`.
pub fn load<'a, T: Account>(account: &'a AccountView, program: &Address) -> Result<Viewed<'a, T>, ProgramError> {
    owned(account, program)?;
    exact_size::<T>(account)?;
    let body = Viewed::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

/// As [`load`], for an account that changes.
///
/// # Errors
/// Those of [`load`], `NotWritable`.
pub fn load_mut<'a, T: Account>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<ViewedMut<'a, T>, ProgramError> {
    writable(account)?;
    owned(account, program)?;
    exact_size::<T>(account)?;
    let body = ViewedMut::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

/// An account that begins with a `T`, whatever follows: one that is still growing, or one with a list behind it.
///
/// # Errors
/// Those of [`load`].
pub fn load_with_tail<'a, T: Account>(
    account: &'a AccountView,
    program: &Address,
) -> Result<Viewed<'a, T>, ProgramError> {
    owned(account, program)?;
    let body = Viewed::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

/// As [`load_with_tail`], for an account that changes.
///
/// # Errors
/// Those of [`load`], `NotWritable`.
pub fn load_with_tail_mut<'a, T: Account>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<ViewedMut<'a, T>, ProgramError> {
    writable(account)?;
    owned(account, program)?;
    let body = ViewedMut::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

fn owned(account: &AccountView, program: &Address) -> Result<(), ProgramError> {
    if account.owned_by(program) {
        return Ok(());
    }
    let absent = account.owned_by(&pinocchio_system::ID) && account.is_data_empty();
    Err(if absent { CommonError::Uninitialized } else { CommonError::WrongOwner }.into())
}

fn exact_size<T: Account>(account: &AccountView) -> Result<(), ProgramError> {
    if account.data_len() == size_of::<T>() { Ok(()) } else { Err(CommonError::WrongSize.into()) }
}

fn checked<T: Account>(body: &T) -> Result<(), ProgramError> {
    let header = body.header();
    let error = match header.kind {
        0 => CommonError::Uninitialized,
        kind if kind != T::KIND => CommonError::WrongKind,
        _ if header.version != VERSION => CommonError::WrongVersion,
        _ => return Ok(()),
    };
    Err(error.into())
}
