//! Points: who is paid what, and that none appear or vanish.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::{Config, Error, TickOutcome};

#[test]
fn remainders_carry_over() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, ..config() });
    let mut paid = 0;
    for epoch in 1..=4u64 {
        scene.begin_training();
        scene.drain([1; 32]);
        assert_eq!(scene.tick(500), TickOutcome::EpochSucceeded);
        paid += scene.table().used().map(|client| client.earned).sum::<u64>();
        assert_eq!(paid + scene.run.points_carry, 100 * epoch);
        assert!(scene.run.points_carry < 3);
    }
}

#[test]
fn points_follow_rounds_trained_and_a_leaver_keeps_its_share() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    scene.round_of_all();
    scene.quit(2).unwrap();
    // Its batch of this round was delivered before it left: the witnesses hold it.
    scene.round_with(&[0, 1], [0; 32]);
    scene.round_with(&[0, 1], [0; 32]);
    scene.pause().unwrap();
    scene.drain([1; 32]);
    scene.tick(500);
    let rounds: Vec<_> = scene.table().used().map(|client| client.rounds_trained).collect();
    let last = rounds[0];
    assert_eq!(rounds, [last, last, 2]);
    let total = u64::from(last) * 2 + 2;
    let earned: Vec<_> = scene.table().used().map(|client| client.earned).collect();
    let share = 100 * u64::from(last) / total;
    assert_eq!(earned, [share, share, 200 / total]);
}

#[test]
fn a_batch_that_no_quorum_holds_earns_nothing() {
    let mut scene = Scene::new(4, &Config { init_min_clients: 4, ..config() });
    scene.begin_training();
    let mut trainer_of_zero = 0;
    scene.run.current_round().unwrap().for_each_batch(|batch| {
        if batch.batch == 0 {
            trainer_of_zero = batch.client_index;
        }
    });
    for slot in 0..4 {
        let mut message = scene.message(slot);
        if slot >= 2 {
            message.bitmap[0] &= !1;
        }
        scene.send(slot, &message).unwrap();
    }
    scene.tick(1);
    scene.tick(300);
    for slot in 0..4 {
        let client = scene.client(slot);
        let expected = if slot == trainer_of_zero { (0, 1) } else { (1, 0) };
        assert_eq!((client.rounds_trained, client.missed_rounds), expected);
    }
}

#[test]
fn new_rates_wait_for_the_next_epoch_and_stay_in_bounds() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, ..config() });
    scene.begin_training();
    scene.run.set_future_epoch_rates(300, 0).unwrap();
    assert_eq!(scene.run.set_future_epoch_rates(1 << 63, 0), Err(Error::EarningRateTooHigh));
    assert_eq!(scene.run.set_future_epoch_rates(0, 1 << 63), Err(Error::SlashingRateTooHigh));
    scene.drain([1; 32]);
    scene.tick(500);
    assert_eq!(scene.client(0).earned, 33);
    scene.begin_training();
    scene.drain([1; 32]);
    scene.tick(500);
    assert_eq!(scene.client(0).earned, 100, "301 with the carry, shared by three");
}

#[test]
fn the_largest_rate_does_not_overflow() {
    let rate = (1 << 63) - 1;
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, earning_rate_total_shared: rate, ..config() });
    scene.begin_training();
    scene.drain([1; 32]);
    scene.tick(500);
    let earned: u64 = scene.table().used().map(|client| client.earned).sum();
    assert_eq!(earned + scene.run.points_carry, rate);
}
