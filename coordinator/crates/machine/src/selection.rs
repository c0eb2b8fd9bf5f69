//! Deterministic randomness: who witnesses and who trains what, as functions of a round's seed.
//! Formulas and golden vectors: existing-system.md 1.8 (swap-or-not as in Ethereum's consensus specification).

use crate::hash::{sha256, sha256_into};
use crate::state::SHUFFLE_ROUNDS;

pub const WITNESS_SALT: &[u8] = b"witness";
pub const COMMITTEE_SALT: &[u8] = b"committee";

/// How many of `n` elected witnesses decide: two thirds, rounded up (1 of 1, 2 of 2, 2 of 3, 3 of 4, 22 of 32).
/// Never 0: nothing is decided by nobody.
#[must_use]
pub const fn quorum(n: u16) -> u16 {
    let two_thirds = n.saturating_mul(2).saturating_add(2) / 3;
    if two_thirds == 0 { 1 } else { two_thirds }
}

/// Key of a swap-or-not shuffle: sha256(sha256(seed) || salt), for a seed of any length.
#[must_use]
pub fn shuffle_key(seed: &[u8], salt: &[u8]) -> [u8; 32] {
    sha256(&[&sha256(&[seed]), salt])
}

/// The pivots of the 90 rounds for `n` <= 256 items.
#[must_use]
pub fn pivots(key: &[u8; 32], n: u16) -> [u8; SHUFFLE_ROUNDS] {
    let mut input = [0; 33];
    if let Some(place) = input.first_chunk_mut() {
        *place = *key;
    }
    let mut pivots = [0; SHUFFLE_ROUNDS];
    for (round, pivot) in (0u8..).zip(pivots.iter_mut()) {
        if let Some(place) = input.get_mut(32) {
            *place = round;
        }
        let value = first_u64(&sha256(&[&input]));
        *pivot = value.checked_rem(u64::from(n)).unwrap_or(0) as u8;
    }
    pivots
}

/// The random bits of each round of a shuffle: sha256(key || round || u32 0). The zero is the block of 256 positions, and there
/// is one. 3 KB, most of the stack that a function has on chain, so they are filled in place and never moved.
pub type ShuffleSources = [[u8; 32]; SHUFFLE_ROUNDS];

pub const NO_SOURCES: ShuffleSources = [[0; 32]; SHUFFLE_ROUNDS];

/// A swap-or-not shuffle of `n` <= 256 items, ready to be asked: 90 hashes to prepare, none to answer.
pub struct Shuffle<'a> {
    sources: &'a ShuffleSources,
    pivots: &'a [u8; SHUFFLE_ROUNDS],
    n: u64,
}

impl<'a> Shuffle<'a> {
    /// Fills `sources`.
    #[must_use]
    pub fn new(sources: &'a mut ShuffleSources, key: &[u8; 32], pivots: &'a [u8; SHUFFLE_ROUNDS], n: u16) -> Self {
        // One piece of memory for all: on chain a hash costs by the piece.
        let mut input = [0; 37];
        if let Some(place) = input.first_chunk_mut() {
            *place = *key;
        }
        for (round, source) in (0u8..).zip(sources.iter_mut()) {
            if let Some(place) = input.get_mut(32) {
                *place = round;
            }
            sha256_into(&[&input], source);
        }
        Self { sources, pivots, n: u64::from(n) }
    }

    /// The position of an item, both below `n`.
    #[must_use]
    pub fn position_of(&self, item: u8) -> u8 {
        let rounds = self.sources.iter().zip(self.pivots);
        rounds.fold(u64::from(item), |place, (source, pivot)| self.swap_or_not(source, *pivot, place)) as u8
    }

    /// The item at a position: the same rounds, each its own inverse, backwards.
    #[must_use]
    pub fn item_at(&self, position: u8) -> u8 {
        let rounds = self.sources.iter().zip(self.pivots).rev();
        rounds.fold(u64::from(position), |place, (source, pivot)| self.swap_or_not(source, *pivot, place)) as u8
    }

    #[inline]
    fn swap_or_not(&self, source: &[u8; 32], pivot: u8, place: u64) -> u64 {
        // pivot + n - place modulo n, for a pivot and a place below n
        let sum = u64::from(pivot).wrapping_add(self.n).wrapping_sub(place);
        let flip = if sum >= self.n { sum.wrapping_sub(self.n) } else { sum };
        let decider = flip.max(place);
        let byte = source.get(((decider >> 3) & 31) as usize).copied().unwrap_or(0);
        if (byte >> (decider & 7)) & 1 == 0 { place } else { flip }
    }
}

/// Fisher-Yates over `items`, driven by Knuth's 64-bit linear congruential generator.
pub fn fisher_yates(seed: u64, items: &mut [u8]) {
    let mut state = seed;
    for i in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = (i as u64).saturating_add(1);
        let j = state.checked_rem(bound).unwrap_or(0) as usize;
        items.swap(i, j);
    }
}

/// The first eight bytes, little-endian.
#[must_use]
pub fn first_u64(bytes: &[u8; 32]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
