//! What clients report, and every way in which that is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::{ClientState, Config, Error, WitnessMessage};

fn refused<T: std::fmt::Debug>(scene: &mut Scene, call: impl FnOnce(&mut Scene) -> Result<T, Error>) -> Error {
    let before = scene.whole.clone();
    let error = call(scene).unwrap_err();
    assert!(scene.whole == before, "{error:?} changed the state");
    error
}

fn witness_with(scene: &mut Scene, slot: u16, change: impl FnOnce(&mut WitnessMessage)) -> Error {
    let mut message = scene.message(slot);
    change(&mut message);
    refused(scene, |scene| scene.send(slot, &message))
}

#[test]
fn a_witness_message_is_checked_in_every_part() {
    let mut scene = Scene::new(
        5,
        &Config { witness_nodes: 2, min_clients: 2, global_batch_size_start: 5, global_batch_size_end: 5, ..config() },
    );
    let idle =
        WitnessMessage { bitmap: [0; 32], list_root: [0; 32], reveal: [0; 32], parameter_hash: [0; 32], step: 1 };
    assert_eq!(refused(&mut scene, |scene| scene.send(0, &idle)), Error::InvalidRunState);
    scene.begin_training();
    let elected: Vec<u16> =
        scene.run.current_round().unwrap().elected().as_slice().iter().map(|each| each.client_index).collect();
    let other = scene.slots().find(|slot| !elected.contains(slot)).unwrap();
    assert_eq!(witness_with(&mut scene, other, |_| ()), Error::NotElected);
    let slot = elected[0];
    assert_eq!(witness_with(&mut scene, slot, |message| message.step = 2), Error::WrongStep);
    assert_eq!(witness_with(&mut scene, slot, |message| message.reveal[0] ^= 1), Error::WrongReveal);
    assert_eq!(witness_with(&mut scene, slot, |message| message.bitmap[0] |= 1 << 5), Error::BitmapTooLong);
    assert_eq!(witness_with(&mut scene, slot, |message| message.bitmap[31] = 0x80), Error::BitmapTooLong);
    assert_eq!(witness_with(&mut scene, slot, |message| message.parameter_hash[3] = 1), Error::UnexpectedParameterHash);
    let message = scene.message(slot);
    for wrong in [5, 255, 256, u16::MAX] {
        assert_eq!(refused(&mut scene, |scene| scene.send(wrong, &message)), Error::UnknownSlot);
    }
    scene.witness(slot).unwrap();
    assert_eq!(witness_with(&mut scene, slot, |_| ()), Error::DuplicateWitness);
    scene.quit(elected[1]).unwrap();
    assert_eq!(witness_with(&mut scene, elected[1], |_| ()), Error::NotLive);
}

#[test]
fn downloads_are_reported_once_by_who_entered_a_message() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    scene.witness(0).unwrap();
    assert_eq!(refused(&mut scene, |scene| scene.downloaded(0, 1, 0)), Error::InvalidRunState);
    scene.witness(1).unwrap();
    scene.tick(1);
    let round = scene.run.current_round().unwrap();
    let (zero, absent) = (round.elected_position(0).unwrap(), round.elected_position(2).unwrap());
    assert_eq!(refused(&mut scene, |scene| scene.downloaded(2, 1, 0)), Error::NoWitnessEntry);
    assert_eq!(refused(&mut scene, |scene| scene.downloaded(0, 2, 0)), Error::WrongStep);
    assert_eq!(refused(&mut scene, |scene| scene.downloaded(0, 1, 1 << absent)), Error::ListsNotEntered);
    assert_eq!(refused(&mut scene, |scene| scene.downloaded(0, 1, 1 << 31)), Error::ListsNotEntered);
    scene.downloaded(0, 1, 1 << zero).unwrap();
    assert_eq!(refused(&mut scene, |scene| scene.downloaded(0, 1, 1 << zero)), Error::DuplicateDownloaded);
}

#[test]
fn readiness_is_for_warmup_and_harmless_just_after() {
    let mut scene = Scene::new(3, &config());
    assert_eq!(refused(&mut scene, |scene| scene.ready(0)), Error::InvalidRunState);
    scene.begin_warmup();
    assert_eq!(refused(&mut scene, |scene| scene.ready(3)), Error::UnknownSlot);
    scene.quit(1).unwrap();
    assert_eq!(refused(&mut scene, |scene| scene.ready(1)), Error::NotLive);
    scene.ready(0).unwrap();
    scene.ready(2).unwrap();
    scene.tick(1);
    scene.ready(0).unwrap();
    scene.tick(2_000);
    assert_eq!(refused(&mut scene, |scene| scene.ready(0)), Error::InvalidRunState);
}

