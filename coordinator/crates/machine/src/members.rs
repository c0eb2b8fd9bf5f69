//! How a client ceases to be Healthy: it leaves, is found dead, or is voted out.

use crate::{ClientState, Coordinator, EJECTED_OWNERS, Error, RunState, bitmap, quorum};

/// Finished rounds in a row that a client must have missed to be dropped.
const UNHEALTHY_ROUNDS: u32 = 2;

impl Coordinator {
    /// `slot` leaves; it keeps the share of the rounds it trained.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState` (while waiting for members the caller's pending list decides), `UnknownSlot`, `InvalidLeave`.
    pub fn leave(&mut self, slot: u16) -> Result<(), Error> {
        self.require_epoch()?;
        let client = self.client(slot).ok_or(Error::UnknownSlot)?;
        if !client.is(ClientState::Healthy) {
            return Err(Error::InvalidLeave);
        }
        self.exit(slot, ClientState::Withdrawn);
        Ok(())
    }

    /// Drops each of `targets`, or nobody if one of them is not unhealthy. Unhealthy is who missed the last two finished
    /// rounds: two batches in a row without attestation, or elected twice and silent twice. Returns how many were dropped.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `NotLive`, `TooEarlyForHealthCheck`, `UnknownSlot`, `InvalidHealthCheck`.
    pub fn health_check(&mut self, from: u16, targets: &[u16]) -> Result<u16, Error> {
        self.require_round()?;
        self.require_live(from)?;
        if self.height < UNHEALTHY_ROUNDS {
            return Err(Error::TooEarlyForHealthCheck);
        }
        if targets.is_empty() {
            return Err(Error::InvalidHealthCheck);
        }
        for target in targets {
            if !self.is_unhealthy(*target)? {
                return Err(Error::InvalidHealthCheck);
            }
        }
        let healthy_before = self.healthy_count();
        for target in targets {
            self.exit(*target, ClientState::Dropped);
        }
        Ok(healthy_before.saturating_sub(self.healthy_count()))
    }

    /// Whether a health check would find `slot` unhealthy.
    ///
    /// # Errors
    /// `UnknownSlot`.
    pub fn is_unhealthy(&self, slot: u16) -> Result<bool, Error> {
        let client = self.client(slot).ok_or(Error::UnknownSlot)?;
        let missed_batches = u32::from(client.missed_rounds) >= UNHEALTHY_ROUNDS;
        Ok(missed_batches || (1..=UNHEALTHY_ROUNDS).all(|age| self.was_silent(slot, age)))
    }

    /// Elected in the round `age` before the current one, and no message of it was accepted.
    fn was_silent(&self, slot: u16, age: u32) -> bool {
        let round = self.height.checked_sub(age).and_then(|height| self.round(height));
        round.is_some_and(|round| {
            round.elected_position(slot).is_some() && !round.entries().any(|entry| entry.client_index == slot)
        })
    }

    /// `from` states that it holds two commitments of `target` for one batch. When a quorum of the Healthy clients has
    /// said so, `target` is ejected, and its owner barred. Returns whether that happened.
    ///
    /// # Errors
    /// `Halted`, `InvalidRunState`, `NotLive`, `UnknownSlot`, `SelfReport`, `AlreadyEjected`, `DuplicateVote`.
    pub fn report_equivocation(&mut self, from: u16, target: u16) -> Result<bool, Error> {
        if self.state() != RunState::Cooldown {
            self.require_round()?;
        }
        self.require_live(from)?;
        let accused = self.client(target).ok_or(Error::UnknownSlot)?;
        if from == target {
            return Err(Error::SelfReport);
        }
        if accused.is(ClientState::Ejected) {
            return Err(Error::AlreadyEjected);
        }
        let owner = accused.owner;
        let votes = self.equivocation_votes.get_mut(usize::from(target)).ok_or(Error::UnknownSlot)?;
        if bitmap::get(votes, from) {
            return Err(Error::DuplicateVote);
        }
        bitmap::set(votes, from);
        let votes = *votes;
        let healthy = self.healthy();
        let voters = bitmap::bits(&votes).filter(|voter| bitmap::get(&healthy, *voter)).count();
        if voters < usize::from(quorum(bitmap::count(&healthy))) {
            return Ok(false);
        }
        self.exit(target, ClientState::Ejected);
        self.bar_owner(owner);
        Ok(true)
    }

    fn bar_owner(&mut self, owner: [u8; 32]) {
        if let Some(place) = self.ejected_owners.get_mut(usize::from(self.ejected_next)) {
            *place = owner;
        }
        self.ejected_len = self.ejected_len.saturating_add(1).min(EJECTED_OWNERS as u8);
        let next = self.ejected_next.saturating_add(1);
        self.ejected_next = if usize::from(next) < EJECTED_OWNERS { next } else { 0 };
    }

    /// Takes a Healthy client out of the epoch. One that is out already keeps the height at which it went, and ejection
    /// outranks how it went.
    pub(crate) fn exit(&mut self, slot: u16, state: ClientState) {
        let height = if self.rounds_len == 0 { 0 } else { self.height };
        let Some(client) = self.client_mut(slot) else { return };
        if client.is(ClientState::Healthy) {
            client.exited_height = height;
            client.state = state as u8;
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

    fn require_epoch(&self) -> Result<(), Error> {
        match self.state() {
            RunState::Warmup | RunState::Cooldown => Ok(()),
            _ => self.require_round(),
        }
    }

    /// Healthy now and when the round began.
    pub(crate) fn require_live(&self, slot: u16) -> Result<(), Error> {
        let client = self.client(slot).ok_or(Error::UnknownSlot)?;
        let was_live = self.current_round().is_some_and(|round| bitmap::get(&round.live, slot));
        if was_live && client.is(ClientState::Healthy) { Ok(()) } else { Err(Error::NotLive) }
    }
}
