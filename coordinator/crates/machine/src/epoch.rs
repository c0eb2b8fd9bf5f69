//! The life of an epoch: who is in it, its rounds and their seeds, and its end.

use crate::selection::{self, WITNESS_SALT};
use crate::state::ring_index;
use crate::{
    ClientState, EpochTable, MAX_WITNESSES, Pod as _, RoundDetail, RoundHot, Run, RunState, Slot, TickOutcome,
    WitnessHot, bitmap, sha256,
};

const SEED_DOMAIN: &[u8] = b"starling seed";
/// Results lag by two rounds: that many rounds only drain the pipeline.
const DRAIN_ROUNDS: u32 = 2;
/// An epoch shorter than this would drain as long as it trains.
const SOFT_MIN_ROUNDS: u32 = 4;

impl Run {
    /// Those who waited get the slots 0, 1, 2... of the other table, behind them come those who are carried, and the tables
    /// change places. Whose session has ended is no member any more; if too few are left, the run goes on waiting.
    pub(crate) fn form_epoch(&mut self, table: &mut EpochTable, next: &mut EpochTable, now_ms: u64) {
        self.drop_expired(table, next, now_ms);
        if !self.has_enough_members() {
            return;
        }
        next.len = self.pending_len;
        for slot in table.used().filter(|slot| slot.carried != 0) {
            next.push_carried(slot);
        }
        next.epoch = self.epoch;
        next.unsettled = 0;
        self.table = self.other_table();
        self.pending_len = 0;
        self.carried_len = next.len;
        self.live = bitmap::first(next.len);
        self.warmup_ready = [0; 32];
        self.clear_rounds();
        self.epoch_start_step = self.step;
        self.epoch_start_ms = now_ms;
        self.last_step = 0;
        self.trained_rounds = 0;
        self.epoch_earning_rate = self.config.earning_rate_total_shared;
        self.epoch_slashing_rate = self.config.slashing_rate_per_client;
        self.enter(RunState::Warmup, now_ms);
    }

    pub(crate) fn drop_unready(&mut self, table: &mut EpochTable) {
        let unready = bitmap::without(&self.live, &self.warmup_ready);
        for slot in bitmap::bits(&unready) {
            self.exit(table, slot, ClientState::Dropped);
        }
    }

    pub(crate) fn start_first_round(&mut self, now_ms: u64, server_random: &[u8; 32]) {
        let seed = self.epoch_seed(0, server_random);
        self.next_seed = self.epoch_seed(1, server_random);
        let data_index = self.epoch_start_data_index;
        self.start_round(now_ms, 0, data_index, seed);
    }

    fn epoch_seed(&self, height: u32, server_random: &[u8; 32]) -> [u8; 32] {
        sha256(&[SEED_DOMAIN, &self.run_id, &self.epoch.to_le_bytes(), &height.to_le_bytes(), server_random])
    }

    /// Fixes the seed of the round after the next. Only reveals made before `server_random` existed count: whoever reports
    /// later knows it, and could choose between two seeds by reporting or not.
    pub(crate) fn draw_following_seed(&mut self, detail: &RoundDetail, server_random: &[u8; 32]) {
        let mut reveals = [0u64; 4];
        if let Some(round) = self.current_round() {
            for report in detail.reports_of(round) {
                for (sum, word) in reveals.iter_mut().zip(bitmap::words(&report.reveal)) {
                    *sum ^= word;
                }
            }
        }
        let reveals = bitmap::from_words(&reveals);
        self.following_seed = sha256(&[&self.next_seed, server_random, &reveals]);
    }

    fn start_next_round(&mut self, now_ms: u64) {
        let seed = self.next_seed;
        self.next_seed = self.following_seed;
        let data_index = self.data_end();
        let height = self.height.saturating_add(1);
        self.start_round(now_ms, height, data_index, seed);
    }