#[test]
fn a_health_check_drops_who_was_silent_in_two_rounds_and_only_them() {
    let mut scene = Scene::new(4, &Config { init_min_clients: 4, ..config() });
    scene.begin_training();
    let check = |scene: &mut Scene, targets: &[u16]| scene.health_check(0, targets);
    assert_eq!(check(&mut scene, &[3]), Err(Error::TooEarlyForHealthCheck));
    scene.round_with(&[0, 1, 2], [0; 32]);
    assert_eq!(check(&mut scene, &[3]), Err(Error::TooEarlyForHealthCheck));
    scene.round_with(&[0, 1, 2], [0; 32]);
    assert_eq!(check(&mut scene, &[]), Err(Error::InvalidHealthCheck));
    assert_eq!(check(&mut scene, &[3, 1]), Err(Error::InvalidHealthCheck));
    assert_eq!(check(&mut scene, &[3, 4]), Err(Error::UnknownSlot));
    assert_eq!(scene.health_check(9, &[3]), Err(Error::UnknownSlot));
    assert_eq!(check(&mut scene, &[3, 3]), Ok(1));
    let client = scene.client(3);
    assert_eq!((client.state, client.exited_height), (ClientState::Dropped as u8, 2));
    assert_eq!(scene.health_check(3, &[3]), Err(Error::NotLive));
    scene.round_with(&[0, 1, 2], [0; 32]);
    assert_eq!(scene.run.current_round().unwrap().live_count, 3);
    assert_eq!(check(&mut scene, &[1]), Err(Error::InvalidHealthCheck));
}

#[test]
fn a_health_check_drops_who_delivered_nothing_in_two_rounds() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    for _ in 0..2 {
        let mut lazy_batch = 0;
        scene.run.current_round().unwrap().for_each_batch(|batch| {
            if batch.client_index == 2 {
                lazy_batch = batch.batch;
            }
        });
        for slot in 0..3 {
            let mut message = scene.message(slot);
            message.bitmap[usize::from(lazy_batch / 8)] &= !(1 << (lazy_batch % 8));
            scene.send(slot, &message).unwrap();
        }
        scene.tick(1);
        scene.tick(300);
    }
    assert_eq!(scene.client(2).missed_rounds, 2);
    assert_eq!(scene.client(1).rounds_trained, 2);
    assert_eq!(scene.health_check(0, &[2]), Ok(1));
}

#[test]
fn a_quorum_of_reports_ejects_and_bars_the_owner() {
    let mut scene = Scene::new(4, &Config { init_min_clients: 3, rounds_per_epoch: 2, ..config() });
    assert_eq!(scene.report(0, 1), Err(Error::InvalidRunState));
    scene.begin_training();
    let report = |scene: &mut Scene, from, target| scene.report(from, target);
    assert_eq!(report(&mut scene, 3, 3), Err(Error::SelfReport));
    assert_eq!(report(&mut scene, 0, 4), Err(Error::UnknownSlot));
    assert_eq!(report(&mut scene, 0, 3), Ok(false));
    assert_eq!(report(&mut scene, 0, 3), Err(Error::DuplicateVote));
    assert_eq!(report(&mut scene, 1, 3), Ok(false));
    assert_eq!(report(&mut scene, 2, 3), Ok(true));
    assert_eq!(report(&mut scene, 2, 3), Err(Error::AlreadyEjected));
    assert_eq!(scene.client(3).state, ClientState::Ejected as u8);
    assert_eq!(scene.quit(3), Err(Error::NotMember));
    scene.drain([1; 32]);
    scene.tick(500);
    let client = scene.client(3);
    assert_eq!((client.earned, client.slashed), (0, 10));
    scene.begin_warmup();
    assert_eq!(scene.table().len, 3, "its owner is barred");
    assert_eq!(scene.participants[3].membership.owner, scene.next().slot(3).unwrap().owner);
    let membership = scene.participants[3].membership;
    assert_eq!(scene.whole.join(&membership, scene.now), Err(Error::OwnerEjected));
}

#[test]
fn leaving_does_not_escape_ejection() {
    let mut scene = Scene::new(4, &config());
    scene.begin_training();
    scene.quit(3).unwrap();
    assert_eq!(scene.quit(3), Err(Error::NotMember));
    assert_eq!(scene.report(0, 3), Ok(false));
    assert_eq!(scene.report(1, 3), Ok(true), "2 of the 3 that are left");
    assert_eq!(scene.client(3).state, ClientState::Ejected as u8);
}
