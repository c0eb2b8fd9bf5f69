//! 1 set_active: the grantor lets the grant be used, or stops it. Whoever has joined by it is not thrown out by this
//! program; the coordinator's enforce_grant takes a member out whose grant no longer holds.
//!
//! Accounts: grantor(s) grant(w). Data: active u8 (0 or 1).

use crate::AuthorizerError;
use crate::grant::load_grant;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, now_ms, signer};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let [grantor, grant] = exactly(accounts)?;
    let active = arguments.flag()?;
    arguments.finish()?;
    signer(grantor)?;
    let mut body = load_grant(grant, program)?;
    if body.grantor != *grantor.address().as_array() {
        return Err(AuthorizerError::WrongGrantor.into());
    }
    body.active = u8::from(active);
    body.updated_ms = now_ms()?;
    Ok(())
}
