//! What a finished round is worth, and what parameters an epoch ends with.

use crate::bitmap::Words;
use crate::state::same_key;
use crate::{EpochTable, LOST_WARMUPS, MAX_ROUNDS_TRAINED, NO_EPOCH, Report, RoundDetail, Run, bitmap};

/// Binary digits of a count of up to 32 witnesses.
const COUNT_BITS: usize = 6;

impl Run {
    /// Credits every trainer whose batch a quorum of the elected witnesses holds; the others missed the round.
    #[inline(never)]
    pub(crate) fn attest_batches(&mut self, table: &mut EpochTable, detail: &RoundDetail) {
        let Some(round) = self.current_round() else { return };
        if round.drain != 0 {
            return;
        }
        let attested = bitmap::from_words(&held_by(detail.reports_of(round), round.quorum()));
        for (batch, slot) in (0..round.batch_count).zip(round.trainers().iter()) {
            let Some(client) = table.slot_mut(slot) else { continue };
            if bitmap::get(&attested, batch) {
                client.rounds_trained = client.rounds_trained.saturating_add(1).min(MAX_ROUNDS_TRAINED);
                client.missed_rounds = 0;
            } else {
                client.missed_rounds = client.missed_rounds.saturating_add(1);
            }
        }
        self.trained_rounds = self.trained_rounds.saturating_add(1);
    }

    /// Adopts the parameter hash that a quorum of the elected witnesses of the last drain round carries; else keeps the old.
    pub(crate) fn agree_parameter_hash(&mut self, detail: &RoundDetail) {
        let Some(round) = self.current_round() else { return };
        let quorum = usize::from(round.quorum());
        let hashes = || detail.reports_of(round).map(|report| report.parameter_hash);
        let agreed =
            hashes().find(|hash| *hash != [0; 32] && hashes().filter(|other| same_key(other, hash)).count() >= quorum);
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
}

/// The batches that at least `quorum` of the reports hold. All 256 are counted at once: digit d of the counts of 64 batches
/// lies in one word, and a report is added as a binary adder would.
fn held_by<'a>(reports: impl Iterator<Item = &'a Report>, quorum: u16) -> Words {
    let mut digits = [[0u64; 4]; COUNT_BITS];
    for report in reports {
        let mut carry = bitmap::words(&report.bitmap);
        for digit in &mut digits {
            for (digit, carry) in digit.iter_mut().zip(&mut carry) {
                let both = *digit & *carry;
                *digit ^= *carry;
                *carry = both;
            }
        }
    }
    let mut more = [0u64; 4];
    let mut equal = [u64::MAX; 4];
    for (place, digit) in digits.iter().enumerate().rev() {
        let wanted = if (quorum >> place) & 1 == 0 { 0 } else { u64::MAX };
        for ((more, equal), digit) in more.iter_mut().zip(&mut equal).zip(digit) {
            *more |= *equal & *digit & !wanted;
            *equal &= !(*digit ^ wanted);
        }
    }
    for (more, equal) in more.iter_mut().zip(equal) {
        *more |= equal;
    }
    more
}
