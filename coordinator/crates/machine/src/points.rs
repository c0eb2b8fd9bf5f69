//! Points: shared at the end of an epoch, kept in its slots, and taken over from there by the owners' accounts.

use crate::{ClientState, EpochTable, Error, Run};

/// `rounds_trained` stops here, so that 256 slots of so many rounds times one of them fit u64.
pub const MAX_ROUNDS_TRAINED: u32 = (1 << 28) - 1;

pod! {
    /// What an owner's account takes over from a slot.
    pub struct Settled: 24 {
        pub earned: u64,
        pub slashed: u64,
        pub ejected: u8,
        pub padding: [u8; 7],
    }
}

impl Run {
    /// Shares the epoch's points by rounds trained; ejected clients are slashed and their rounds do not count. What the
    /// division leaves over carries to the next epoch; an epoch that nobody trained pays nothing. Returns whether it paid.
    pub(crate) fn share_points(&mut self, table: &mut EpochTable) -> bool {
        let slashing_rate = self.epoch_slashing_rate;
        let mut total_rounds: u64 = 0;
        for slot in table.used_mut() {
            if slot.is(ClientState::Ejected) {
                slot.slashed = slashing_rate;
            } else {
                total_rounds = total_rounds.saturating_add(u64::from(slot.rounds_trained));
            }
        }
        let pool = self.epoch_earning_rate.saturating_add(self.points_carry);
        // pool * rounds / total in u64: a whole part and the share of the remainder.
        let shares = pool.checked_div(total_rounds).zip(pool.checked_rem(total_rounds));
        let mut paid: u64 = 0;
        let mut unsettled: u16 = 0;
        for slot in table.used_mut() {
            if let Some((whole, rest)) = shares.filter(|_| !slot.is(ClientState::Ejected)) {
                let rounds = u64::from(slot.rounds_trained);
                let part = rest.saturating_mul(rounds).checked_div(total_rounds).unwrap_or(0);
                slot.earned = whole.saturating_mul(rounds).saturating_add(part);
                paid = paid.saturating_add(slot.earned);
            }
            unsettled = unsettled.saturating_add(u16::from(slot.is_owed()));
        }
        self.set_unsettled(self.table, table, unsettled);
        if shares.is_none() {
            return false;
        }
        self.points_carry = pool.saturating_sub(paid);
        true
    }

    /// Takes the points and the ejection of a slot out of `table`, which has that `index`, once its epoch is over. The caller
    /// adds them to the owner's account. When nothing is left in it, the table can take the next epoch's members.
    ///
    /// # Errors
    /// `UnknownTable`, `NotSettleable` (the epoch goes on), `UnknownSlot`, `AlreadySettled`, `NothingToSettle`.
    pub fn settle(&mut self, index: u8, table: &mut EpochTable, slot: u16) -> Result<Settled, Error> {
        if usize::from(index) >= self.table_unsettled.len() {
            return Err(Error::UnknownTable);
        }
        if index == self.table && self.state().in_epoch() {
            return Err(Error::NotSettleable);
        }
        let entry = table.slot_mut(slot).ok_or(Error::UnknownSlot)?;
        if entry.settled != 0 {
            return Err(Error::AlreadySettled);
        }
        if !entry.is_owed() {
            return Err(Error::NothingToSettle);
        }
        entry.settled = 1;
        let ejected = u8::from(entry.is(ClientState::Ejected));
        let settled = Settled { earned: entry.earned, slashed: entry.slashed, ejected, padding: [0; 7] };
        let unsettled = table.unsettled.saturating_sub(1);
        self.set_unsettled(index, table, unsettled);
        Ok(settled)
    }

    fn set_unsettled(&mut self, index: u8, table: &mut EpochTable, unsettled: u16) {
        table.unsettled = unsettled;
        if let Some(count) = self.table_unsettled.get_mut(usize::from(index)) {
            *count = unsettled;
        }
    }
}
