//! Who is in the next epoch: joining, and everything that ends that before the epoch begins.

use crate::state::same_key;
use crate::{ClientState, EpochTable, Error, MAX_CLIENTS, Membership, Pod as _, Run, RunState, Slot};

impl Run {
    /// `member` will be in the next epoch. Joining again with the same session replaces its place among those who wait; a
    /// client of the running epoch keeps its slot to the epoch's end and begins the next one as it says here. Those who are
    /// members keep their place: a newcomer only gets a free one. Returns whether anything changed.
    ///
    /// # Errors
    /// `Halted` (Uninitialized or Finished; a paused run can be joined), `SessionExpired`, `TableUnsettled`, `OwnerEjected`,
    /// `PeerTaken`, `RunFull`.
    pub fn join(
        &mut self,
        table: &mut EpochTable,
        next: &mut EpochTable,
        member: &Membership,
        now_ms: u64,
    ) -> Result<bool, Error> {
        if matches!(self.state(), RunState::Uninitialized | RunState::Finished) {
            return Err(Error::Halted);
        }
        if member.expires_ms <= now_ms {
            return Err(Error::SessionExpired);
        }
        if self.next_unsettled() != 0 {
            return Err(Error::TableUnsettled);
        }
        let waiting = find_member(next, member, |slot| self.pending_len != 0 && slot.carried != 0)?;
        let current = find_member(table, member, |slot| slot.carried != 0)?;
        if let Some(place) = waiting.and_then(|index| next.slot_mut(index)) {
            let changed = !describes(place, member);
            write_member(place, member);
            return Ok(changed);
        }
        let leaving = current.and_then(|index| table.slot_mut(index));
        if leaving.as_ref().is_some_and(|slot| describes(slot, member)) {
            return Ok(false);
        }
        let others = self.member_count().saturating_sub(u16::from(leaving.is_some()));
        if usize::from(others) >= MAX_CLIENTS {
            return Err(Error::RunFull);
        }
        if let Some(slot) = leaving {
            slot.carried = 0;
            self.carried_len = self.carried_len.saturating_sub(1);
        }
        let place = next.slots.get_mut(usize::from(self.pending_len)).ok_or(Error::CorruptState)?;
        write_member(place, member);
        self.pending_len = self.pending_len.saturating_add(1);
        next.len = self.pending_len;
        Ok(true)
    }

    /// The session is no member any more: a client leaves the epoch with the share of the rounds it trained, and who waits
    /// for the next one no longer does.
    ///
    /// # Errors
    /// `NotMember`.
    pub fn leave(&mut self, table: &mut EpochTable, next: &mut EpochTable, session: &[u8; 32]) -> Result<(), Error> {
        let waited = self.keep_waiting(next, |slot| !same_key(&slot.session, session));
        let healthy = |slot: &Slot| slot.is(ClientState::Healthy) && same_key(&slot.session, session);
        let slot = (0..table.len).find(|index| table.slot(*index).is_some_and(healthy));
        if let Some(slot) = slot {
            self.exit(table, slot, ClientState::Withdrawn);
        } else if !waited {
            return Err(Error::NotMember);
        }
        Ok(())
    }

    /// The owner may not be in the next epoch; its clients keep their slots to the end of the running one.
    ///
    /// # Errors
    /// `NotMember`.
    pub fn withdraw_carry(
        &mut self,
        table: &mut EpochTable,
        next: &mut EpochTable,
        owner: &[u8; 32],
    ) -> Result<(), Error> {
        let mut changed = self.keep_waiting(next, |slot| !same_key(&slot.owner, owner));
        for slot in table.used_mut() {
            if slot.carried != 0 && same_key(&slot.owner, owner) {
                slot.carried = 0;
                self.carried_len = self.carried_len.saturating_sub(1);
                changed = true;
            }
        }
        if changed { Ok(()) } else { Err(Error::NotMember) }
    }

    /// Who would be in the next epoch if it began now, at most 256.
    #[must_use]
    pub const fn member_count(&self) -> u16 {
        self.pending_len.saturating_add(self.carried_len)
    }

    /// Members whose session has ended do not wait and are not carried.
    pub(crate) fn drop_expired(&mut self, table: &mut EpochTable, next: &mut EpochTable, now_ms: u64) {
        self.keep_waiting(next, |slot| slot.expires_ms > now_ms);
        for slot in table.used_mut() {
            if slot.carried != 0 && slot.expires_ms <= now_ms {
                slot.carried = 0;
                self.carried_len = self.carried_len.saturating_sub(1);
            }
        }
    }

    /// Those for whom `keep` is false no longer wait; the others close up. Returns whether anybody went.
    fn keep_waiting(&mut self, next: &mut EpochTable, keep: impl Fn(&Slot) -> bool) -> bool {
        let before = self.pending_len;
        if before == 0 {
            return false;
        }
        let mut kept: u16 = 0;
        for index in 0..before {
            let Some(slot) = next.slot(index).filter(|slot| keep(slot)) else { continue };
            if kept != index {
                let moved = *slot;
                if let Some(place) = next.slot_mut(kept) {
                    *place = moved;
                }
            }
            kept = kept.saturating_add(1);
        }
        self.pending_len = kept;
        next.len = kept;
        kept != before
    }
}

/// The slot that the member's session has, among those that count as `present`.
fn find_member(table: &EpochTable, member: &Membership, present: impl Fn(&Slot) -> bool) -> Result<Option<u16>, Error> {
    let mut found = None;
    for (index, slot) in (0u16..).zip(table.used()) {
        if slot.is(ClientState::Ejected) {
            if same_key(&slot.owner, &member.owner) {
                return Err(Error::OwnerEjected);
            }
        } else if present(slot) {
            if same_key(&slot.session, &member.session) {
                found = Some(index);
            } else if same_key(&slot.peer_id, &member.peer_id) {
                return Err(Error::PeerTaken);
            }
        }
    }
    Ok(found)
}

fn describes(slot: &Slot, member: &Membership) -> bool {
    slot.owner == member.owner
        && slot.session == member.session
        && slot.peer_id == member.peer_id
        && slot.chain_head == member.chain_head
        && slot.expires_ms == member.expires_ms
}

fn write_member(slot: &mut Slot, member: &Membership) {
    *slot = Slot::ZERO;
    slot.owner = member.owner;
    slot.session = member.session;
    slot.peer_id = member.peer_id;
    slot.chain_head = member.chain_head;
    slot.expires_ms = member.expires_ms;
    slot.carried = 1;
}
