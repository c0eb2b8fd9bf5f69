//! The run's state, as bytes, in the pieces that are accounts on chain: the `Run`, which every client watches, two tables of
//! slots that take turns, and what the witnesses of the last four rounds sent beyond what the `Run` needs.
//! Slots of an epoch never move: a client keeps its index whatever becomes of it.

use crate::Config;

pub const MAX_CLIENTS: usize = 256;
pub const MAX_WITNESSES: usize = 32;
pub const STORED_ROUNDS: usize = 4;
pub const TABLES: usize = 2;
pub const RUN_ID_BYTES: usize = 32;
pub const CHECKPOINT_LOCATION_BYTES: usize = 192;
pub const SHUFFLE_ROUNDS: usize = 90;
/// `parameter_hash_epoch` before any epoch agreed on one.
pub const NO_EPOCH: u16 = 0xffff;
pub const LAYOUT_VERSION: u32 = 3;
/// Warm-ups in a row that time out without one ready member before the agreed parameters count as lost.
pub const LOST_WARMUPS: u8 = 3;
/// A session that never expires.
pub const NEVER_MS: u64 = u64::MAX;

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

    /// An epoch is under way.
    #[must_use]
    pub const fn in_epoch(self) -> bool {
        matches!(self, Self::Warmup | Self::RoundTrain | Self::RoundWitness | Self::Cooldown)
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
    pub struct Membership: 136 {
        pub owner: [u8; 32],
        pub session: [u8; 32],
        pub peer_id: [u8; 32],
        pub chain_head: [u8; 32],
        /// the session can do nothing from then on; `NEVER_MS`: no end
        pub expires_ms: u64,
    }
}

pod! {
    /// A client of an epoch, or a member that waits for the next.
    pub struct Slot: 200 {
        pub owner: [u8; 32],
        pub session: [u8; 32],
        pub peer_id: [u8; 32],
        /// sha256 of the next link that this client must reveal
        pub chain_head: [u8; 32],
        /// bit = slot that accuses this one of equivocation
        pub equivocation_votes: [u8; 32],
        pub expires_ms: u64,
        /// points of this epoch only
        pub earned: u64,
        /// points of this epoch only
        pub slashed: u64,
        pub exited_height: u32,
        /// rounds of this epoch in which a quorum attested its batch
        pub rounds_trained: u32,
        /// rounds in a row, counted back from the last finished one, in which its batch was not attested
        pub missed_rounds: u16,
        /// a `ClientState`
        pub state: u8,
        /// 1: its points and its ejection have been taken over by its owner's account
        pub settled: u8,
        /// 1: it is Healthy and goes on into the next epoch without another join
        pub carried: u8,
        pub padding: [u8; 3],
    }
}

pod! {
    /// The slots of an epoch. The table that is not the current one keeps the epoch before, until it is settled; then it takes
    /// those who wait for the next epoch, in order of joining.
    pub struct EpochTable: 51_208 {
        pub epoch: u16,
        /// slots in use
        pub len: u16,
        /// slots whose points or ejection nobody has settled; the `Run` has the same number
        pub unsettled: u16,
        pub padding: u16,
        pub slots: [Slot; MAX_CLIENTS],
    }
}

pod! {
    /// What a round needs of an accepted witness message until it ends.
    pub struct WitnessHot: 40 {
        pub list_root: [u8; 32],
        /// bit p = holds the list of the witness at position p; valid once `downloaded` is 1
        pub lists_held: u32,
        pub client_index: u16,
        pub position: u8,
        pub downloaded: u8,
    }
}

pod! {
    pub struct RoundHot: 1472 {
        /// first sequence of the round
        pub data_index: u64,
        pub started_ms: u64,
        pub seed: [u8; 32],
        /// slots that were Healthy when the round began
        pub live: [u8; 32],
        pub witnesses: [WitnessHot; MAX_WITNESSES],
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
        /// swap-or-not pivots, computed once, so that a position costs 90 hashes and not 180
        pub witness_pivots: [u8; SHUFFLE_ROUNDS],
        pub padding: [u8; 2],
    }
}

pod! {
    /// The rest of an accepted witness message.
    pub struct Report: 96 {
        /// bit b = holds a verified result of batch b
        pub bitmap: [u8; 32],
        pub reveal: [u8; 32],
        pub parameter_hash: [u8; 32],
    }
}

pod! {
    /// Only read while its round is in progress, and only once that round has a witness: `height` and `step` then name it.
    pub struct RoundDetail: 3080 {
        pub height: u32,
        pub step: u32,
        /// in the order of `RoundHot.witnesses`
        pub reports: [Report; MAX_WITNESSES],
    }
}

