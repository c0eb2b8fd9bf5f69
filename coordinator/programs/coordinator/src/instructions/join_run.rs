//! 10 `join_run`: the owner of a session asks to be in the next epoch. The grant is the authorization that the run's
//! authorizer program keeps: active, given by the join authority for `CoordinatorJoinRun`, to everybody, to the owner, or to
//! somebody who names the owner as a delegate.
//!
//! Accounts: session_key(s) run(w) table0(w) table1(w) session(w) member(w) authorization
//! Arguments: `chain_head[32]`, addresses text (<= 400; multiaddr texts with '\n' between them)

use crate::accounts::{ADDRESSES_BYTES, MemberAccount, RunAccount, SessionAccount};
use crate::error::{CoordinatorError, refused};
use crate::guards::{check_member, check_session, configured, let_in, with_tables};
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, load_mut, now_ms, write_text};
use starling_machine::Membership;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [session_key, run_account, table0, table1, session, member, authorization] = exactly(accounts)?;
    let chain_head = data.key()?;
    let addresses = data.text(ADDRESSES_BYTES)?;
    data.finish()?;
    let now = now_ms()?;
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    configured(&run)?;
    let mut session = load_mut::<SessionAccount>(session, program)?;
    check_session(&session, session_key, &run_address, run.created_ms, now)?;
    let mut member = load_mut::<MemberAccount>(member, program)?;
    check_member(&member, &session.owner, &run_address, run.created_ms)?;
    if member.ejected != 0 {
        return Err(CoordinatorError::MemberEjected.into());
    }
    if member.bond_lamports < run.min_bond_lamports {
        return Err(CoordinatorError::BondTooSmall.into());
    }
    if !let_in(authorization, &run, &session.owner) {
        return Err(CoordinatorError::NotAuthorized.into());
    }
    let membership = Membership {
        owner: session.owner,
        session: session.session,
        peer_id: session.peer_id,
        chain_head: *chain_head,
        expires_ms: session.expires_ms,
    };
    let machine = &mut run.machine;
    let joined = with_tables(program, &run_address, machine.table, table0, table1, |table, next| {
        machine.join(table, next, &membership, now).map_err(refused)
    })?;
    let moved = write_addresses(&mut session, addresses)?;
    member.grant = *authorization.address().as_array();
    if joined || moved {
        run.changed();
    }
    Ok(())
}

/// Whether they differ from those before.
fn write_addresses(session: &mut SessionAccount, addresses: &[u8]) -> Result<bool, ProgramError> {
    let before = session.addresses.get(..usize::from(session.addresses_len));
    if before == Some(addresses) {
        return Ok(false);
    }
    write_text(&mut session.addresses, addresses)?;
    session.addresses_len = u16::try_from(addresses.len()).map_err(|_| CommonError::BadText)?;
    Ok(true)
}
