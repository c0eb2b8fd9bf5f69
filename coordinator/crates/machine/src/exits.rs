//! How a client ceases to be Healthy: it is found dead, or is voted out.

use crate::{ClientState, EpochTable, Error, Run, RunState, bitmap, quorum};

/// Finished rounds in a row that a client must have missed to be dropped.
const UNHEALTHY_ROUNDS: u32 = 2;

impl Run {
    /// Drops each of `targets`, or nobody if one of them is not unhealthy. Unhealthy is who missed the last two finished
    /// rounds: two batches in a row without attestation, or elected twice and silent twice. Returns how many were dropped.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `NotLive`, `SessionExpired`, `TooEarlyForHealthCheck`, `UnknownSlot`,
    /// `InvalidHealthCheck`.
    pub fn health_check(
        &mut self,
        table: &mut EpochTable,
        from: u16,
        targets: &[u16],
        now_ms: u64,
    ) -> Result<u16, Error> {
        self.require_round()?;
        self.require_live(table, from, now_ms)?;
        if self.height < UNHEALTHY_ROUNDS {
            return Err(Error::TooEarlyForHealthCheck);
        }
        if targets.is_empty() {
            return Err(Error::InvalidHealthCheck);
        }
        for target in targets {
            if !self.is_unhealthy(table, *target)? {
                return Err(Error::InvalidHealthCheck);
            }
        }
        let live_before = self.live_count();
        for target in targets {
            self.exit(table, *target, ClientState::Dropped);
        }
        Ok(live_before.saturating_sub(self.live_count()))
    }

    /// Whether a health check would find `slot` unhealthy.
    ///
    /// # Errors
    /// `UnknownSlot`.
    pub fn is_unhealthy(&self, table: &EpochTable, slot: u16) -> Result<bool, Error> {
        let client = table.slot(slot).ok_or(Error::UnknownSlot)?;
        let missed_batches = u32::from(client.missed_rounds) >= UNHEALTHY_ROUNDS;
        Ok(missed_batches || (1..=UNHEALTHY_ROUNDS).all(|age| self.was_silent(slot, age)))
    }

    /// Elected in the round `age` before the current one, and no message of it was accepted.
    fn was_silent(&self, slot: u16, age: u32) -> bool {
        let round = self.height.checked_sub(age).and_then(|height| self.round(height));
        round.is_some_and(|round| {
            !round.entries().any(|entry| entry.client_index == slot) && round.elected_position(slot).is_some()
        })
    }

    /// `from` states that it holds two commitments of `target` for one batch. When a quorum of the Healthy clients has
    /// said so, `target` is ejected, and none of its owner's clients is in the next epoch. Returns whether that happened.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `NotLive`, `SessionExpired`, `UnknownSlot`, `SelfReport`, `AlreadyEjected`,
    /// `DuplicateVote`.
    pub fn report_equivocation(
        &mut self,
        table: &mut EpochTable,
        next: &mut EpochTable,
        from: u16,
        target: u16,
        now_ms: u64,
    ) -> Result<bool, Error> {
        if self.state() != RunState::Cooldown {
            self.require_round()?;
        }
        self.require_live(table, from, now_ms)?;
        let accused = table.slot_mut(target).ok_or(Error::UnknownSlot)?;
        if from == target {
            return Err(Error::SelfReport);
        }
        if accused.is(ClientState::Ejected) {
            return Err(Error::AlreadyEjected);
        }
        if bitmap::get(&accused.equivocation_votes, from) {
            return Err(Error::DuplicateVote);
        }
        bitmap::set(&mut accused.equivocation_votes, from);
        let voters = bitmap::count(&bitmap::both(&accused.equivocation_votes, &self.live));
        if voters < quorum(self.live_count()) {
            return Ok(false);
        }
        let owner = accused.owner;
        self.exit(table, target, ClientState::Ejected);
        // The owner may have no other client and wait for nothing: that is no fault here.
        let _ = self.withdraw_carry(table, next, &owner);
        Ok(true)
    }

    /// Takes a Healthy client out of the epoch. One that is out already keeps the height at which it went, and ejection
    /// outranks how it went.
    pub(crate) fn exit(&mut self, table: &mut EpochTable, slot: u16, state: ClientState) {
        let height = if self.rounds_len == 0 { 0 } else { self.height };
        let Some(client) = table.slot_mut(slot) else { return };
        if client.is(ClientState::Healthy) {
            client.exited_height = height;
            client.state = state as u8;
            bitmap::clear(&mut self.live, slot);
            if client.carried != 0 {
                client.carried = 0;
                self.carried_len = self.carried_len.saturating_sub(1);
            }
        } else if state == ClientState::Ejected {
            client.state = state as u8;
        }
    }

    pub(crate) fn require_round(&self) -> Result<(), Error> {
        match self.state() {
            RunState::RoundTrain | RunState::RoundWitness => Ok(()),
            state if state.halted() => Err(Error::Halted),
            _ => Err(Error::InvalidRunState),
        }
    }

    /// Healthy now and when the round began, and its session goes on.
    pub(crate) fn require_live(&self, table: &EpochTable, slot: u16, now_ms: u64) -> Result<(), Error> {
        let client = table.slot(slot).ok_or(Error::UnknownSlot)?;
        let was_live = self.current_round().is_some_and(|round| bitmap::get(&round.live, slot));
        if !was_live || !client.is(ClientState::Healthy) {
            return Err(Error::NotLive);
        }
        if client.expires_ms <= now_ms { Err(Error::SessionExpired) } else { Ok(()) }
    }
}
