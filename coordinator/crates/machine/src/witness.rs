//! What clients report: ready in Warmup, what they hold after training, that the agreed results are downloaded.

use crate::{ClientState, EpochTable, Error, Pod as _, Report, RoundDetail, Run, RunState, WitnessHot, bitmap, sha256};

pod! {
    pub struct WitnessMessage: 132 {
        pub bitmap: [u8; 32],
        pub list_root: [u8; 32],
        pub reveal: [u8; 32],
        /// zero but in the last drain round of an epoch
        pub parameter_hash: [u8; 32],
        pub step: u32,
    }
}

impl Run {
    /// `slot` is ready to train. Saying so twice, or after Warmup has ended early, changes nothing. Returns whether anything
    /// changed.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `UnknownSlot`, `NotLive`, `SessionExpired`.
    pub fn warmup_witness(&mut self, table: &EpochTable, slot: u16, now_ms: u64) -> Result<bool, Error> {
        match self.state() {
            RunState::Warmup => {}
            RunState::RoundTrain => return Ok(false),
            state if state.halted() => return Err(Error::Halted),
            _ => return Err(Error::InvalidRunState),
        }
        let client = table.slot(slot).ok_or(Error::UnknownSlot)?;
        if !client.is(ClientState::Healthy) {
            return Err(Error::NotLive);
        }
        if client.expires_ms <= now_ms {
            return Err(Error::SessionExpired);
        }
        let changed = !bitmap::get(&self.warmup_ready, slot);
        bitmap::set(&mut self.warmup_ready, slot);
        Ok(changed)
    }

    /// Accepts the witness message of `slot` for the round in progress. The phase does not change here: when a quorum has
    /// reported, `is_tick_due` becomes true, and the tick brings the randomness that the reveals could not foresee.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `WrongStep`, `UnknownSlot`, `NotLive`, `SessionExpired`, `NotElected`,
    /// `DuplicateWitness`, `BitmapTooLong`, `UnexpectedParameterHash`, `WrongReveal`.
    pub fn witness(
        &mut self,
        table: &mut EpochTable,
        detail: &mut RoundDetail,
        slot: u16,
        message: &WitnessMessage,
        now_ms: u64,
    ) -> Result<(), Error> {
        self.require_round()?;
        if message.step != self.step {
            return Err(Error::WrongStep);
        }
        self.require_live(table, slot, now_ms)?;
        let last_drain_round = self.is_last_drain_round();
        let round = self.current_round_mut().ok_or(Error::CorruptState)?;
        if round.entries().any(|entry| entry.client_index == slot) {
            return Err(Error::DuplicateWitness);
        }
        let position = round.elected_position(slot).ok_or(Error::NotElected)?;
        if bitmap::exceeds(&message.bitmap, round.batch_count) {
            return Err(Error::BitmapTooLong);
        }
        if message.parameter_hash != [0; 32] && !last_drain_round {
            return Err(Error::UnexpectedParameterHash);
        }
        if !detail.belongs_to(round) {
            return Err(Error::CorruptState);
        }
        let client = table.slot_mut(slot).ok_or(Error::UnknownSlot)?;
        if sha256(&[&message.reveal]) != client.chain_head {
            return Err(Error::WrongReveal);
        }
        let index = usize::from(round.witnesses_len);
        let entry = round.witnesses.get_mut(index).ok_or(Error::CorruptState)?;
        if index == 0 {
            detail.begin(round.height, round.step);
        }
        let report = detail.reports.get_mut(index).ok_or(Error::CorruptState)?;
        client.chain_head = message.reveal;
        *entry =
            WitnessHot { list_root: message.list_root, lists_held: 0, client_index: slot, position, downloaded: 0 };
        *report = Report { bitmap: message.bitmap, reveal: message.reveal, parameter_hash: message.parameter_hash };
        round.witnesses_len = round.witnesses_len.saturating_add(1);
        Ok(())
    }

    /// `slot` holds the lists at the positions in `lists_held` and every result on which they agree.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState` (only in RoundWitness), `WrongStep`, `UnknownSlot`, `NotLive`, `SessionExpired`,
    /// `NoWitnessEntry`, `DuplicateDownloaded`, `ListsNotEntered`.
    pub fn downloaded(
        &mut self,
        table: &EpochTable,
        slot: u16,
        step: u32,
        lists_held: u32,
        now_ms: u64,
    ) -> Result<(), Error> {
        self.require_round()?;
        if self.state() != RunState::RoundWitness {
            return Err(Error::InvalidRunState);
        }
        if step != self.step {
            return Err(Error::WrongStep);
        }
        self.require_live(table, slot, now_ms)?;
        let round = self.current_round_mut().ok_or(Error::CorruptState)?;
        let len = usize::from(round.witnesses_len);
        let entered = round.entries().fold(0u32, |mask, entry| mask | 1u32.wrapping_shl(u32::from(entry.position)));
        let entry = round
            .witnesses
            .iter_mut()
            .take(len)
            .find(|entry| entry.client_index == slot)
            .ok_or(Error::NoWitnessEntry)?;
        if entry.downloaded != 0 {
            return Err(Error::DuplicateDownloaded);
        }
        if lists_held & !entered != 0 {
            return Err(Error::ListsNotEntered);
        }
        entry.lists_held = lists_held;
        entry.downloaded = 1;
        Ok(())
    }
}

impl RoundDetail {
    /// Empties what an earlier round left here.
    fn begin(&mut self, height: u32, step: u32) {
        self.height = height;
        self.step = step;
        for report in &mut self.reports {
            *report = Report::ZERO;
        }
    }
}
