//! The integer form of a run's `[config]` and its rules.

use crate::{Error, MAX_CLIENTS, MAX_WITNESSES};

pod! {
    /// Times in milliseconds, shares in basis points (1/10,000), points as whole numbers.
    pub struct Config: 104 {
        pub warmup_ms: u64,
        pub cooldown_ms: u64,
        pub max_round_train_ms: u64,
        pub round_witness_ms: u64,
        pub epoch_ms: u64,
        pub waiting_for_members_extra_ms: u64,
        /// tokens over which the batch grows from start to end; 0 = no ramp
        pub global_batch_size_warmup_tokens: u64,
        /// points an epoch, shared among its clients
        pub earning_rate_total_shared: u64,
        /// points an ejected client loses
        pub slashing_rate_per_client: u64,
        /// trained rounds after which an epoch drains; 0 = it ends by time alone
        pub rounds_per_epoch: u32,
        pub total_steps: u32,
        pub max_seq_len: u32,
        pub cold_start_warmup_steps: u32,
        pub init_min_clients: u16,
        pub min_clients: u16,
        /// 0 = everybody up to 32
        pub witness_nodes: u16,
        /// sequences a round
        pub global_batch_size_start: u16,
        pub global_batch_size_end: u16,
        pub result_share_bps: u16,
        pub straggler_grace_bps: u16,
        pub verification_percent: u8,
        pub padding: [u8; 1],
    }
}

/// Times below this fit a JavaScript number, and a sum of two fits u64 with room to spare.
const TIME_LIMIT_MS: u64 = 1 << 53;
const POINTS_LIMIT: u64 = 1 << 63;

impl Config {
    /// The first broken rule, if any.
    ///
    /// # Errors
    /// Errors 100 to 199, one a rule.
    pub fn check(&self) -> Result<(), Error> {
        let mut first = None;
        self.violations(|error| {
            first.get_or_insert(error);
        });
        first.map_or(Ok(()), Err)
    }

    /// Calls `report` once for every broken rule. Cross-rules are only judged where their parts are sound.
    pub fn violations(&self, mut report: impl FnMut(Error)) {
        let mut refuse_if = |broken: bool, error: Error| {
            if broken {
                report(error);
            }
        };
        refuse_if(self.epoch_ms == 0, Error::EpochTooShort);
        refuse_if(self.warmup_ms >= self.epoch_ms, Error::WarmupTooLong);
        refuse_if(self.cooldown_ms == 0, Error::CooldownTooShort);
        refuse_if(self.max_round_train_ms == 0, Error::RoundTrainTooShort);
        refuse_if(self.max_round_train_ms >= self.epoch_ms, Error::RoundTrainTooLong);
        refuse_if(self.round_witness_ms == 0, Error::RoundWitnessTooShort);
        refuse_if(self.waiting_for_members_extra_ms == 0, Error::WaitingExtraTooShort);
        let longest = [
            self.warmup_ms,
            self.cooldown_ms,
            self.max_round_train_ms,
            self.round_witness_ms,
            self.epoch_ms,
            self.waiting_for_members_extra_ms,
        ];
        refuse_if(longest.iter().any(|time| *time >= TIME_LIMIT_MS), Error::TimeTooLong);
        refuse_if(self.total_steps == 0, Error::NoTotalSteps);
        refuse_if(self.min_clients == 0, Error::NoMinClients);
        refuse_if(self.init_min_clients < self.min_clients, Error::InitMinClientsTooFew);
        refuse_if(usize::from(self.init_min_clients) > MAX_CLIENTS, Error::InitMinClientsTooMany);
        refuse_if(self.witness_nodes > self.min_clients, Error::MoreWitnessesThanClients);
        refuse_if(usize::from(self.witness_nodes) > MAX_WITNESSES, Error::TooManyWitnesses);
        refuse_if(self.global_batch_size_start == 0, Error::NoBatchSize);
        refuse_if(self.global_batch_size_end < self.global_batch_size_start, Error::BatchSizeShrinks);
        refuse_if(self.max_seq_len == 0, Error::NoSequenceLength);
        refuse_if(self.verification_percent > 100, Error::VerificationPercentTooHigh);
        refuse_if((1..=100).contains(&self.verification_percent), Error::VerificationUnsupported);
        refuse_if(!(1..=10_000).contains(&self.result_share_bps), Error::ResultShareOutOfRange);
        refuse_if(self.earning_rate_total_shared >= POINTS_LIMIT, Error::EarningRateTooHigh);
        refuse_if(self.slashing_rate_per_client >= POINTS_LIMIT, Error::SlashingRateTooHigh);
        refuse_if(self.padding != [0], Error::PaddingNotZero);
        let rounds_in_epoch = self
            .epoch_ms
            .checked_sub(self.warmup_ms)
            .and_then(|training_ms| training_ms.checked_div(self.max_round_train_ms));
        refuse_if(
            rounds_in_epoch.is_some_and(|rounds| u64::from(self.cold_start_warmup_steps) > rounds),
            Error::ColdStartTooLong,
        );
    }

    /// Sequences in the round that begins at `data_index` (in sequences): a linear ramp over tokens seen, rounded half up.
    #[must_use]
    pub fn batch_size_at(&self, data_index: u64) -> u16 {
        if self.global_batch_size_warmup_tokens == 0 {
            return self.global_batch_size_end;
        }
        let (start, end) = (u128::from(self.global_batch_size_start), u128::from(self.global_batch_size_end));
        let warmup = u128::from(self.global_batch_size_warmup_tokens);
        let tokens = u128::from(data_index).saturating_mul(u128::from(self.max_seq_len));
        if tokens >= warmup {
            return self.global_batch_size_end;
        }
        let grown = end
            .saturating_sub(start)
            .saturating_mul(tokens)
            .saturating_add(warmup >> 1)
            .checked_div(warmup)
            .unwrap_or(0);
        u16::try_from(start.saturating_add(grown)).unwrap_or(self.global_batch_size_end)
    }
}
