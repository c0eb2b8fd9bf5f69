//! The state machine of a Starling run.
//!
//! It is `no_std`, allocates nothing and knows integers only, so that one implementation runs on a Solana validator,
//! as WebAssembly in every client, and natively under test. It does no I/O: the caller passes the time, randomness and the
//! pieces of the state that a call touches, each an account on chain ([`State`] has them all in one). Every entry point
//! checks its input and returns a typed [`Error`]; a refused call changes nothing.
//!
//! Begin with [`Run::tick`] (`tick.rs`), which makes every transition between run states.
#![no_std]
#![deny(unsafe_code)]

#[macro_use]
mod pod;
mod admin;
mod assignment;
mod attest;
mod bitmap;
mod config;
mod epoch;
mod error;
mod exits;
mod hash;
mod members;
mod points;
pub mod selection;
mod state;
mod tick;
mod validate;
mod whole;
mod witness;

pub use assignment::{BatchAssignment, Elected, ElectedList, SlotList};
pub use bitmap::Bitmap;
pub use config::Config;
pub use error::Error;
pub use hash::sha256;
pub use pod::{Field, Pod, Struct};
pub use points::{MAX_ROUNDS_TRAINED, Settled};
pub use selection::quorum;
pub use state::{
    CHECKPOINT_LOCATION_BYTES, ClientState, EpochTable, LAYOUT_VERSION, LOST_WARMUPS, MAX_CLIENTS, MAX_WITNESSES,
    Membership, NEVER_MS, NO_EPOCH, RUN_ID_BYTES, Report, RoundDetail, RoundHot, Run, RunState, STORED_ROUNDS, Slot,
    TABLES, WitnessHot, ring_index,
};
pub use tick::TickOutcome;
pub use whole::{Pieces, State};
pub use witness::WitnessMessage;

/// Every struct whose bytes cross the wasm boundary, outermost first: the TypeScript decoder is generated from this.
pub const LAYOUT: &[Struct] = &[
    State::LAYOUT,
    Run::LAYOUT,
    Config::LAYOUT,
    RoundHot::LAYOUT,
    WitnessHot::LAYOUT,
    EpochTable::LAYOUT,
    Slot::LAYOUT,
    RoundDetail::LAYOUT,
    Report::LAYOUT,
    Membership::LAYOUT,
    WitnessMessage::LAYOUT,
    BatchAssignment::LAYOUT,
    Elected::LAYOUT,
    Settled::LAYOUT,
];
