//! What the run's authority decides. Whether the caller is that authority is the host's to check.

use crate::{
    CHECKPOINT_LOCATION_BYTES, ClientState, Config, EpochTable, Error, LAYOUT_VERSION, NO_EPOCH, RUN_ID_BYTES, Run,
    RunState, bitmap,
};

impl Run {
    /// Makes `self`, which must be zeroed memory, a new Uninitialized run; its tables and rounds are zeroed memory too.
    ///
    /// # Errors
    /// `AlreadyStarted` if the memory holds a run, `InvalidRunId`, or the config's first broken rule.
    pub fn create(&mut self, run_id: &[u8], config: &Config, now_ms: u64) -> Result<(), Error> {
        if self.version != 0 {
            return Err(Error::AlreadyStarted);
        }
        let padded = padded_text::<RUN_ID_BYTES>(run_id).ok_or(Error::InvalidRunId)?;
        config.check()?;
        self.version = LAYOUT_VERSION;
        self.run_id = padded;
        self.config = *config;
        self.parameter_hash_epoch = NO_EPOCH;
        self.previous_hash_epoch = NO_EPOCH;
        self.checkpoint_epoch = NO_EPOCH;
        self.enter(RunState::Uninitialized, now_ms);
        Ok(())
    }

    /// Uninitialized -> WaitingForMembers, at step 1.
    ///
    /// # Errors
    /// `AlreadyStarted`.
    pub fn start(&mut self, now_ms: u64) -> Result<(), Error> {
        if self.state() != RunState::Uninitialized {
            return Err(Error::AlreadyStarted);
        }
        self.step = 1;
        self.enter_waiting(now_ms);
        Ok(())
    }

    /// Pauses at once where nothing is in flight; otherwise the epoch drains and ends first, so that every agreed result
    /// is applied. Nobody is carried into the epoch after a pause; those who wait go on waiting.
    ///
    /// # Errors
    /// `Halted`, `AlreadyPausing`.
    pub fn pause(&mut self, table: &mut EpochTable, now_ms: u64) -> Result<(), Error> {
        match self.state() {
            RunState::WaitingForMembers | RunState::Warmup => {
                self.enter_paused(table, now_ms);
                Ok(())
            }
            state if state.halted() => Err(Error::Halted),
            _ if self.pending_pause != 0 => Err(Error::AlreadyPausing),
            _ => {
                self.pending_pause = 1;
                Ok(())
            }
        }
    }

    /// Paused -> WaitingForMembers, or Finished if the steps are done. The next epoch is a cold start.
    ///
    /// # Errors
    /// `CannotResume`.
    pub fn resume(&mut self, now_ms: u64) -> Result<(), Error> {
        if self.state() != RunState::Paused {
            return Err(Error::CannotResume);
        }
        self.enter_waiting(now_ms);
        Ok(())
    }

    /// Replaces the config of a halted run.
    ///
    /// # Errors
    /// `NotHalted`, or the config's first broken rule.
    pub fn update_config(&mut self, config: &Config) -> Result<(), Error> {
        if !self.state().halted() {
            return Err(Error::NotHalted);
        }
        config.check()?;
        self.config = *config;
        Ok(())
    }

    /// Sets the rates that hold from the next epoch on; allowed in every state.
    ///
    /// # Errors
    /// `EarningRateTooHigh`, `SlashingRateTooHigh`.
    pub fn set_future_epoch_rates(&mut self, earning_total_shared: u64, slashing_per_client: u64) -> Result<(), Error> {
        let mut config = self.config;
        config.earning_rate_total_shared = earning_total_shared;
        config.slashing_rate_per_client = slashing_per_client;
        config.check()?;
        self.config = config;
        Ok(())
    }

    /// Records where the parameters with the agreed `hash` are stored.
    ///
    /// # Errors
    /// `InvalidCheckpointLocation`, `WrongCheckpointHash`.
    pub fn checkpoint(&mut self, location: &[u8], hash: &[u8; 32]) -> Result<(), Error> {
        let padded = padded_text::<CHECKPOINT_LOCATION_BYTES>(location).ok_or(Error::InvalidCheckpointLocation)?;
        if *hash != self.parameter_hash || self.parameter_hash_epoch == NO_EPOCH {
            return Err(Error::WrongCheckpointHash);
        }
        self.checkpoint_location = padded;
        self.checkpoint_hash = *hash;
        self.checkpoint_epoch = self.parameter_hash_epoch;
        Ok(())
    }

    pub(crate) fn enter_paused(&mut self, table: &mut EpochTable, now_ms: u64) {
        let live = self.live;
        for slot in bitmap::bits(&live) {
            self.exit(table, slot, ClientState::Withdrawn);
        }
        self.cold_start_epoch = 1;
        self.lost_warmups = 0;
        self.enter(RunState::Paused, now_ms);
    }
}

/// 1 to N bytes of UTF-8 without a zero byte, padded with zeros.
pub(crate) fn padded_text<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut padded = [0; N];
    let valid = !text.is_empty() && !text.contains(&0) && core::str::from_utf8(text).is_ok();
    if !valid {
        return None;
    }
    padded.get_mut(..text.len())?.copy_from_slice(text);
    Some(padded)
}
