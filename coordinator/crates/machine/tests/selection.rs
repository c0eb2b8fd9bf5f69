//! Committees, shuffles and splits, against the golden vectors of existing-system.md 1.8.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::selection::{
    COMMITTEE_SALT, NO_SOURCES, Shuffle, WITNESS_SALT, fisher_yates, pivots, quorum, shuffle_key,
};
use starling_machine::{Config, RoundHot};

fn positions(seed: u64, salt: &[u8], n: u16) -> Vec<u8> {
    let key = shuffle_key(&seed.to_le_bytes(), salt);
    let pivots = pivots(&key, n);
    let mut sources = NO_SOURCES;
    let shuffle = Shuffle::new(&mut sources, &key, &pivots, n);
    (0..n).map(|item| shuffle.position_of(item as u8)).collect()
}

#[test]
fn golden_positions() {
    assert_eq!(positions(12345, WITNESS_SALT, 10), [7, 4, 9, 2, 6, 1, 0, 3, 5, 8]);
    assert_eq!(positions(12345, COMMITTEE_SALT, 10), [1, 7, 2, 9, 5, 0, 8, 3, 4, 6]);
}

#[test]
fn golden_fisher_yates() {
    let mut items: Vec<u8> = (0..10).collect();
    fisher_yates(42, &mut items);
    assert_eq!(items, [2, 1, 0, 6, 7, 5, 4, 9, 8, 3]);
}

#[test]
fn positions_are_a_permutation_for_every_size() {
    for n in 1..=256u16 {
        let mut sorted = positions(u64::from(n) * 977, WITNESS_SALT, n);
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(index, position)| index == usize::from(*position)), "n = {n}");
    }
}

#[test]
fn going_back_from_positions_finds_the_items() {
    for n in [1u16, 2, 31, 255, 256] {
        let key = shuffle_key(&n.to_le_bytes(), WITNESS_SALT);
        let pivots = pivots(&key, n);
        let mut sources = NO_SOURCES;
        let shuffle = Shuffle::new(&mut sources, &key, &pivots, n);
        assert!((0..n).all(|item| shuffle.item_at(shuffle.position_of(item as u8)) == item as u8), "n = {n}");
    }
}

#[test]
fn quorum_is_two_thirds_rounded_up() {
    let table = [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7), (31, 21), (32, 22)];
    for (n, expected) in table {
        assert_eq!(quorum(n), expected, "quorum({n})");
    }
}

fn first_round(clients: u16, config: &Config) -> Box<RoundHot> {
    let mut scene = Scene::new(clients, config);
    scene.begin_training();
    Box::new(*scene.run.current_round().unwrap())
}

#[test]
fn batches_split_evenly_and_without_gaps() {
    for (clients, batch_size) in [(4u16, 100u16), (23, 384), (5, 13), (3, 2), (256, 256), (256, 10), (1, 1)] {
        let config = Config {
            init_min_clients: clients,
            min_clients: 1,
            global_batch_size_start: batch_size,
            global_batch_size_end: batch_size,
            ..config()
        };
        let round = first_round(clients, &config);
        let (mut next, mut sizes, mut seen) = (0u64, Vec::new(), std::collections::BTreeSet::new());
        round.for_each_batch(|batch| {
            assert_eq!(batch.start, next, "{clients} clients, {batch_size} sequences");
            assert_eq!(usize::from(batch.batch), sizes.len());
            assert!(seen.insert(batch.client_index));
            sizes.push(batch.end - batch.start + 1);
            next = batch.end + 1;
        });
        assert_eq!(next, u64::from(batch_size));
        assert_eq!(sizes.len(), usize::from(clients.min(batch_size)));
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        assert!(sizes.is_sorted_by(|a, b| a >= b), "the larger shares come first");
    }
}

#[test]
fn the_elected_agree_with_each_ones_own_position() {
    for (clients, witness_nodes, expected) in [(40u16, 0u16, 32usize), (40, 5, 5), (3, 0, 3), (256, 32, 32)] {
        let config = Config {
            init_min_clients: clients,
            min_clients: 5.min(clients).max(witness_nodes),
            witness_nodes,
            ..config()
        };
        let round = first_round(clients, &config);
        let elected = round.elected();
        assert_eq!(elected.as_slice().len(), expected);
        assert_eq!(usize::from(round.elected_count), expected);
        for slot in 0..clients {
            let listed = elected.as_slice().iter().find(|each| each.client_index == slot);
            assert_eq!(listed.map(|each| each.position), round.elected_position(slot).map(u16::from));
        }
        let mut positions: Vec<u16> = elected.as_slice().iter().map(|each| each.position).collect();
        positions.sort_unstable();
        assert!(positions.iter().enumerate().all(|(index, position)| index == usize::from(*position)));
    }
}

#[test]
fn the_batch_grows_with_the_tokens_seen() {
    let ramp = Config {
        global_batch_size_start: 10,
        global_batch_size_end: 20,
        global_batch_size_warmup_tokens: 1_000,
        max_seq_len: 10,
        ..config()
    };
    for (data_index, size) in
        [(0, 10), (4, 10), (5, 11), (14, 11), (15, 12), (50, 15), (99, 20), (100, 20), (u64::MAX, 20)]
    {
        assert_eq!(ramp.batch_size_at(data_index), size, "at {data_index}");
    }
    assert_eq!(Config { global_batch_size_warmup_tokens: 0, ..ramp }.batch_size_at(0), 20);
}
