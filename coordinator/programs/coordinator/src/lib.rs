//! The coordinator of Starling runs as a Solana program: `starling-machine` over accounts.
//!
//! Each instruction has a file in `instructions/` that names its accounts and arguments; what the accounts hold is in
//! `accounts.rs`, what they must be is proven by `starling-common` and `guards.rs`. A refused instruction changes
//! nothing: checks come first, and the runtime drops what a failing transaction wrote.
#![cfg_attr(any(target_os = "solana", target_arch = "bpf"), no_std)]
#![deny(unsafe_code)]

mod accounts;
mod error;
mod guards;
mod instructions;

pub use accounts::{ConfigAccount, MemberAccount, RoundAccount, RunAccount, SessionAccount, TableAccount, TableHead};
pub use error::CoordinatorError;
pub use instructions::{Instruction, process};

#[cfg(any(target_os = "solana", target_arch = "bpf"))]
mod entrypoint {
    #![allow(unsafe_code)]
    // `settle` takes most: the run, a table and 20 members. One more, so that one too many is seen.
    pinocchio::program_entrypoint!(crate::process, 24);
}
