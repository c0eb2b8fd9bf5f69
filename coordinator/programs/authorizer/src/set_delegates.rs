//! 2 set_delegates: the grantee names keys that may use the grant in its place.
//!
//! Accounts: payer(s,w) grantee(s) grant(w) system. Data: clear u8 (1 = forget those there are), keys [32] to the end.
//! A key that is there already is not added again. The payer pays for growth and gets back what shrinking frees.

use crate::AuthorizerError;
use crate::grant::{KEY_BYTES, grant_bytes, load_grant};
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use pinocchio::{Address, ProgramResult, Resize as _};
use starling_common::{
    CommonError, GrantHead, MAX_DELEGATES, Reader, exactly, grow, load_with_tail_mut, minimum_balance, move_lamports,
    signer, system_program, writable,
};

type Key = [u8; KEY_BYTES];

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let [payer, grantee, grant, system] = exactly(accounts)?;
    let clear = arguments.flag()?;
    let (added, rest) = arguments.rest().as_chunks::<KEY_BYTES>();
    if !rest.is_empty() {
        return Err(CommonError::TrailingData.into());
    }
    signer(payer)?;
    writable(payer)?;
    writable(grant)?;
    signer(grantee)?;
    system_program(system)?;
    let old_len = load_grant(grant, program).and_then(|body| {
        let right = body.grantee == *grantee.address().as_array();
        if right { Ok(usize::from(body.delegates_len)) } else { Err(AuthorizerError::WrongGrantee.into()) }
    })?;

    let kept = if clear { 0 } else { old_len };
    let most = grant_bytes(kept.saturating_add(added.len()).min(usize::from(MAX_DELEGATES)))?;
    if most > grant.data_len() {
        grow(payer, grant, system, most)?;
    }
    let len = append(program, grant, kept, added)?;
    let bytes = grant_bytes(len)?;
    if bytes != grant.data_len() {
        grant.resize(bytes)?;
    }
    let surplus = grant.lamports().saturating_sub(minimum_balance(bytes)?);
    if bytes < most || len < old_len {
        move_lamports(grant, payer, surplus)?;
    }
    Ok(())
}

/// Writes behind the first `kept` delegates those of `added` that are not there yet; returns how many there are then.
fn append(program: &Address, grant: &mut AccountView, kept: usize, added: &[Key]) -> Result<usize, ProgramError> {
    let mut body = load_with_tail_mut::<GrantHead>(grant, program)?;
    let (room, _) = body.tail_mut().as_chunks_mut::<KEY_BYTES>();
    let mut len = kept;
    for key in added {
        if room.iter().take(len).any(|known| known == key) {
            continue;
        }
        *room.get_mut(len).ok_or(AuthorizerError::TooManyDelegates)? = *key;
        len = len.saturating_add(1);
    }
    body.delegates_len = u8::try_from(len).map_err(|_| AuthorizerError::TooManyDelegates)?;
    Ok(len)
}
