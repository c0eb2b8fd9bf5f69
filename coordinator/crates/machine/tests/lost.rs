//! Parameters that were agreed and that nobody holds any more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::{Config, LOST_WARMUPS, NO_EPOCH, RunState, TickOutcome};

fn scene() -> Scene {
    Scene::new(3, &Config { rounds_per_epoch: 3, ..config() })
}

fn epoch(scene: &mut Scene, parameter_hash: [u8; 32]) {
    scene.begin_training();
    scene.drain(parameter_hash);
    scene.tick(500);
    assert_eq!(scene.state(), RunState::WaitingForMembers);
}

/// A warm-up that times out with these members ready.
fn lost_warmup(scene: &mut Scene, ready: &[u16]) {
    scene.begin_warmup();
    for slot in ready {
        scene.ready(*slot).unwrap();
    }
    assert_eq!(scene.tick(1_000), TickOutcome::EpochFailed);
    assert_eq!(scene.state(), RunState::WaitingForMembers);
}

fn agreed(scene: &Scene) -> ([u8; 32], u16) {
    (scene.run.parameter_hash, scene.run.parameter_hash_epoch)
}

#[test]
fn the_run_goes_back_to_what_was_agreed_before_and_its_steps_go_on() {
    let mut scene = scene();
    epoch(&mut scene, [1; 32]);
    epoch(&mut scene, [2; 32]);
    let step = scene.run.step;
    for _ in 1..LOST_WARMUPS {
        lost_warmup(&mut scene, &[]);
        assert_eq!(agreed(&scene), ([2; 32], 1));
    }
    lost_warmup(&mut scene, &[]);
    assert_eq!(agreed(&scene), ([1; 32], 0));
    assert_eq!((scene.run.step, scene.run.epoch), (step, 2));
    epoch(&mut scene, [3; 32]);
    assert_eq!(agreed(&scene), ([3; 32], 2));
    assert_eq!((scene.run.previous_hash, scene.run.previous_hash_epoch), ([1; 32], 0));
}

#[test]
fn before_the_first_agreement_there_was_the_runs_own_start() {
    let mut scene = scene();
    epoch(&mut scene, [1; 32]);
    for _ in 0..LOST_WARMUPS {
        lost_warmup(&mut scene, &[]);
    }
    assert_eq!(agreed(&scene), ([0; 32], NO_EPOCH));
}

#[test]
fn it_goes_back_once_until_an_epoch_agrees_again() {
    let mut scene = scene();
    for hash in 1..=3 {
        epoch(&mut scene, [hash; 32]);
    }
    for _ in 0..4 * LOST_WARMUPS {
        lost_warmup(&mut scene, &[]);
    }
    assert_eq!(agreed(&scene), ([2; 32], 1));
    epoch(&mut scene, [4; 32]);
    for _ in 0..LOST_WARMUPS {
        lost_warmup(&mut scene, &[]);
    }
    assert_eq!(agreed(&scene), ([2; 32], 1));
}

#[test]
fn one_ready_member_or_a_warmup_broken_up_early_shows_no_loss() {
    let mut scene = scene();
    epoch(&mut scene, [1; 32]);
    lost_warmup(&mut scene, &[]);
    lost_warmup(&mut scene, &[]);
    // it holds them, and is waited with: too few were ready
    lost_warmup(&mut scene, &[1]);
    lost_warmup(&mut scene, &[]);
    lost_warmup(&mut scene, &[]);
    for _ in 0..LOST_WARMUPS {
        scene.begin_warmup();
        scene.quit(0).unwrap();
        scene.quit(1).unwrap();
        assert_eq!(scene.tick(1), TickOutcome::EpochFailed);
    }
    assert_eq!(agreed(&scene), ([1; 32], 0));
    lost_warmup(&mut scene, &[]);
    assert_eq!(agreed(&scene), ([0; 32], NO_EPOCH));
}

#[test]
fn a_run_that_never_agreed_has_nothing_to_lose() {
    let mut scene = scene();
    for _ in 0..2 * LOST_WARMUPS {
        lost_warmup(&mut scene, &[]);
    }
    assert_eq!(agreed(&scene), ([0; 32], NO_EPOCH));
    assert_eq!(scene.run.lost_warmups, 0);
}
