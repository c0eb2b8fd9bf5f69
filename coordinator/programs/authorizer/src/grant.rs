//! The account of this program: [`GrantHead`], then its delegates.

use crate::AuthorizerError;
use core::mem::size_of;
use pinocchio::Address;
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use starling_common::{CommonError, GrantHead, MAX_DELEGATES, ViewedMut, load_with_tail_mut};

/// First seed of a grant's address: ["grant", grantor, grantee, scope without its padding].
pub const GRANT_SEED: &[u8] = b"grant";
pub const KEY_BYTES: usize = 32;

/// Bytes of an account with so many delegates.
///
/// # Errors
/// `TooManyDelegates`.
pub fn grant_bytes(delegates: usize) -> Result<usize, ProgramError> {
    let keys = delegates.checked_mul(KEY_BYTES).filter(|_| delegates <= usize::from(MAX_DELEGATES));
    let bytes = keys.and_then(|keys| keys.checked_add(size_of::<GrantHead>()));
    bytes.ok_or(AuthorizerError::TooManyDelegates.into())
}

/// A grant that may be written, exactly as long as its delegates need.
///
/// # Errors
/// Those of [`load_with_tail_mut`], `WrongSize`.
pub fn load_grant<'a>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<ViewedMut<'a, GrantHead>, ProgramError> {
    let bytes = account.data_len();
    let body = load_with_tail_mut::<GrantHead>(account, program)?;
    let right = grant_bytes(usize::from(body.delegates_len))? == bytes;
    if right { Ok(body) } else { Err(CommonError::WrongSize.into()) }
}
