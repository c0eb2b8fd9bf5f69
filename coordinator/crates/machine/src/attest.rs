//! What a finished round and a finished epoch are worth.

use crate::{ClientState, Coordinator, LOST_WARMUPS, NO_EPOCH, bitmap};

impl Coordinator {
    /// Credits every trainer whose batch a quorum of the elected witnesses holds; the others missed the round.
    pub(crate) fn attest_batches(&mut self) {
        let Some(round) = self.current_round() else { return };
        if round.drain != 0 {
            return;
        }
        let trainers = round.trainers();
        let batch_count = round.batch_count;
        let quorum = usize::from(round.quorum());
        let mut attested = [0u8; 32];
        for batch in 0..batch_count {
            if round.entries().filter(|entry| bitmap::get(&entry.bitmap, batch)).count() >= quorum {
                bitmap::set(&mut attested, batch);
            }
        }
        for (batch, slot) in (0..batch_count).zip(trainers.iter()) {
            let Some(client) = self.client_mut(slot) else { continue };
            if bitmap::get(&attested, batch) {
                client.rounds_trained = client.rounds_trained.saturating_add(1);
                client.missed_rounds = 0;
            } else {
                client.missed_rounds = client.missed_rounds.saturating_add(1);
            }
        }
        self.trained_rounds = self.trained_rounds.saturating_add(1);
    }

    /// Adopts the parameter hash that a quorum of the elected witnesses of the last drain round carries; else keeps the old.
    pub(crate) fn agree_parameter_hash(&mut self) {
        let Some(round) = self.current_round() else { return };
        let quorum = usize::from(round.quorum());
        let agreed = round.entries().map(|entry| entry.parameter_hash).find(|hash| {
            *hash != [0; 32] && round.entries().filter(|entry| entry.parameter_hash == *hash).count() >= quorum
        });
        if let Some(hash) = agreed {
            if hash != self.parameter_hash {
                self.previous_hash = self.parameter_hash;
                self.previous_hash_epoch = self.parameter_hash_epoch;
                self.can_go_back = 1;
            }
            self.parameter_hash = hash;
            self.parameter_hash_epoch = self.epoch;
        }
    }

    /// A warm-up timed out. Who holds the agreed parameters is ready at once, so when nobody was ready, several times in a
    /// row, they are lost: those agreed before them take their place, or, where there were none, the run's own start. Steps
    /// go on. It goes back once only until an epoch agrees again: a warm-up that is too short for the model must not undo
    /// the run epoch by epoch.
    pub(crate) fn count_lost_warmup(&mut self) {
        if self.warmup_ready != [0; 32] || self.can_go_back == 0 {
            self.lost_warmups = 0;
            return;
        }
        self.lost_warmups = self.lost_warmups.saturating_add(1);
        if self.lost_warmups >= LOST_WARMUPS {
            self.parameter_hash = self.previous_hash;
            self.parameter_hash_epoch = self.previous_hash_epoch;
            self.previous_hash = [0; 32];
            self.previous_hash_epoch = NO_EPOCH;
            self.can_go_back = 0;
            self.lost_warmups = 0;
        }
    }

    /// Shares the epoch's points by rounds trained; ejected clients are slashed and their rounds do not count. What the
    /// division leaves over carries to the next epoch; an epoch that nobody trained pays nothing. Returns whether it paid.
    pub(crate) fn settle_points(&mut self) -> bool {
        let slashing_rate = self.epoch_slashing_rate;
        let clients = self.clients.iter_mut().take(usize::from(self.clients_len));
        let mut total_rounds: u64 = 0;
        for client in clients {
            if client.is(ClientState::Ejected) {
                client.slashed = client.slashed.saturating_add(slashing_rate);
            } else {
                total_rounds = total_rounds.saturating_add(u64::from(client.rounds_trained));
            }
        }
        if total_rounds == 0 {
            return false;
        }
        let pool = self.epoch_earning_rate.saturating_add(self.points_carry);
        let mut paid: u64 = 0;
        for client in self.clients.iter_mut().take(usize::from(self.clients_len)) {
            if client.is(ClientState::Ejected) {
                continue;
            }
            let share = u128::from(pool)
                .saturating_mul(u128::from(client.rounds_trained))
                .checked_div(u128::from(total_rounds))
                .and_then(|share| u64::try_from(share).ok())
                .unwrap_or(0);
            client.earned = client.earned.saturating_add(share);
            paid = paid.saturating_add(share);
        }
        self.points_carry = pool.saturating_sub(paid);
        true
    }
}
