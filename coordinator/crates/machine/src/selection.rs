//! Deterministic randomness: who witnesses and who trains what, as functions of a round's seed.
//! Formulas and golden vectors: existing-system.md 1.8 (swap-or-not as in Ethereum's consensus specification).

use crate::hash::sha256;
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
    let mut pivots = [0; SHUFFLE_ROUNDS];
    for (round, pivot) in (0u8..).zip(pivots.iter_mut()) {
        let value = first_u64(&sha256(&[key, &[round]]));
        *pivot = value.checked_rem(u64::from(n)).unwrap_or(0) as u8;
    }
    pivots
}

/// Replaces each of `items` (each < `n` <= 256) by its position in the shuffle. 90 hashes, however many items.
pub fn permute(key: &[u8; 32], pivots: &[u8; SHUFFLE_ROUNDS], n: u16, items: &mut [u8]) {
    for (round, pivot) in (0u8..).zip(pivots) {
        swap_or_not(key, round, *pivot, n, items);
    }
}

/// Replaces each of `items` by the one whose position it is: the rounds of `permute`, each its own inverse, backwards.
pub fn unpermute(key: &[u8; 32], pivots: &[u8; SHUFFLE_ROUNDS], n: u16, items: &mut [u8]) {
    for (round, pivot) in (0..SHUFFLE_ROUNDS as u8).zip(pivots).rev() {
        swap_or_not(key, round, *pivot, n, items);
    }
}

fn swap_or_not(key: &[u8; 32], round: u8, pivot: u8, n: u16, items: &mut [u8]) {
    // One source block covers positions 0..=255, that is every position there can be.
    let source = sha256(&[key, &[round, 0, 0, 0, 0]]);
    for item in items.iter_mut() {
        // pivot + n - item modulo n, for a pivot and an item below n
        let sum = u16::from(pivot).wrapping_add(n).wrapping_sub(u16::from(*item));
        let flip = if sum >= n { sum.wrapping_sub(n) } else { sum } as u8;
        if crate::bitmap::get(&source, u16::from(flip.max(*item))) {
            *item = flip;
        }
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
