//! All pieces of a run in one, for hosts that hold them together: wasm, and with it the TCP server and the clients.

use crate::state::{STORED_ROUNDS, TABLES, ring_index};
use crate::{EpochTable, Error, Membership, RoundDetail, Run, Settled, TickOutcome, WitnessMessage};

pod! {
    pub struct State: 121_272 {
        pub run: Run,
        pub tables: [EpochTable; TABLES],
        /// the round of height h lies at h % 4
        pub rounds: [RoundDetail; STORED_ROUNDS],
    }
}

/// The pieces as the calls of [`Run`] take them.
pub struct Pieces<'a> {
    pub run: &'a mut Run,
    /// the current table
    pub table: &'a mut EpochTable,
    /// the other one
    pub next: &'a mut EpochTable,
    /// of the round in progress
    pub round: &'a mut RoundDetail,
}

impl State {
    /// The current table.
    #[must_use]
    pub const fn table(&self) -> &EpochTable {
        let [first, second] = &self.tables;
        if self.run.table == 0 { first } else { second }
    }

    /// The other table.
    #[must_use]
    pub const fn next(&self) -> &EpochTable {
        let [first, second] = &self.tables;
        if self.run.table == 0 { second } else { first }
    }

    /// The reports of the round in progress, or in Cooldown of the last one.
    #[must_use]
    pub fn round(&self) -> &RoundDetail {
        let [first, second, third, fourth] = &self.rounds;
        match ring_index(self.run.height) {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }

    pub fn pieces(&mut self) -> Pieces<'_> {
        let [first, second] = &mut self.tables;
        let (table, next) = if self.run.table == 0 { (first, second) } else { (second, first) };
        let [zero, one, two, three] = &mut self.rounds;
        let round = match ring_index(self.run.height) {
            0 => zero,
            1 => one,
            2 => two,
            _ => three,
        };
        Pieces { run: &mut self.run, table, next, round }
    }

    /// # Errors
    /// As [`Run::tick`].
    pub fn tick(&mut self, now_ms: u64, server_random: &[u8; 32]) -> Result<TickOutcome, Error> {
        let Pieces { run, table, next, round } = self.pieces();
        run.tick(table, next, round, now_ms, server_random)
    }

    /// # Errors
    /// As [`Run::pause`].
    pub fn pause(&mut self, now_ms: u64) -> Result<(), Error> {
        let Pieces { run, table, .. } = self.pieces();
        run.pause(table, now_ms)
    }

    /// # Errors
    /// As [`Run::join`].
    pub fn join(&mut self, member: &Membership, now_ms: u64) -> Result<bool, Error> {
        let Pieces { run, table, next, .. } = self.pieces();
        run.join(table, next, member, now_ms)
    }

    /// # Errors
    /// As [`Run::leave`].
    pub fn leave(&mut self, session: &[u8; 32]) -> Result<(), Error> {
        let Pieces { run, table, next, .. } = self.pieces();
        run.leave(table, next, session)
    }

    /// # Errors
    /// As [`Run::withdraw_carry`].
    pub fn withdraw_carry(&mut self, owner: &[u8; 32]) -> Result<(), Error> {
        let Pieces { run, table, next, .. } = self.pieces();
        run.withdraw_carry(table, next, owner)
    }

    /// # Errors
    /// As [`Run::warmup_witness`].
    pub fn warmup_witness(&mut self, slot: u16, now_ms: u64) -> Result<bool, Error> {
        let Pieces { run, table, .. } = self.pieces();
        run.warmup_witness(table, slot, now_ms)
    }

    /// # Errors
    /// As [`Run::witness`].
    pub fn witness(&mut self, slot: u16, message: &WitnessMessage, now_ms: u64) -> Result<(), Error> {
        let Pieces { run, table, round, .. } = self.pieces();
        run.witness(table, round, slot, message, now_ms)
    }

    /// # Errors
    /// As [`Run::downloaded`].
    pub fn downloaded(&mut self, slot: u16, step: u32, lists_held: u32, now_ms: u64) -> Result<(), Error> {
        let Pieces { run, table, .. } = self.pieces();
        run.downloaded(table, slot, step, lists_held, now_ms)
    }

    /// # Errors
    /// As [`Run::health_check`].
    pub fn health_check(&mut self, from: u16, targets: &[u16], now_ms: u64) -> Result<u16, Error> {
        let Pieces { run, table, .. } = self.pieces();
        run.health_check(table, from, targets, now_ms)
    }

    /// # Errors
    /// As [`Run::is_unhealthy`].
    pub fn is_unhealthy(&self, slot: u16) -> Result<bool, Error> {
        self.run.is_unhealthy(self.table(), slot)
    }

    /// # Errors
    /// As [`Run::report_equivocation`].
    pub fn report_equivocation(&mut self, from: u16, target: u16, now_ms: u64) -> Result<bool, Error> {
        let Pieces { run, table, next, .. } = self.pieces();
        run.report_equivocation(table, next, from, target, now_ms)
    }

    /// # Errors
    /// As [`Run::settle`].
    pub fn settle(&mut self, table: u8, slot: u16) -> Result<Settled, Error> {
        let piece = self.tables.get_mut(usize::from(table)).ok_or(Error::UnknownTable)?;
        self.run.settle(table, piece, slot)
    }

    /// Settles every slot that can be settled now. Returns how many.
    pub fn settle_all(&mut self) -> u16 {
        let mut settled: u16 = 0;
        for table in 0..TABLES as u8 {
            for slot in 0..MAX_SLOT {
                settled = settled.saturating_add(u16::from(self.settle(table, slot).is_ok()));
            }
        }
        settled
    }
}

const MAX_SLOT: u16 = crate::MAX_CLIENTS as u16;
