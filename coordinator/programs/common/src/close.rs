//! Taking lamports out of accounts of this program, and the accounts away.

use crate::CommonError;
use crate::guard::writable;
use pinocchio::ProgramResult;
use pinocchio::account::AccountView;

/// Lamports of an account of this program to any other account. The caller has checked that what stays pays its rent.
///
/// # Errors
/// `NotWritable`, `SameAccount`, `Overflow` if it has not that many.
pub fn move_lamports(from: &mut AccountView, to: &mut AccountView, lamports: u64) -> ProgramResult {
    writable(from)?;
    writable(to)?;
    if from.address() == to.address() {
        return Err(CommonError::SameAccount.into());
    }
    let left = from.lamports().checked_sub(lamports).ok_or(CommonError::Overflow)?;
    let more = to.lamports().checked_add(lamports).ok_or(CommonError::Overflow)?;
    from.set_lamports(left);
    to.set_lamports(more);
    Ok(())
}

/// All lamports to `to`, no data, owned by the system program: the account is gone when the transaction ends.
///
/// # Errors
/// Those of [`move_lamports`].
pub fn close(account: &mut AccountView, to: &mut AccountView) -> ProgramResult {
    move_lamports(account, to, account.lamports())?;
    account.close()
}
