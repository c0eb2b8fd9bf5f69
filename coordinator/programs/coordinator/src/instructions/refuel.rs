//! 9 `refuel`: the session key takes lamports for fees out of its float, up to a balance of 0.003 SOL. Where there is no room
//! or no float left, nothing moves.
//!
//! Accounts: session_key(s,w) session(w)
//! Arguments: lamports u64

use crate::accounts::{REFUEL_BALANCE_LAMPORTS, SessionAccount};
use crate::error::CoordinatorError;
use core::mem::size_of;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, key, load, minimum_balance, move_lamports, now_ms, signer};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, session_account] = exactly(accounts)?;
    let lamports = data.u64()?;
    data.finish()?;
    signer(session_key)?;
    let session = load::<SessionAccount>(session_account, program)?;
    key(session_key, &session.session)?;
    if session.expires_ms <= now_ms()? {
        return Err(CoordinatorError::SessionExpired.into());
    }
    drop(session);
    let float = session_account.lamports().saturating_sub(minimum_balance(size_of::<SessionAccount>())?);
    let room = REFUEL_BALANCE_LAMPORTS.saturating_sub(session_key.lamports());
    move_lamports(session_account, session_key, lamports.min(float).min(room))
}
