//! Program `authorizer`: a grantor lets a grantee, and the keys that the grantee names, do what a scope says.
//!
//! | byte | instruction | who signs |
//! |---|---|---|
//! | 0 | [`create`] | payer, grantor |
//! | 1 | [`set_active`] | grantor |
//! | 2 | [`set_delegates`] | payer, grantee |
//! | 3 | [`close`] | grantor |
//!
//! Other programs read the account ([`starling_common::GrantHead`]) and decide for themselves; nothing here knows of runs. A grantee of
//! `11111111111111111111111111111111` means everybody; nobody can sign for it, so such a grant never has delegates.
#![cfg_attr(any(target_os = "solana", target_arch = "bpf"), no_std)]
#![deny(unsafe_code)]

mod close;
mod create;
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
mod entry;
mod error;
pub mod grant;
mod set_active;
mod set_delegates;

pub use error::AuthorizerError;

use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader};

/// Runs one instruction: its number is the first byte of `data`.
///
/// # Errors
/// [`CommonError`], [`AuthorizerError`], and those of the runtime; then nothing has changed.
pub fn process(program: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let mut arguments = Reader::new(data);
    match arguments.u8()? {
        0 => create::run(program, accounts, arguments),
        1 => set_active::run(program, accounts, arguments),
        2 => set_delegates::run(program, accounts, arguments),
        3 => close::run(program, accounts, arguments),
        _ => Err(CommonError::UnknownInstruction.into()),
    }
}
