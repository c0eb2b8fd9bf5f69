//! What Starling's Solana programs share. Every check of an account or of an argument that an instruction makes is here,
//! as is the only unsafe code (`bytes.rs`).
#![cfg_attr(any(target_os = "solana", target_arch = "bpf"), no_std)]
#![deny(unsafe_code)]

#[macro_use]
mod error;
#[macro_use]
mod header;
mod bytes;
mod close;
mod create;
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
mod errors_json;
mod grant;
mod guard;
#[cfg(target_arch = "bpf")]
mod memory;
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
mod panic;
mod reader;
mod sysvar;
mod text;

pub use bytes::{Plain, Viewed, ViewedMut, copy_plain};
pub use close::{close, move_lamports};
pub use create::{at_address, create, grow, is_unused, transfer};
pub use error::{CommonError, ErrorEntry};
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
pub use errors_json::check_errors_json;
pub use grant::{GrantHead, JOIN_SCOPE, MAX_DELEGATES, PUBLIC_GRANTEE, SCOPE_BYTES};
pub use guard::{exactly, key, load, load_mut, load_with_tail, load_with_tail_mut, signer, system_program, writable};
pub use header::{Account, Header, VERSION, init};
pub use reader::Reader;
pub use sysvar::{SLOT_HASHES, minimum_balance, newest_slot_hash, now_ms};
pub use text::write_text;

/// For the macros of this crate.
#[doc(hidden)]
pub use pinocchio;