    fn start_round(&mut self, now_ms: u64, height: u32, data_index: u64, seed: [u8; 32]) {
        let live = self.live;
        let live_count = bitmap::count(&live);
        let drain = self.last_step != 0;
        let batch_size = if drain { 0 } else { self.config.batch_size_at(data_index) };
        let target = match self.config.witness_nodes {
            0 => MAX_WITNESSES as u16,
            nodes => nodes,
        };
        let step = self.step;
        if let Some(round) = self.rounds.get_mut(ring_index(height)) {
            round.data_index = data_index;
            round.started_ms = now_ms;
            round.seed = seed;
            round.live = live;
            round.witness_pivots = selection::pivots(&selection::shuffle_key(&seed, WITNESS_SALT), live_count);
            for witness in &mut round.witnesses {
                *witness = WitnessHot::ZERO;
            }
            round.height = height;
            round.step = step;
            round.batch_size = u32::from(batch_size);
            round.live_count = live_count;
            round.elected_count = target.min(live_count);
            round.batch_count = live_count.min(batch_size);
            round.witnesses_len = 0;
            round.drain = u8::from(drain);
        }
        self.height = height;
        self.rounds_len = if height == 0 { 1 } else { self.rounds_len.saturating_add(1).min(4) };
        self.enter(RunState::RoundTrain, now_ms);
    }

    /// First sequence that no round so far has used.
    fn data_end(&self) -> u64 {
        self.current_round()
            .map_or(self.epoch_start_data_index, |round| round.data_index.saturating_add(u64::from(round.batch_size)))
    }

    pub(crate) fn finish_round(&mut self, table: &mut EpochTable, detail: &RoundDetail, now_ms: u64) {
        let received = self.current_round().map_or(0, |round| u16::from(round.witnesses_len));
        let has_quorum = self.current_round().is_some_and(|round| received >= round.quorum());
        self.attest_batches(table, detail);
        if self.is_last_drain_round() {
            self.agree_parameter_hash(detail);
        }
        self.step = self.step.saturating_add(1);
        if self.last_step == 0 && self.should_drain(now_ms, has_quorum) {
            self.last_step = self.step.saturating_add(DRAIN_ROUNDS);
        }
        let drained = self.last_step != 0 && self.step >= self.last_step;
        if received == 0 || drained {
            self.enter(RunState::Cooldown, now_ms);
        } else {
            self.start_next_round(now_ms);
        }
    }

    fn should_drain(&self, now_ms: u64, has_quorum: bool) -> bool {
        let must = self.pending_pause != 0 || self.live_count() < self.config.min_clients || !has_quorum;
        let end = self.step.saturating_add(DRAIN_ROUNDS);
        let long_enough = end >= self.epoch_start_step.saturating_add(SOFT_MIN_ROUNDS);
        let rounds_done = self.config.rounds_per_epoch != 0 && self.trained_rounds >= self.config.rounds_per_epoch;
        let may = self.epoch_timed_out(now_ms) || rounds_done || end >= self.config.total_steps;
        must || (may && long_enough)
    }

    pub(crate) fn is_last_drain_round(&self) -> bool {
        self.last_step != 0 && self.step.saturating_add(1) == self.last_step
    }

    pub(crate) fn end_epoch(&mut self, table: &mut EpochTable, now_ms: u64) -> TickOutcome {
        let trained = self.share_points(table);
        self.epoch_start_data_index = self.data_end();
        self.clear_rounds();
        self.last_step = 0;
        self.epoch = self.epoch.saturating_add(1).min(crate::NO_EPOCH.saturating_sub(1));
        if self.pending_pause != 0 {
            self.pending_pause = 0;
            self.enter_paused(table, now_ms);
        } else {
            self.cold_start_epoch = 0;
            self.enter_waiting(now_ms);
        }
        if trained { TickOutcome::EpochSucceeded } else { TickOutcome::EpochFailed }
    }

    fn clear_rounds(&mut self) {
        for round in &mut self.rounds {
            *round = RoundHot::ZERO;
        }
        self.rounds_len = 0;
        self.height = 0;
        self.next_seed = [0; 32];
        self.following_seed = [0; 32];
    }
}

impl EpochTable {
    /// A copy of `slot` that has done nothing yet. It keeps its place in its chain: links already revealed are public and
    /// must not seed another round.
    fn push_carried(&mut self, slot: &Slot) {
        let Some(place) = self.slots.get_mut(usize::from(self.len)) else { return };
        *place = *slot;
        place.equivocation_votes = [0; 32];
        place.earned = 0;
        place.slashed = 0;
        place.exited_height = 0;
        place.rounds_trained = 0;
        place.missed_rounds = 0;
        place.settled = 0;
        self.len = self.len.saturating_add(1);
    }
}
