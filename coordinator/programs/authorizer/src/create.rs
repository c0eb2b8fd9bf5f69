//! 0 create: a grant, inactive, without delegates.
//!
//! Accounts: payer(s,w) grantor(s) grant(w) system. Data: grantee[32], scope text (1 to 32 bytes).
//! The grant is the PDA ["grant", grantor, grantee, scope]; the payer pays its rent.

use crate::AuthorizerError;
use crate::grant::{GRANT_SEED, grant_bytes};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{GrantHead, Reader, SCOPE_BYTES, exactly, init, now_ms, signer, write_text};

#[inline(never)]
pub fn run(program: &Address, accounts: &mut [AccountView], mut arguments: Reader<'_>) -> ProgramResult {
    let [payer, grantor, grant, system] = exactly(accounts)?;
    let grantee = arguments.key()?;
    let scope = arguments.text(SCOPE_BYTES)?;
    arguments.finish()?;
    if scope.is_empty() {
        return Err(AuthorizerError::EmptyScope.into());
    }
    signer(grantor)?;
    let seeds = [GRANT_SEED, grantor.address().as_ref(), grantee, scope];
    let bump = starling_common::create(program, payer, grant, system, &seeds, grant_bytes(0)?)?;
    let mut body = init::<GrantHead>(grant, bump, 0)?;
    body.grantor = *grantor.address().as_array();
    body.grantee = *grantee;
    write_text(&mut body.scope, scope)?;
    body.updated_ms = now_ms()?;
    Ok(())
}
