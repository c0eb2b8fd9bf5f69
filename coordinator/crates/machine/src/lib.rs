//! The state machine of a Starling run.
//!
//! It is `no_std`, allocates nothing and knows integers only, so that one implementation runs on a Solana validator,
//! as WebAssembly in every client, and natively under test. It does no I/O: the caller passes the time, randomness and
//! who asks to join. Every entry point checks its input and returns a typed [`Error`]; a refused call changes nothing.
//!
//! Begin with [`Coordinator::tick`] (`tick.rs`), which makes every transition between run states.
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod pod;
mod admin;
mod assignment;
mod attest;
mod bitmap;
mod config;
mod epoch;
mod error;
mod hash;
mod members;
pub mod selection;
mod state;
mod tick;
mod validate;
mod witness;

pub use assignment::{BatchAssignment, Elected, ElectedList, SlotList};
pub use bitmap::Bitmap;
pub use config::Config;
pub use error::Error;
pub use hash::sha256;
pub use pod::{Field, Pod, Struct};
pub use selection::quorum;
pub use state::{
    CHECKPOINT_LOCATION_BYTES, Client, ClientState, Coordinator, EJECTED_OWNERS, LAYOUT_VERSION, LOST_WARMUPS,
    MAX_CLIENTS, MAX_WITNESSES, Membership, NO_EPOCH, RUN_ID_BYTES, Round, RunState, STORED_ROUNDS, Witness,
};
pub use tick::TickOutcome;
pub use witness::WitnessMessage;

/// Every struct whose bytes cross the wasm boundary, outermost first: the TypeScript decoder is generated from this.
pub const LAYOUT: &[Struct] = &[
    Coordinator::LAYOUT,
    Config::LAYOUT,
    Client::LAYOUT,
    Round::LAYOUT,
    Witness::LAYOUT,
    Membership::LAYOUT,
    WitnessMessage::LAYOUT,
    BatchAssignment::LAYOUT,
    Elected::LAYOUT,
];
