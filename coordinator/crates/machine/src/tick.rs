//! Time: every transition between run states that is not somebody's explicit wish.

use crate::{Bitmap, Coordinator, Error, Membership, Round, RunState, Witness, bitmap};

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

impl Coordinator {
    /// Makes the transition that is due at `now_ms`. `server_random` must be unpredictable to clients and fresh in every
    /// call; `pending` are those who ask to be in the next epoch, in their order of precedence.
    ///
    /// # Errors
    /// `Halted`.
    pub fn tick(
        &mut self,
        now_ms: u64,
        server_random: &[u8; 32],
        pending: &[Membership],
    ) -> Result<TickOutcome, Error> {
        if self.state().halted() {
            return Err(Error::Halted);
        }
        let admissible = if self.state() == RunState::WaitingForMembers { self.admissible(pending) } else { 0 };
        let Some(due) = self.due(now_ms, admissible) else {
            return Ok(TickOutcome::Unchanged);
        };
        Ok(match due {
            Due::FormEpoch => {
                self.form_epoch(now_ms, pending);
                TickOutcome::Moved
            }
            Due::FailWarmup => {
                // When too many left early, the others may still have been loading.
                if self.timed_out(now_ms, self.config.warmup_ms) {
                    self.count_lost_warmup();
                    self.drop_unready();
                }
                self.enter_waiting(now_ms);
                TickOutcome::EpochFailed
            }
            Due::StartTraining => {
                self.lost_warmups = 0;
                self.drop_unready();
                self.start_first_round(now_ms, server_random);
                TickOutcome::Moved
            }
            Due::StartWitnessing => {
                self.draw_following_seed(server_random);
                self.enter(RunState::RoundWitness, now_ms);
                TickOutcome::Moved
            }
            Due::FinishRound => {
                self.finish_round(now_ms);
                TickOutcome::Moved
            }
            Due::EndEpoch => self.end_epoch(now_ms),
        })
    }

    /// Whether a tick at `now_ms` would change anything, given how many admissible members are pending.
    #[must_use]
    pub fn is_tick_due(&self, now_ms: u64, pending_count: u16) -> bool {
        self.due(now_ms, pending_count).is_some()
    }

    fn due(&self, now_ms: u64, pending_count: u16) -> Option<Due> {
        match self.state() {
            RunState::Uninitialized | RunState::Finished | RunState::Paused => None,
            RunState::WaitingForMembers => {
                let enough = pending_count >= self.clients_needed();
                (enough && self.timed_out(now_ms, self.config.waiting_for_members_extra_ms)).then_some(Due::FormEpoch)
            }
            RunState::Warmup => {
                let healthy = self.healthy();
                let ready = intersection(&healthy, &self.warmup_ready);
                let min_clients = self.config.min_clients;
                if bitmap::count(&healthy) < min_clients {
                    return Some(Due::FailWarmup);
                }
                if ready == healthy {
                    return Some(Due::StartTraining);
                }
                let ready_enough = bitmap::count(&ready) >= min_clients;
                let timed_out = self.timed_out(now_ms, self.config.warmup_ms);
                timed_out.then_some(if ready_enough { Due::StartTraining } else { Due::FailWarmup })
            }
            RunState::RoundTrain => {
                let reported = self.current_round().is_none_or(|round| self.is_heard(round, |_| true));
                let timed_out = self.timed_out(now_ms, self.config.max_round_train_ms);
                (reported || timed_out).then_some(Due::StartWitnessing)
            }
            RunState::RoundWitness => {
                let downloaded =
                    self.current_round().is_none_or(|round| self.is_heard(round, |entry| entry.downloaded != 0));
                let timed_out = self.timed_out(now_ms, self.config.round_witness_ms);
                (downloaded || timed_out).then_some(Due::FinishRound)
            }
            RunState::Cooldown => self.timed_out(now_ms, self.config.cooldown_ms).then_some(Due::EndEpoch),
        }
    }

    /// A quorum of the elected has done it, or everyone who still can. The quorum stays one of those elected: where too many
    /// of them left, the round ends without it, as it would when its time is over, and nobody waits for that.
    fn is_heard(&self, round: &Round, done: impl Fn(&Witness) -> bool) -> bool {
        if round.entries().filter(|entry| done(entry)).count() >= usize::from(round.quorum()) {
            return true;
        }
        let healthy = self.healthy();
        // the common case: the missing ones are here, and still busy
        if round.live_count != 0 && intersection(&healthy, &round.live) == round.live {
            return false;
        }
        let elected = round.elected();
        elected
            .as_slice()
            .iter()
            .filter(|each| bitmap::get(&healthy, each.client_index))
            .all(|each| round.entries().any(|entry| entry.client_index == each.client_index && done(entry)))
    }

    /// A first epoch and one after a cold start wait for `init_min_clients`, later ones for `min_clients`.
    fn clients_needed(&self) -> u16 {
        if self.epoch == 0 || self.cold_start_epoch != 0 {
            self.config.init_min_clients
        } else {
            self.config.min_clients
        }
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

fn intersection(a: &Bitmap, b: &Bitmap) -> Bitmap {
    let mut both = *a;
    for (byte, other) in both.iter_mut().zip(b) {
        *byte &= other;
    }
    both
}
