//! Loading the run's accounts, and who may act for whom.

use crate::accounts::{MemberAccount, RoundAccount, RunAccount, SessionAccount, TableAccount, TableHead};
use crate::error::CoordinatorError;
use pinocchio::Address;
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use starling_common::{
    Account as _, CommonError, GrantHead, JOIN_SCOPE, Viewed, ViewedMut, is_unused, load, load_mut, load_with_tail,
    signer,
};
use starling_machine::{EpochTable, Slot};

/// One of the run's tables, at its full size.
///
/// # Errors
/// `TableIncomplete`, `WrongRun`, `WrongAddress` if it is the other one, and those of `load_mut`.
pub fn table_mut<'a>(
    account: &'a mut AccountView,
    program: &Address,
    run: &[u8; 32],
    index: u8,
) -> Result<ViewedMut<'a, TableAccount>, ProgramError> {
    check_head(account, program, run, index)?;
    load_mut::<TableAccount>(account, program)
}

/// As [`table_mut`], to read.
///
/// # Errors
/// As [`table_mut`].
pub fn table<'a>(
    account: &'a AccountView,
    program: &Address,
    run: &[u8; 32],
    index: u8,
) -> Result<Viewed<'a, TableAccount>, ProgramError> {
    check_head(account, program, run, index)?;
    load::<TableAccount>(account, program)
}

/// That this is the run's table of that index, of whatever size. Says whether it is complete.
///
/// # Errors
/// `WrongRun`, `WrongAddress`, and those of `load_with_tail`.
pub fn check_table_head(
    account: &AccountView,
    program: &Address,
    run: &[u8; 32],
    index: u8,
) -> Result<bool, ProgramError> {
    let head = load_with_tail::<TableHead>(account, program)?;
    if head.run != *run {
        return Err(CommonError::WrongRun.into());
    }
    if head.header.index != index {
        return Err(CommonError::WrongAddress.into());
    }
    drop(head);
    Ok(account.data_len() == core::mem::size_of::<TableAccount>())
}

fn check_head(account: &AccountView, program: &Address, run: &[u8; 32], index: u8) -> Result<(), ProgramError> {
    if check_table_head(account, program, run, index)? { Ok(()) } else { Err(CoordinatorError::TableIncomplete.into()) }
}

/// The ring's account for that index.
///
/// # Errors
/// `WrongRun`, `WrongAddress`, and those of `load_mut`.
pub fn round_mut<'a>(
    account: &'a mut AccountView,
    program: &Address,
    run: &[u8; 32],
    index: usize,
) -> Result<ViewedMut<'a, RoundAccount>, ProgramError> {
    let round = load_mut::<RoundAccount>(account, program)?;
    if round.run != *run {
        return Err(CommonError::WrongRun.into());
    }
    if usize::from(round.header().index) != index {
        return Err(CommonError::WrongAddress.into());
    }
    Ok(round)
}

/// Runs `body` with the current table and the other one.
///
/// # Errors
/// Those of [`table_mut`] and of `body`.
pub fn with_tables<T>(
    program: &Address,
    run: &[u8; 32],
    current: u8,
    table0: &mut AccountView,
    table1: &mut AccountView,
    body: impl FnOnce(&mut EpochTable, &mut EpochTable) -> Result<T, ProgramError>,
) -> Result<T, ProgramError> {
    let mut first = table_mut(table0, program, run, 0)?;
    let mut second = table_mut(table1, program, run, 1)?;
    if current == 0 { body(&mut first.table, &mut second.table) } else { body(&mut second.table, &mut first.table) }
}

/// # Errors
/// `NotSigner`, `NotTheAuthority`.
pub fn authority(account: &AccountView, run: &RunAccount) -> Result<(), ProgramError> {
    signer(account)?;
    if *account.address().as_array() == run.main_authority {
        Ok(())
    } else {
        Err(CoordinatorError::NotTheAuthority.into())
    }
}

/// # Errors
/// `NotConfigured`.
pub fn configured(run: &RunAccount) -> Result<(), ProgramError> {
    if run.is_configured() { Ok(()) } else { Err(CoordinatorError::NotConfigured.into()) }
}

/// The slot of that index, if the account is its session key and signs. The machine checks that it has not expired and may act.
///
/// # Errors
/// `NotSigner`, `NotTheSlotsSession`.
pub fn own_slot<'a>(session_key: &AccountView, table: &'a EpochTable, slot: u16) -> Result<&'a Slot, ProgramError> {
    signer(session_key)?;
    table
        .slot(slot)
        .filter(|slot| slot.session == *session_key.address().as_array())
        .ok_or(CoordinatorError::NotTheSlotsSession.into())
}

/// The session of the signing key in this run, neither expired nor from before the run was closed and made anew.
///
/// # Errors
/// `NotSigner`, `WrongRun`, `WrongKey`, `StaleSession`, `SessionExpired`.
pub fn check_session(
    session: &SessionAccount,
    session_key: &AccountView,
    run_address: &[u8; 32],
    run_created_ms: u64,
    now_ms: u64,
) -> Result<(), ProgramError> {
    signer(session_key)?;
    if session.run != *run_address {
        return Err(CommonError::WrongRun.into());
    }
    if session.session != *session_key.address().as_array() {
        return Err(CommonError::WrongKey.into());
    }
    if session.run_created_ms != run_created_ms {
        return Err(CoordinatorError::StaleSession.into());
    }
    if session.expires_ms <= now_ms {
        return Err(CoordinatorError::SessionExpired.into());
    }
    Ok(())
}

/// The member of that owner in this run.
///
/// # Errors
/// `WrongRun`, `WrongKey`, `StaleMember`.
pub fn check_member(
    member: &MemberAccount,
    owner: &[u8; 32],
    run_address: &[u8; 32],
    run_created_ms: u64,
) -> Result<(), ProgramError> {
    if member.run != *run_address {
        return Err(CommonError::WrongRun.into());
    }
    if member.owner != *owner {
        return Err(CommonError::WrongKey.into());
    }
    if member.run_created_ms != run_created_ms {
        return Err(CoordinatorError::StaleMember.into());
    }
    Ok(())
}

/// Whether the authorization is one of the run's authorizer, by its join authority, that lets the owner join. Anything else,
/// also an account that is gone, lets nobody in.
#[must_use]
pub fn let_in(authorization: &AccountView, run: &RunAccount, owner: &[u8; 32]) -> bool {
    let authorizer = Address::new_from_array(run.authorizer_program);
    load_with_tail::<GrantHead>(authorization, &authorizer)
        .is_ok_and(|grant| grant.lets_in(grant.tail(), &run.join_authority, JOIN_SCOPE, owner))
}

/// Whether the account that `member` or `session` names as its run is closed, or another run by now.
///
/// # Errors
/// `WrongKey` if it is not the account that was named, and those of `load`.
pub fn run_is_gone(
    run: &AccountView,
    program: &Address,
    named: &[u8; 32],
    run_created_ms: u64,
) -> Result<bool, ProgramError> {
    starling_common::key(run, named)?;
    if is_unused(run) {
        return Ok(true);
    }
    Ok(load::<RunAccount>(run, program)?.created_ms != run_created_ms)
}
