//! Time: every transition between run states that is not somebody's explicit wish.

use crate::{EpochTable, Error, RoundDetail, RoundHot, Run, RunState, WitnessHot, bitmap};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TickOutcome {
    Unchanged = 0,
    Moved = 1,
    /// an epoch ended and at least one of its batches was attested; points are in the slots
    EpochSucceeded = 2,
    /// an epoch ended, or never began, without any attested batch
    EpochFailed = 3,
}

/// The one transition that is due, if any. A tick makes at most one, so no state begins and ends in the same tick.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    FormEpoch,
    FailWarmup,
    StartTraining,
    StartWitnessing,
    FinishRound,
    EndEpoch,
}

impl Run {
    /// Makes the transition that is due at `now_ms`. `server_random` must be unpredictable to clients and fresh in every
    /// call; `detail` belongs to the round in progress.
    ///
    /// # Errors
    /// `Halted`, `CorruptState` (another round's detail).
    pub fn tick(
        &mut self,
        table: &mut EpochTable,
        next: &mut EpochTable,
        detail: &mut RoundDetail,
        now_ms: u64,
        server_random: &[u8; 32],
    ) -> Result<TickOutcome, Error> {
        if self.state().halted() {
            return Err(Error::Halted);
        }
        let Some(due) = self.due(now_ms) else {
            return Ok(TickOutcome::Unchanged);
        };
        if self.current_round().is_some_and(|round| !detail.belongs_to(round)) {
            return Err(Error::CorruptState);
        }
        Ok(match due {
            Due::FormEpoch => {
                self.form_epoch(table, next, now_ms);
                TickOutcome::Moved
            }
            Due::FailWarmup => {
                // When too many left early, the others may still have been loading.
                if self.timed_out(now_ms, self.config.warmup_ms) {
                    self.count_lost_warmup();
                    self.drop_unready(table);
                }
                self.enter_waiting(now_ms);
                TickOutcome::EpochFailed
            }
            Due::StartTraining => {
                self.lost_warmups = 0;
                self.drop_unready(table);
                self.start_first_round(now_ms, server_random);
                TickOutcome::Moved
            }
            Due::StartWitnessing => {
                self.draw_following_seed(detail, server_random);
                self.enter(RunState::RoundWitness, now_ms);
                TickOutcome::Moved
            }
            Due::FinishRound => {
                self.finish_round(table, detail, now_ms);
                TickOutcome::Moved
            }
            Due::EndEpoch => self.end_epoch(table, now_ms),
        })
    }

    /// Whether a tick at `now_ms` would change anything.
    #[must_use]
    pub fn is_tick_due(&self, now_ms: u64) -> bool {
        self.due(now_ms).is_some()
    }

    fn due(&self, now_ms: u64) -> Option<Due> {
        match self.state() {
            RunState::Uninitialized | RunState::Finished | RunState::Paused => None,
            RunState::WaitingForMembers => {
                // The next epoch takes the place of an epoch whose points must be out of it.
                let possible = self.has_enough_members() && self.next_unsettled() == 0;
                (possible && self.timed_out(now_ms, self.config.waiting_for_members_extra_ms)).then_some(Due::FormEpoch)
            }
            RunState::Warmup => {
                let ready = bitmap::both(&self.live, &self.warmup_ready);
                let min_clients = self.config.min_clients;
                if self.live_count() < min_clients {
                    return Some(Due::FailWarmup);
                }
                if ready == self.live {
                    return Some(Due::StartTraining);
                }
                let ready_enough = bitmap::count(&ready) >= min_clients;
                let timed_out = self.timed_out(now_ms, self.config.warmup_ms);
                timed_out.then_some(if ready_enough { Due::StartTraining } else { Due::FailWarmup })
            }
            RunState::RoundTrain => {
                let timed_out = self.timed_out(now_ms, self.config.max_round_train_ms);
                let reported = || self.current_round().is_none_or(|round| self.is_heard(round, |_| true));
                (timed_out || reported()).then_some(Due::StartWitnessing)
            }
            RunState::RoundWitness => {
                let timed_out = self.timed_out(now_ms, self.config.round_witness_ms);
                let downloaded =
                    || self.current_round().is_none_or(|round| self.is_heard(round, |entry| entry.downloaded != 0));
                (timed_out || downloaded()).then_some(Due::FinishRound)
            }
            RunState::Cooldown => self.timed_out(now_ms, self.config.cooldown_ms).then_some(Due::EndEpoch),
        }
    }

    /// A quorum of the elected has done it, or everyone who still can. The quorum stays one of those elected: where too many
    /// of them left, the round ends without it, as it would when its time is over, and nobody waits for that.
    fn is_heard(&self, round: &RoundHot, done: impl Fn(&WitnessHot) -> bool) -> bool {
        let mut done_slots = [0; 32];
        let mut open_positions = bitmap::first(round.elected_count);
        for entry in round.entries().filter(|entry| done(entry)) {
            bitmap::set(&mut done_slots, entry.client_index);
            bitmap::clear(&mut open_positions, u16::from(entry.position));
        }
        if bitmap::count(&done_slots) >= round.quorum() {
            return true;
        }
        let waited_for = bitmap::without(&bitmap::both(&round.live, &self.live), &done_slots);
        let gone = bitmap::without(&bitmap::without(&round.live, &self.live), &done_slots);
        if waited_for == [0; 32] {
            return true;
        }
        // Who is elected costs hashes, so only where enough are gone to make the difference: the common case is that the
        // missing ones are here, and still busy.
        bitmap::count(&gone) >= bitmap::count(&open_positions) && !round.is_any_elected(&waited_for, &open_positions)
    }

    /// A first epoch and one after a cold start wait for `init_min_clients`, later ones for `min_clients`.
    pub(crate) fn has_enough_members(&self) -> bool {
        let needed = if self.epoch == 0 || self.cold_start_epoch != 0 {
            self.config.init_min_clients
        } else {
            self.config.min_clients
        };
        self.member_count() >= needed
    }

    fn timed_out(&self, now_ms: u64, duration_ms: u64) -> bool {
        elapsed(self.run_state_started_ms, now_ms, duration_ms)
    }

    pub(crate) fn epoch_timed_out(&self, now_ms: u64) -> bool {
        elapsed(self.epoch_start_ms, now_ms, self.config.epoch_ms)
    }

    pub(crate) fn enter_waiting(&mut self, now_ms: u64) {
        let finished = self.step >= self.config.total_steps;
        self.enter(if finished { RunState::Finished } else { RunState::WaitingForMembers }, now_ms);
    }
}

/// Never true in the instant in which the phase began, so that a duration of zero still lets others act once.
fn elapsed(started_ms: u64, now_ms: u64, duration_ms: u64) -> bool {
    now_ms != started_ms && now_ms >= started_ms.saturating_add(duration_ms)
}
