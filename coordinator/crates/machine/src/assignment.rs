//! Who witnesses a round and who trains which sequences of it.
//! Ranks are positions among the slots that were live when the round began, in slot order.

use crate::selection::{self, NO_SOURCES, Shuffle, ShuffleSources, WITNESS_SALT};
use crate::state::{MAX_CLIENTS, MAX_WITNESSES};
use crate::{Bitmap, Pod as _, RoundHot, bitmap};

pod! {
    /// A trainer's share of a round: the sequences [start, end], a closed interval.
    pub struct BatchAssignment: 24 {
        pub start: u64,
        pub end: u64,
        /// bit of a witness bitmap, place in a witness list
        pub batch: u16,
        pub client_index: u16,
        pub padding: [u8; 4],
    }
}

pod! {
    pub struct Elected: 4 {
        pub client_index: u16,
        pub position: u16,
    }
}

/// At most 256 slots in a given order.
pub struct SlotList {
    slots: [u8; MAX_CLIENTS],
    len: usize,
}

impl SlotList {
    fn of_bitmap(map: &Bitmap) -> Self {
        let mut list = Self { slots: [0; MAX_CLIENTS], len: 0 };
        for (place, slot) in list.slots.iter_mut().zip(bitmap::bits(map)) {
            *place = slot as u8;
            list.len = list.len.saturating_add(1);
        }
        list
    }

    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.slots.get(..self.len).unwrap_or(&[])
    }

    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.as_slice().iter().map(|slot| u16::from(*slot))
    }
}

/// The elected witnesses of a round in slot order.
pub struct ElectedList {
    entries: [Elected; MAX_WITNESSES],
    len: usize,
}

impl ElectedList {
    #[must_use]
    pub fn as_slice(&self) -> &[Elected] {
        self.entries.get(..self.len).unwrap_or(&[])
    }
}

impl RoundHot {
    /// Live slots in the order in which they take batches; the first `batch_count` have one.
    #[must_use]
    pub fn trainers(&self) -> SlotList {
        let mut list = SlotList::of_bitmap(&self.live);
        if let Some(slots) = list.slots.get_mut(..list.len) {
            selection::fisher_yates(selection::first_u64(&self.seed), slots);
        }
        list
    }

    /// Calls `each` for every batch of the round: the first `batch_size % trainers` get one sequence more.
    pub fn for_each_batch(&self, mut each: impl FnMut(BatchAssignment)) {
        let trainers = u32::from(self.live_count);
        let base = u64::from(self.batch_size.checked_div(trainers).unwrap_or(0));
        let remainder = self.batch_size.checked_rem(trainers).unwrap_or(0);
        let mut start = self.data_index;
        for (batch, client_index) in (0..self.batch_count).zip(self.trainers().iter()) {
            let size = if u32::from(batch) < remainder { base.saturating_add(1) } else { base };
            let next = start.saturating_add(size);
            each(BatchAssignment { start, end: next.saturating_sub(1), batch, client_index, padding: [0; 4] });
            start = next;
        }
    }

    #[must_use]
    #[inline(never)]
    pub fn elected(&self) -> ElectedList {
        let live = SlotList::of_bitmap(&self.live);
        let mut position_of = [u8::MAX; MAX_CLIENTS];
        let mut sources = NO_SOURCES;
        let shuffle = self.witness_shuffle(&mut sources);
        for position in (0..self.elected_count).filter_map(|position| u8::try_from(position).ok()) {
            let slot = live.slots.get(usize::from(shuffle.item_at(position))).copied().unwrap_or(0);
            if let Some(place) = position_of.get_mut(usize::from(slot)) {
                *place = position;
            }
        }
        let mut list = ElectedList { entries: [Elected::ZERO; MAX_WITNESSES], len: 0 };
        let winners = (0u16..).zip(position_of).filter(|(_, position)| usize::from(*position) < MAX_WITNESSES);
        for (entry, (client_index, position)) in list.entries.iter_mut().zip(winners) {
            *entry = Elected { client_index, position: u16::from(position) };
            list.len = list.len.saturating_add(1);
        }
        list
    }

    /// The witness position of a slot, if it was live and elected.
    #[must_use]
    #[inline(never)]
    pub fn elected_position(&self, slot: u16) -> Option<u8> {
        if !bitmap::get(&self.live, slot) {
            return None;
        }
        let mut sources = NO_SOURCES;
        self.position_if_elected(&self.witness_shuffle(&mut sources), slot)
    }

    /// Whether one of `slots`, all of them live, was elected for one of `positions`, where each of `slots` that was elected
    /// has one of `positions`. Both are asked one by one, so it goes through the fewer: from a slot to its position costs
    /// what the way back does.
    #[inline(never)]
    pub(crate) fn is_any_elected(&self, slots: &Bitmap, positions: &Bitmap) -> bool {
        let mut sources = NO_SOURCES;
        let shuffle = self.witness_shuffle(&mut sources);
        if bitmap::count(slots) <= bitmap::count(positions) {
            return bitmap::bits(slots).any(|slot| self.position_if_elected(&shuffle, slot).is_some());
        }
        let live = SlotList::of_bitmap(&self.live);
        bitmap::bits(positions).any(|position| {
            let slot = live.slots.get(usize::from(shuffle.item_at(position as u8)));
            slot.is_some_and(|slot| bitmap::get(slots, u16::from(*slot)))
        })
    }

    fn position_if_elected(&self, shuffle: &Shuffle, slot: u16) -> Option<u8> {
        let rank = bitmap::count(&bitmap::both(&self.live, &bitmap::first(slot)));
        let position = shuffle.position_of(u8::try_from(rank).ok()?);
        if u16::from(position) < self.elected_count { Some(position) } else { None }
    }

    fn witness_shuffle<'a>(&'a self, sources: &'a mut ShuffleSources) -> Shuffle<'a> {
        Shuffle::new(sources, &selection::shuffle_key(&self.seed, WITNESS_SALT), &self.witness_pivots, self.live_count)
    }
}
