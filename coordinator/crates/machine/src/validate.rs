//! Whether bytes from elsewhere can be a run's state.

use crate::admin::padded_text;
use crate::{
    CHECKPOINT_LOCATION_BYTES, ClientState, Coordinator, EJECTED_OWNERS, Error, LAYOUT_VERSION, LOST_WARMUPS,
    MAX_CLIENTS, NO_EPOCH, RUN_ID_BYTES, Round, RunState, STORED_ROUNDS, bitmap,
};

impl Coordinator {
    /// Checks every count, index and enum, so that whoever reads the state needs no check of its own. It does not prove that
    /// the state was reached honestly: that is the business of whoever vouches for the bytes.
    ///
    /// # Errors
    /// `WrongStateVersion`, `CorruptState`.
    pub fn validate(&self) -> Result<(), Error> {
        if self.version != LAYOUT_VERSION {
            return Err(Error::WrongStateVersion);
        }
        let sound = self.header_is_sound() && self.clients_are_sound() && self.rounds_are_sound();
        if sound { Ok(()) } else { Err(Error::CorruptState) }
    }

    fn header_is_sound(&self) -> bool {
        let in_round = matches!(self.state(), RunState::RoundTrain | RunState::RoundWitness | RunState::Cooldown);
        let started = self.state() != RunState::Uninitialized;
        is_padded_text::<RUN_ID_BYTES>(&self.run_id)
            && RunState::from_u8(self.run_state).is_some()
            && self.config.check().is_ok()
            && (self.step >= 1) == started
            && [self.pending_pause, self.cold_start_epoch, self.can_go_back].iter().all(|flag| *flag <= 1)
            && self.padding == [0; 6]
            && self.lost_warmups < LOST_WARMUPS
            && usize::from(self.ejected_len) <= EJECTED_OWNERS
            && usize::from(self.ejected_next) < EJECTED_OWNERS
            && usize::from(self.clients_len) <= MAX_CLIENTS
            && usize::from(self.rounds_len) <= STORED_ROUNDS
            && (self.rounds_len != 0) == in_round
            && (self.rounds_len == 0 || u32::from(self.rounds_len) == self.height.saturating_add(1).min(4))
            && (self.checkpoint_epoch == NO_EPOCH
                || is_padded_text::<CHECKPOINT_LOCATION_BYTES>(&self.checkpoint_location))
            && !bitmap::exceeds(&self.warmup_ready, self.clients_len)
    }

    fn clients_are_sound(&self) -> bool {
        self.clients
            .iter()
            .take(usize::from(self.clients_len))
            .all(|client| client.state <= ClientState::Ejected as u8 && client.padding == [0; 5])
    }

    fn rounds_are_sound(&self) -> bool {
        (0..u32::from(self.rounds_len)).all(|age| {
            let height = self.height.saturating_sub(age);
            self.round(height).is_some_and(|round| round.height == height && self.round_is_sound(round))
        })
    }

    fn round_is_sound(&self, round: &Round) -> bool {
        let live_count = bitmap::count(&round.live);
        !bitmap::exceeds(&round.live, self.clients_len)
            && round.live_count == live_count
            && round.elected_count <= live_count.min(32)
            && round.batch_size <= u32::from(u16::MAX)
            && u32::from(round.batch_count) == u32::from(live_count).min(round.batch_size)
            && u16::from(round.witnesses_len) <= round.elected_count
            && round.drain <= 1
            && round.entries().all(|entry| {
                bitmap::get(&round.live, entry.client_index)
                    && u16::from(entry.position) < round.elected_count
                    && entry.downloaded <= 1
                    && !bitmap::exceeds(&entry.bitmap, round.batch_count)
            })
    }
}

fn is_padded_text<const N: usize>(bytes: &[u8; N]) -> bool {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(N);
    bytes.get(..len).and_then(padded_text::<N>) == Some(*bytes)
}
