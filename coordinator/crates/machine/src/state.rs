//! The run's state, as bytes. Slots of an epoch never move: a client keeps its index whatever becomes of it.

use crate::{Bitmap, Config, bitmap};

pub const MAX_CLIENTS: usize = 256;
pub const MAX_WITNESSES: usize = 32;
pub const STORED_ROUNDS: usize = 4;
pub const RUN_ID_BYTES: usize = 32;
pub const CHECKPOINT_LOCATION_BYTES: usize = 192;
/// Owners ejected most recently; none of them is taken into an epoch while it is on this list.
pub const EJECTED_OWNERS: usize = 64;
pub const SHUFFLE_ROUNDS: usize = 90;
/// `parameter_hash_epoch` before any epoch agreed on one.
pub const NO_EPOCH: u16 = 0xffff;
pub const LAYOUT_VERSION: u32 = 2;
/// Warm-ups in a row that time out without one ready member before the agreed parameters count as lost.
pub const LOST_WARMUPS: u8 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RunState {
    Uninitialized = 0,
    WaitingForMembers = 1,
    Warmup = 2,
    RoundTrain = 3,
    RoundWitness = 4,
    Cooldown = 5,
    Finished = 6,
    Paused = 7,
}

impl RunState {
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Uninitialized,
            1 => Self::WaitingForMembers,
            2 => Self::Warmup,
            3 => Self::RoundTrain,
            4 => Self::RoundWitness,
            5 => Self::Cooldown,
            6 => Self::Finished,
            7 => Self::Paused,
            _ => return None,
        })
    }

    #[must_use]
    pub const fn halted(self) -> bool {
        matches!(self, Self::Uninitialized | Self::Finished | Self::Paused)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ClientState {
    Healthy = 0,
    /// by a health check, or never ready in Warmup
    Dropped = 1,
    /// left of its own accord, or the run was paused
    Withdrawn = 2,
    /// voted out for provable misconduct
    Ejected = 3,
}

pod! {
    /// Who asks to be in the next epoch: raw ed25519 public keys, and the head of the sender's sha256 chain.
    pub struct Membership: 128 {
        pub owner: [u8; 32],
        pub session: [u8; 32],
        pub peer_id: [u8; 32],
        pub chain_head: [u8; 32],
    }
}

pod! {
    pub struct Client: 192 {
        pub owner: [u8; 32],
        pub session: [u8; 32],
        pub peer_id: [u8; 32],
        /// sha256 of the next link that this client must reveal
        pub chain_head: [u8; 32],
        /// the head it joined with: tells a continued membership from a new one
        pub chain_origin: [u8; 32],
        pub earned: u64,
        pub slashed: u64,
        pub exited_height: u32,
        /// rounds of this epoch in which a quorum attested its batch
        pub rounds_trained: u32,
        /// rounds in a row, counted back from the last finished one, in which its batch was not attested
        pub missed_rounds: u16,
        /// a `ClientState`
        pub state: u8,
        pub padding: [u8; 5],
    }
}

pod! {
    /// One accepted witness message.
    pub struct Witness: 136 {
        /// bit b = holds a verified result of batch b
        pub bitmap: [u8; 32],
        pub list_root: [u8; 32],
        pub reveal: [u8; 32],
        pub parameter_hash: [u8; 32],
        /// bit p = holds the list of the witness at position p; valid once `downloaded` is 1
        pub lists_held: u32,
        pub client_index: u16,
        pub position: u8,
        pub downloaded: u8,
    }
}

pod! {
    pub struct Round: 4632 {
        /// first sequence of the round
        pub data_index: u64,
        pub started_ms: u64,
        pub seed: [u8; 32],
        /// slots that were Healthy when the round began
        pub live: [u8; 32],
        /// swap-or-not pivots, computed once, so that a position costs 90 hashes and not 180
        pub witness_pivots: [u8; SHUFFLE_ROUNDS],
        pub committee_pivots: [u8; SHUFFLE_ROUNDS],
        pub witnesses: [Witness; MAX_WITNESSES],
        pub height: u32,
        pub step: u32,
        /// sequences; 0 in a drain round
        pub batch_size: u32,
        pub live_count: u16,
        pub elected_count: u16,
        /// trainers that were assigned at least one sequence
        pub batch_count: u16,
        pub witnesses_len: u8,
        pub drain: u8,
    }
}

pod! {
    pub struct Coordinator: 78536 {
        pub version: u32,
        /// height of the round in progress; meaningless while `rounds_len` is 0
        pub height: u32,
        pub run_state_started_ms: u64,
        pub epoch_start_ms: u64,
        pub epoch_start_data_index: u64,
        /// remainder of the last division of points
        pub points_carry: u64,
        /// rates of the running epoch; the config's take effect with the next one
        pub epoch_earning_rate: u64,
        pub epoch_slashing_rate: u64,
        pub config: Config,
        pub run_id: [u8; RUN_ID_BYTES],
        pub parameter_hash: [u8; 32],
        /// what was agreed before `parameter_hash`; zero before any other was
        pub previous_hash: [u8; 32],
        pub warmup_ready: [u8; 32],
        /// seed of the next round
        pub next_seed: [u8; 32],
        /// seed of the round after the next; known from the start of RoundWitness
        pub following_seed: [u8; 32],
        pub checkpoint_hash: [u8; 32],
        pub checkpoint_location: [u8; CHECKPOINT_LOCATION_BYTES],
        pub step: u32,
        pub epoch_start_step: u32,
        /// 0 = not yet known
        pub last_step: u32,
        /// rounds of this epoch that trained, attested or not
        pub trained_rounds: u32,
        pub epoch: u16,
        pub parameter_hash_epoch: u16,
        pub previous_hash_epoch: u16,
        pub clients_len: u16,
        pub checkpoint_epoch: u16,
        pub rounds_len: u8,
        /// a `RunState`
        pub run_state: u8,
        pub pending_pause: u8,
        pub cold_start_epoch: u8,
        pub ejected_len: u8,
        /// where the next ejected owner is written
        pub ejected_next: u8,
        /// warm-ups in a row that timed out without one ready member
        pub lost_warmups: u8,
        /// 1: `previous_hash` may take the place of `parameter_hash`, which was agreed since the last time that happened
        pub can_go_back: u8,
        pub padding: [u8; 6],
        pub clients: [Client; MAX_CLIENTS],
        /// the round of height h lies at h % 4
        pub rounds: [Round; STORED_ROUNDS],
        /// row = accused slot, bit = slot that accuses it
        pub equivocation_votes: [[u8; 32]; MAX_CLIENTS],
        pub ejected_owners: [[u8; 32]; EJECTED_OWNERS],
    }
}

impl Client {
    #[must_use]
    pub const fn is(&self, state: ClientState) -> bool {
        self.state == state as u8
    }
}

impl Round {
    /// The accepted messages, in order of arrival.
    pub fn entries(&self) -> impl Iterator<Item = &Witness> {
        self.witnesses.iter().take(usize::from(self.witnesses_len))
    }

    #[must_use]
    pub const fn quorum(&self) -> u16 {
        crate::quorum(self.elected_count)
    }
}

impl Coordinator {
    #[must_use]
    pub fn state(&self) -> RunState {
        RunState::from_u8(self.run_state).unwrap_or(RunState::Uninitialized)
    }

    #[must_use]
    pub fn client(&self, slot: u16) -> Option<&Client> {
        if slot < self.clients_len { self.clients.get(usize::from(slot)) } else { None }
    }

    pub(crate) fn client_mut(&mut self, slot: u16) -> Option<&mut Client> {
        if slot < self.clients_len { self.clients.get_mut(usize::from(slot)) } else { None }
    }

    /// The round in progress, or in Cooldown the last one.
    #[must_use]
    pub fn current_round(&self) -> Option<&Round> {
        self.round(self.height)
    }

    pub(crate) fn current_round_mut(&mut self) -> Option<&mut Round> {
        if self.rounds_len == 0 { None } else { self.rounds.get_mut(ring_index(self.height)) }
    }

    /// The stored round of that height: the current one and at most three before it.
    #[must_use]
    pub fn round(&self, height: u32) -> Option<&Round> {
        let age = self.height.checked_sub(height)?;
        if age < u32::from(self.rounds_len) { self.rounds.get(ring_index(height)) } else { None }
    }

    /// Slots that are Healthy now.
    #[must_use]
    pub fn healthy(&self) -> Bitmap {
        let mut healthy = [0; 32];
        for slot in 0..self.clients_len {
            if self.client(slot).is_some_and(|client| client.is(ClientState::Healthy)) {
                bitmap::set(&mut healthy, slot);
            }
        }
        healthy
    }

    pub(crate) fn healthy_count(&self) -> u16 {
        bitmap::count(&self.healthy())
    }

    pub(crate) fn enter(&mut self, state: RunState, now_ms: u64) {
        self.run_state = state as u8;
        self.run_state_started_ms = now_ms;
    }
}

pub const fn ring_index(height: u32) -> usize {
    (height & 3) as usize
}
