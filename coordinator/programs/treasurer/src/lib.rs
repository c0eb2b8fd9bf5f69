//! Program `treasurer`: holds the tokens that a run pays, is the run's authority, and pays for points: 1 point is 1 base unit.
//!
//! | byte | instruction | who signs |
//! |---|---|---|
//! | 0 | [`create_run`] | authority |
//! | 1 | [`forward`] | the treasury's main authority |
//! | 2 | [`create_participant`] | payer |
//! | 3 | [`claim`] | owner |
//! | 4 | [`top_up`] | whoever pays |
//! | 5 | [`withdraw_surplus`] | the treasury's main authority |
//! | 6 | [`close_participant`] | owner |
//!
//! Points are the coordinator's: how many an owner may still claim, and that none is claimed twice, is decided by its
//! `record_claim`, which only the run's authority, this treasury, may call.
#![cfg_attr(any(target_os = "solana", target_arch = "bpf"), no_std)]
#![deny(unsafe_code)]

pub mod accounts;
mod claim;
mod close_participant;
mod coordinator;
mod create_participant;
mod create_run;
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
mod entry;
mod error;
mod forward;
mod mint;
mod token;
mod top_up;
mod withdraw_surplus;

pub use error::TreasurerError;

use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader};

/// Runs one instruction: its number is the first byte of `data`.
///
/// # Errors
/// [`CommonError`], [`TreasurerError`], those of the coordinator, of the token program and of the runtime; then nothing has changed.
pub fn process(program: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let mut arguments = Reader::new(data);
    match arguments.u8()? {
        0 => create_run::run(program, accounts, arguments),
        1 => forward::run(program, accounts, arguments),
        2 => create_participant::run(program, accounts, arguments),
        3 => claim::run(program, accounts, arguments),
        4 => top_up::run(program, accounts, arguments),
        5 => withdraw_surplus::run(program, accounts, arguments),
        6 => close_participant::run(program, accounts, arguments),
        _ => Err(CommonError::UnknownInstruction.into()),
    }
}
