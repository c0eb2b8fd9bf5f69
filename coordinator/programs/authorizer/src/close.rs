//! 3 close: the grantor takes an unused grant away and its rent with it.
//!
//! Accounts: grantor(s) grant(w) spill(w). Data: none. The grant must be inactive, and have no delegates or have been left
//! alone by its grantor for 30 days: the grantee paid for the delegates, and has that long to take its rent back.

use crate::AuthorizerError;
use crate::grant::load_grant;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{Reader, exactly, now_ms, signer};

const DELEGATES_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], arguments: Reader<'_>) -> ProgramResult {
    let [grantor, grant, spill] = exactly(accounts)?;
    arguments.finish()?;
    signer(grantor)?;
    {
        let body = load_grant(grant, program)?;
        if body.grantor != *grantor.address().as_array() {
            return Err(AuthorizerError::WrongGrantor.into());
        }
        if body.active != 0 {
            return Err(AuthorizerError::StillActive.into());
        }
        let untouched_ms = now_ms()?.saturating_sub(body.updated_ms);
        if body.delegates_len > 0 && untouched_ms < DELEGATES_KEPT_MS {
            return Err(AuthorizerError::StillDelegated.into());
        }
    }
    starling_common::close(grant, spill)
}
