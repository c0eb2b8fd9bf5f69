//! Points wait in a table until they are settled, and a table with points in it takes no new epoch.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::{Config, Error, Membership, RunState, TickOutcome};

fn scene() -> Scene {
    Scene::new(3, &Config { rounds_per_epoch: 2, ..config() })
}

#[test]
fn a_slot_is_settled_once_and_keeps_what_it_shows() {
    let mut scene = scene();
    assert_eq!(scene.settle(2, 0), Err(Error::UnknownTable));
    scene.begin_training();
    let table = scene.run.table;
    assert_eq!(scene.settle(table, 0), Err(Error::NotSettleable));
    scene.drain([1; 32]);
    assert_eq!(scene.settle(table, 0), Err(Error::NotSettleable));
    scene.tick(500);
    assert_eq!(scene.run.table_unsettled[usize::from(table)], 3);
    assert_eq!(scene.settle(table, 3), Err(Error::UnknownSlot));
    assert_eq!(scene.settle(table, 1), Ok((33, 0, 0)));
    assert_eq!(scene.client(1).earned, 33);
    assert_eq!(scene.settle(table, 1), Err(Error::AlreadySettled));
    assert_eq!(scene.run.table_unsettled[usize::from(table)], 2);
    assert_eq!(scene.whole.settle_all(), 2);
    assert_eq!(scene.whole.settle_all(), 0);
    scene.validate().unwrap();
}

#[test]
fn an_ejection_is_settled_even_where_it_costs_nothing() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, slashing_rate_per_client: 0, ..config() });
    scene.begin_training();
    scene.report(0, 2).unwrap();
    scene.report(1, 2).unwrap();
    scene.drain([1; 32]);
    scene.tick(500);
    let table = scene.run.table;
    assert_eq!(scene.settle(table, 2), Ok((0, 0, 1)));
}

#[test]
fn an_unsettled_table_waits_for_its_settlement_and_the_run_for_the_table() {
    let mut scene = scene();
    // epoch 0 stays unsettled
    scene.epoch([1; 32]);
    let first = scene.run.table;
    let member = scene.participants[0].membership;
    // it is carried, so nobody has to join: epoch 1 takes the other table
    assert_eq!(scene.tick(100), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::Warmup);
    assert_ne!(scene.run.table, first);
    let newcomer = Membership { session: [1; 32], peer_id: [2; 32], owner: [3; 32], ..member };
    assert_eq!(scene.whole.join(&newcomer, scene.now), Err(Error::TableUnsettled));
    for slot in scene.slots() {
        scene.ready(slot).unwrap();
    }
    scene.tick(1);
    scene.drain([2; 32]);
    scene.tick(500);
    // epoch 2 would need the first table again
    assert_eq!(scene.tick(100_000), TickOutcome::Unchanged);
    for slot in 0..3 {
        assert_eq!(scene.settle(first, slot), Ok((33, 0, 0)));
    }
    assert!(scene.is_due());
    assert_eq!(scene.whole.join(&newcomer, scene.now), Ok(true));
    assert_eq!(scene.tick(0), TickOutcome::Moved);
    assert_eq!((scene.run.table, scene.table().len), (first, 4));
    let unsettled = scene.run.table_unsettled;
    assert_eq!(unsettled[usize::from(first)], 0);
    assert_eq!(unsettled[usize::from(1 - first)], 3, "the epoch before can be settled while this one runs");
    assert_eq!(scene.whole.settle_all(), 3);
    scene.validate().unwrap();
}

#[test]
fn members_who_wait_have_nothing_to_settle() {
    let mut scene = scene();
    let waiting = scene.run.other_table();
    assert_eq!(scene.settle(waiting, 0), Err(Error::NothingToSettle));
    let current = scene.run.table;
    assert_eq!(scene.settle(current, 0), Err(Error::UnknownSlot));
}
