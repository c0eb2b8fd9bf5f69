//! Where the runtime enters.
#![allow(unsafe_code)]

/// Of the longest list of accounts that an instruction takes, and one more, so that too many are seen.
const MAX_ACCOUNTS: usize = 5;

pinocchio::program_entrypoint!(crate::process, MAX_ACCOUNTS);
pinocchio::no_allocator!();
