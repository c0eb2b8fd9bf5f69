//! 7 `open_session`: an owner lets a session key act for it in a run, until a time, with a float for fees. On a session that is
//! open for the same owner it sets peer id and expiry anew and adds to the float. Makes the owner's member account where there
//! is none, or where it is that of a closed run of the same id (its points are void, its bond stays).
//!
//! Accounts: owner(s,w) session_key(s,w) peer(s: it holds the peer id's key) run session(w) member(w) system
//! Arguments: `expires_ms` u64 (Unix ms; `u64::MAX` = never), `float_lamports` u64 (float <= 0.1 SOL)

use crate::accounts::{
    MAX_FLOAT_LAMPORTS, MEMBER_SEED, MemberAccount, RunAccount, SESSION_SEED, SessionAccount,
};
use crate::error::CoordinatorError;
use core::mem::size_of;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{
    CommonError, Reader, create, exactly, init, is_unused, load, load_mut, minimum_balance, now_ms, signer, system_program, transfer, writable,
};

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [owner, session_key, peer, run, session, member, system] = exactly(accounts)?;
    let expires_ms = data.u64()?;
    let float_lamports = data.u64()?;
    data.finish()?;
    signer(owner)?;
    signer(session_key)?;
    writable(session_key)?;
    signer(peer)?;
    system_program(system)?;
    let owner_key = *owner.address().as_array();
    let key = *session_key.address().as_array();
    let peer_id = *peer.address().as_array();
    if owner_key == key || owner_key == peer_id || key == peer_id {
        return Err(CoordinatorError::KeysNotDistinct.into());
    }
    if expires_ms <= now_ms()? {
        return Err(CoordinatorError::SessionExpired.into());
    }
    let run_address = *run.address().as_array();
    let run_created_ms = load::<RunAccount>(run, program)?.created_ms;

    if is_unused(session) {
        let seeds = [SESSION_SEED, &run_address, &key];
        let bump = create(program, owner, session, system, &seeds, size_of::<SessionAccount>())?;
        let mut body = init::<SessionAccount>(session, bump, 0)?;
        body.run = run_address;
        body.owner = owner_key;
        body.session = key;
    }
    let mut body = load_mut::<SessionAccount>(session, program)?;
    if body.run != run_address || body.session != key {
        return Err(CommonError::WrongAddress.into());
    }
    if body.owner != owner_key {
        return Err(CoordinatorError::SessionTaken.into());
    }
    body.run_created_ms = run_created_ms;
    body.peer_id = peer_id;
    body.expires_ms = expires_ms;
    drop(body);
    add_float(owner, session, system, float_lamports)?;
    open_member(program, owner, member, system, &run_address, run_created_ms)
}

fn add_float(owner: &AccountView, session: &AccountView, system: &AccountView, lamports: u64) -> ProgramResult {
    if lamports == 0 {
        return Ok(());
    }
    let rent = minimum_balance(size_of::<SessionAccount>())?;
    let float = session.lamports().saturating_sub(rent).saturating_add(lamports);
    if float > MAX_FLOAT_LAMPORTS {
        return Err(CoordinatorError::FloatTooLarge.into());
    }
    transfer(owner, session, system, lamports)
}

fn open_member(
    program: &Address,
    owner: &AccountView,
    account: &mut AccountView,
    system: &AccountView,
    run_address: &[u8; 32],
    run_created_ms: u64,
) -> ProgramResult {
    let owner_key = *owner.address().as_array();
    if is_unused(account) {
        let seeds = [MEMBER_SEED, run_address, &owner_key];
        let bump = create(program, owner, account, system, &seeds, size_of::<MemberAccount>())?;
        let mut member = init::<MemberAccount>(account, bump, 0)?;
        member.run = *run_address;
        member.run_created_ms = run_created_ms;
        member.owner = owner_key;
        return Ok(());
    }
    let mut member = load_mut::<MemberAccount>(account, program)?;
    if member.run != *run_address || member.owner != owner_key {
        return Err(CommonError::WrongAddress.into());
    }
    if member.run_created_ms != run_created_ms {
        *member = MemberAccount {
            run_created_ms,
            grant: [0; 32],
            earned: 0,
            slashed: 0,
            claimed: 0,
            bond_lamports: member.bond_lamports.saturating_add(member.unbonding_lamports),
            unbonding_lamports: 0,
            unbonding_epoch: 0,
            ejected: 0,
            ..*member
        };
    }
    Ok(())
}
