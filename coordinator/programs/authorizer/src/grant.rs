//! The account of this program: [`GrantHead`], then its delegates.

use crate::AuthorizerError;
use core::mem::size_of;
use pinocchio::error::ProgramError;
use starling_common::{GrantHead, MAX_DELEGATES};

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