pod! {
    pub struct Run: 6536 {
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
        /// slots of the current table that are Healthy
        pub live: [u8; 32],
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
        pub checkpoint_epoch: u16,
        /// members that wait in the other table
        pub pending_len: u16,
        /// slots of the current table with `carried`
        pub carried_len: u16,
        /// `unsettled` of each table
        pub table_unsettled: [u16; TABLES],
        /// index of the current table: that of the running epoch, or between two epochs of the last
        pub table: u8,
        pub rounds_len: u8,
        /// a `RunState`
        pub run_state: u8,
        pub pending_pause: u8,
        pub cold_start_epoch: u8,
        /// warm-ups in a row that timed out without one ready member
        pub lost_warmups: u8,
        /// 1: `previous_hash` may take the place of `parameter_hash`, which was agreed since the last time that happened
        pub can_go_back: u8,
        pub padding: [u8; 1],
        /// the round of height h lies at h % 4
        pub rounds: [RoundHot; STORED_ROUNDS],
    }
}

impl Slot {
    #[must_use]
    pub const fn is(&self, state: ClientState) -> bool {
        self.state == state as u8
    }

    /// Has points or an ejection that its owner's account does not know yet.
    #[must_use]
    pub const fn is_owed(&self) -> bool {
        self.settled == 0 && (self.earned != 0 || self.slashed != 0 || self.is(ClientState::Ejected))
    }
}

impl EpochTable {
    #[must_use]
    pub fn slot(&self, slot: u16) -> Option<&Slot> {
        if slot < self.len { self.slots.get(usize::from(slot)) } else { None }
    }

    pub(crate) fn slot_mut(&mut self, slot: u16) -> Option<&mut Slot> {
        if slot < self.len { self.slots.get_mut(usize::from(slot)) } else { None }
    }

    /// The slots in use.
    pub fn used(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().take(usize::from(self.len))
    }

    pub(crate) fn used_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().take(usize::from(self.len))
    }
}

impl RoundHot {
    /// The accepted messages, in order of arrival.
    pub fn entries(&self) -> impl Iterator<Item = &WitnessHot> {
        self.witnesses.iter().take(usize::from(self.witnesses_len))
    }

    #[must_use]
    pub const fn quorum(&self) -> u16 {
        crate::quorum(self.elected_count)
    }
}

impl RoundDetail {
    /// Whether these are the reports of that round, in progress or just ended.
    #[must_use]
    pub const fn belongs_to(&self, round: &RoundHot) -> bool {
        round.witnesses_len == 0 || (self.height == round.height && self.step == round.step)
    }

    /// As many reports as `round` has witnesses.
    pub fn reports_of(&self, round: &RoundHot) -> impl Iterator<Item = &Report> {
        self.reports.iter().take(usize::from(round.witnesses_len))
    }
}

impl Run {
    #[must_use]
    pub fn state(&self) -> RunState {
        RunState::from_u8(self.run_state).unwrap_or(RunState::Uninitialized)
    }

    /// Index of the table that is not the current one.
    #[must_use]
    pub const fn other_table(&self) -> u8 {
        self.table ^ 1
    }

    /// Unsettled slots of the table that the next epoch needs.
    #[must_use]
    pub fn next_unsettled(&self) -> u16 {
        self.table_unsettled.get(usize::from(self.other_table())).copied().unwrap_or(u16::MAX)
    }

    /// The round in progress, or in Cooldown the last one.
    #[must_use]
    pub fn current_round(&self) -> Option<&RoundHot> {
        self.round(self.height)
    }

    pub(crate) fn current_round_mut(&mut self) -> Option<&mut RoundHot> {
        if self.rounds_len == 0 { None } else { self.rounds.get_mut(ring_index(self.height)) }
    }

    /// The stored round of that height: the current one and at most three before it.
    #[must_use]
    pub fn round(&self, height: u32) -> Option<&RoundHot> {
        let age = self.height.checked_sub(height)?;
        if age < u32::from(self.rounds_len) { self.rounds.get(ring_index(height)) } else { None }
    }

    pub(crate) fn live_count(&self) -> u16 {
        crate::bitmap::count(&self.live)
    }

    pub(crate) fn enter(&mut self, state: RunState, now_ms: u64) {
        self.run_state = state as u8;
        self.run_state_started_ms = now_ms;
    }
}

/// Where the round of that height lies in `Run.rounds` and `State.rounds`.
#[must_use]
pub const fn ring_index(height: u32) -> usize {
    (height & 3) as usize
}

/// Equality of two keys. Nearly all pairs differ in their first word.
pub(crate) fn same_key(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let first = |key: &[u8; 32]| key.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    first(a) == first(b) && a == b
}
