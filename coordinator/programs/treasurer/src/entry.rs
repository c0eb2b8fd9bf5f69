//! Where the runtime enters.
#![allow(unsafe_code)]

/// Of the longest list of accounts that an instruction takes (create_run: 18), and one more, so that too many are seen.
const MAX_ACCOUNTS: usize = 19;

pinocchio::program_entrypoint!(crate::process, MAX_ACCOUNTS);
pinocchio::no_allocator!();
