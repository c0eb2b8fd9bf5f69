//! What clients report: ready in Warmup, what they hold after training, that the agreed results are downloaded.

use crate::{ClientState, Coordinator, Error, RunState, Witness, bitmap, sha256};

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

impl Coordinator {
    /// `slot` is ready to train. Saying so twice, or after Warmup has ended early, changes nothing.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `UnknownSlot`, `NotLive`.
    pub fn warmup_witness(&mut self, slot: u16) -> Result<(), Error> {
        match self.state() {
            RunState::Warmup => {}
            RunState::RoundTrain => return Ok(()),
            state if state.halted() => return Err(Error::Halted),
            _ => return Err(Error::InvalidRunState),
        }
        if !self.client(slot).ok_or(Error::UnknownSlot)?.is(ClientState::Healthy) {
            return Err(Error::NotLive);
        }
        bitmap::set(&mut self.warmup_ready, slot);
        Ok(())
    }

    /// Accepts the witness message of `slot` for the round in progress. The phase does not change here: when a quorum has
    /// reported, `is_tick_due` becomes true, and the tick brings the randomness that the reveals could not foresee.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `WrongStep`, `UnknownSlot`, `NotLive`, `NotElected`, `DuplicateWitness`, `BitmapTooLong`,
    /// `UnexpectedParameterHash`, `WrongReveal`.
    pub fn witness(&mut self, slot: u16, message: &WitnessMessage) -> Result<(), Error> {
        self.require_round()?;
        if message.step != self.step {
            return Err(Error::WrongStep);
        }
        self.require_live(slot)?;
        let round = self.current_round().ok_or(Error::CorruptState)?;
        let position = round.elected_position(slot).ok_or(Error::NotElected)?;
        if round.entries().any(|entry| entry.client_index == slot) {
            return Err(Error::DuplicateWitness);
        }
        if bitmap::exceeds(&message.bitmap, round.batch_count) {
            return Err(Error::BitmapTooLong);
        }
        if message.parameter_hash != [0; 32] && !self.is_last_drain_round() {
            return Err(Error::UnexpectedParameterHash);
        }
        let client = self.client_mut(slot).ok_or(Error::UnknownSlot)?;
        if sha256(&[&message.reveal]) != client.chain_head {
            return Err(Error::WrongReveal);
        }
        client.chain_head = message.reveal;
        let round = self.current_round_mut().ok_or(Error::CorruptState)?;
        let entry = round.witnesses.get_mut(usize::from(round.witnesses_len)).ok_or(Error::CorruptState)?;
        *entry = Witness {
            bitmap: message.bitmap,
            list_root: message.list_root,
            reveal: message.reveal,
            parameter_hash: message.parameter_hash,
            lists_held: 0,
            client_index: slot,
            position,
            downloaded: 0,
        };
        round.witnesses_len = round.witnesses_len.saturating_add(1);
        Ok(())
    }

    /// `slot` holds the lists at the positions in `lists_held` and every result on which they agree.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState` (only in RoundWitness), `WrongStep`, `UnknownSlot`, `NotLive`, `NoWitnessEntry`,
    /// `DuplicateDownloaded`, `ListsNotEntered`.
    pub fn downloaded(&mut self, slot: u16, step: u32, lists_held: u32) -> Result<(), Error> {
        self.require_round()?;
        if self.state() != RunState::RoundWitness {
            return Err(Error::InvalidRunState);
        }
        if step != self.step {
            return Err(Error::WrongStep);
        }
        self.require_live(slot)?;
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
