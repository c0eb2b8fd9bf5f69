//! Whether bytes from elsewhere can be a run's state.

use crate::admin::padded_text;
use crate::{
    CHECKPOINT_LOCATION_BYTES, ClientState, EpochTable, Error, LAYOUT_VERSION, LOST_WARMUPS, MAX_CLIENTS,
    MAX_ROUNDS_TRAINED, NO_EPOCH, RUN_ID_BYTES, RoundDetail, RoundHot, Run, RunState, STORED_ROUNDS, Slot, State,
    TABLES, bitmap,
};

impl State {
    /// Checks every count, index and enum, so that whoever reads the state needs no check of its own, and that the pieces agree.
    /// The reports of a round may be missing: on chain clients do not fetch them. It does not prove that the state was
    /// reached honestly: that is the business of whoever vouches for the bytes.
    ///
    /// # Errors
    /// `WrongStateVersion`, `CorruptState`.
    pub fn validate(&self) -> Result<(), Error> {
        if self.run.version != LAYOUT_VERSION {
            return Err(Error::WrongStateVersion);
        }
        let sound = self.run.is_sound() && self.tables_are_sound() && self.rounds_are_sound();
        if sound { Ok(()) } else { Err(Error::CorruptState) }
    }

    fn tables_are_sound(&self) -> bool {
        let run = &self.run;
        let (table, next) = (self.table(), self.next());
        let mut live = [0; 32];
        for (index, _) in (0u16..).zip(table.used()).filter(|(_, slot)| slot.is(ClientState::Healthy)) {
            bitmap::set(&mut live, index);
        }
        let carried = table.used().filter(|slot| slot.carried != 0).count();
        let waiting_is_sound = run.pending_len == 0
            || (next.len == run.pending_len && next.unsettled == 0 && next.used().all(Slot::is_waiting));
        self.tables.iter().all(EpochTable::is_sound)
            && self.tables.iter().zip(run.table_unsettled).all(|(each, unsettled)| each.unsettled == unsettled)
            && (!run.state().in_epoch() || (table.epoch == run.epoch && table.unsettled == 0))
            && live == run.live
            && carried == usize::from(run.carried_len)
            && table.used().all(|slot| slot.carried == 0 || slot.is(ClientState::Healthy))
            && waiting_is_sound
            && !bitmap::exceeds(&run.warmup_ready, table.len)
    }

    fn rounds_are_sound(&self) -> bool {
        let run = &self.run;
        let hot = (0..u32::from(run.rounds_len)).all(|age| {
            let height = run.height.saturating_sub(age);
            run.round(height).is_some_and(|round| round.height == height && round.is_sound(self.table().len))
        });
        hot && run.current_round().is_none_or(|round| self.round().is_sound(round))
    }
}

impl Run {
    fn is_sound(&self) -> bool {
        let in_round = matches!(self.state(), RunState::RoundTrain | RunState::RoundWitness | RunState::Cooldown);
        let started = self.state() != RunState::Uninitialized;
        is_padded_text::<RUN_ID_BYTES>(&self.run_id)
            && RunState::from_u8(self.run_state).is_some()
            && self.config.check().is_ok()
            && (self.step >= 1) == started
            && [self.pending_pause, self.cold_start_epoch, self.can_go_back].iter().all(|flag| *flag <= 1)
            && self.padding == [0; 1]
            && self.lost_warmups < LOST_WARMUPS
            && usize::from(self.table) < TABLES
            && usize::from(self.member_count()) <= MAX_CLIENTS
            && usize::from(self.rounds_len) <= STORED_ROUNDS
            && (self.rounds_len != 0) == in_round
            && (self.rounds_len == 0 || u32::from(self.rounds_len) == self.height.saturating_add(1).min(4))
            && (self.checkpoint_epoch == NO_EPOCH
                || is_padded_text::<CHECKPOINT_LOCATION_BYTES>(&self.checkpoint_location))
    }
}

impl EpochTable {
    fn is_sound(&self) -> bool {
        usize::from(self.len) <= MAX_CLIENTS
            && self.padding == 0
            && self.used().all(Slot::is_sound)
            && self.used().filter(|slot| slot.is_owed()).count() >= usize::from(self.unsettled)
    }
}

impl Slot {
    fn is_sound(&self) -> bool {
        self.state <= ClientState::Ejected as u8
            && self.settled <= 1
            && self.carried <= 1
            && self.rounds_trained <= MAX_ROUNDS_TRAINED
            && self.padding == [0; 3]
    }

    fn is_waiting(&self) -> bool {
        self.is(ClientState::Healthy) && self.carried == 1 && self.earned == 0 && self.slashed == 0
    }
}

impl RoundHot {
    fn is_sound(&self, slots: u16) -> bool {
        let live_count = bitmap::count(&self.live);
        !bitmap::exceeds(&self.live, slots)
            && self.live_count == live_count
            && self.witness_pivots.iter().all(|pivot| u16::from(*pivot) < live_count.max(1))
            && self.elected_count <= live_count.min(32)
            && self.batch_size <= u32::from(u16::MAX)
            && u32::from(self.batch_count) == u32::from(live_count).min(self.batch_size)
            && u16::from(self.witnesses_len) <= self.elected_count
            && self.drain <= 1
            && self.padding == [0; 2]
            && self.entries().all(|entry| {
                bitmap::get(&self.live, entry.client_index)
                    && u16::from(entry.position) < self.elected_count
                    && entry.downloaded <= 1
            })
    }
}

impl RoundDetail {
    fn is_sound(&self, round: &RoundHot) -> bool {
        !self.belongs_to(round)
            || self.reports_of(round).all(|report| !bitmap::exceeds(&report.bitmap, round.batch_count))
    }
}

fn is_padded_text<const N: usize>(bytes: &[u8; N]) -> bool {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(N);
    bytes.get(..len).and_then(padded_text::<N>) == Some(*bytes)
}
