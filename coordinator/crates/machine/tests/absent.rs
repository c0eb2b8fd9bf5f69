//! What those who are gone cost those who stay: nothing once they are known to be gone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::{ClientState, Config, RunState, TickOutcome, sha256};

fn training(clients: u16, change: impl FnOnce(&mut Config)) -> Scene {
    let mut config = Config { init_min_clients: clients, ..config() };
    change(&mut config);
    let mut scene = Scene::new(clients, &config);
    scene.begin_training();
    scene
}

#[test]
fn a_round_ends_without_its_quorum_once_everyone_who_can_has_reported() {
    let mut scene = training(2, |_| ());
    scene.witness(0).unwrap();
    assert!(!scene.is_due(), "one of two is no quorum, and the other may still report");
    scene.quit(1).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::RoundWitness);
    assert!(!scene.is_due());
    scene.downloaded(0, scene.run.step, 0).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    // nothing was attested: the quorum is still one of those elected
    assert_eq!(scene.client(0).rounds_trained, 0);
    assert_ne!(scene.run.last_step, 0, "too few are left, so it drains");
    let round = scene.run.current_round().unwrap();
    assert_eq!((round.drain, round.live_count, round.elected_count, round.quorum()), (1, 1, 1, 1));
}

#[test]
fn who_leaves_before_reporting_is_not_waited_for_and_who_stays_is() {
    let mut scene = training(3, |_| ());
    scene.witness(0).unwrap();
    scene.quit(2).unwrap();
    assert!(!scene.is_due(), "the second of three can still complete the quorum");
    scene.witness(1).unwrap();
    assert!(scene.is_due());
    scene.tick(1);
    scene.downloaded(0, scene.run.step, 0).unwrap();
    scene.quit(0).unwrap();
    assert!(!scene.is_due());
    scene.downloaded(1, scene.run.step, 0).unwrap();
    assert!(scene.is_due(), "who reported and then left has reported");
}

#[test]
fn a_round_that_everybody_left_ends_at_once() {
    let mut scene = training(3, |_| ());
    for slot in 0..3 {
        scene.quit(slot).unwrap();
    }
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::Cooldown);
}

#[test]
fn rounds_that_nobody_is_left_for_drain_at_once() {
    let mut scene = training(2, |_| ());
    scene.witness(0).unwrap();
    scene.quit(0).unwrap();
    scene.quit(1).unwrap();
    for state in [RunState::RoundWitness, RunState::RoundTrain, RunState::RoundWitness, RunState::Cooldown] {
        assert_eq!(scene.tick(1), TickOutcome::Moved);
        assert_eq!(scene.state(), state);
    }
}

#[test]
fn only_the_elected_are_waited_for() {
    let mut scene = training(4, |config| (config.min_clients, config.witness_nodes) = (2, 2));
    let elected: Vec<u16> =
        scene.run.current_round().unwrap().elected().as_slice().iter().map(|each| each.client_index).collect();
    let others: Vec<u16> = scene.slots().filter(|slot| !elected.contains(slot)).collect();
    scene.quit(others[0]).unwrap();
    scene.witness(elected[0]).unwrap();
    assert!(!scene.is_due());
    scene.quit(elected[1]).unwrap();
    assert!(scene.is_due(), "the fourth is here, but was not elected");
}

#[test]
fn a_frozen_client_is_neither_elected_nor_given_data_once_it_is_dropped() {
    for clients in [3u16, 5] {
        let mut scene = training(clients, |_| ());
        let frozen = clients - 1;
        let working: Vec<u16> = (0..frozen).collect();
        for _ in 0..2 {
            // a quorum without it: no phase runs into its time-out
            let step = scene.run.step;
            for slot in &working {
                scene.witness(*slot).unwrap();
            }
            assert!(scene.is_due());
            scene.tick(1);
            for slot in &working {
                scene.downloaded(*slot, step, 0).unwrap();
            }
            assert!(scene.is_due());
            scene.tick(1);
        }
        assert_eq!(scene.health_check(0, &[frozen]), Ok(1));
        scene.round_with(&working, [0; 32]);
        let round = scene.run.current_round().unwrap();
        assert_eq!((round.live_count, round.elected_count), (frozen, frozen));
        assert!(round.elected_position(frozen).is_none());
        let mut trainers = Vec::new();
        round.for_each_batch(|batch| trainers.push(batch.client_index));
        assert!(!trainers.contains(&frozen));
        assert_eq!(scene.client(frozen).state, ClientState::Dropped as u8);
    }
}

#[test]
fn who_was_dropped_is_a_member_of_the_next_epoch() {
    let mut scene = training(3, |_| ());
    for _ in 0..2 {
        scene.round_with(&[0, 1], [0; 32]);
    }
    scene.health_check(0, &[2]).unwrap();
    scene.pause().unwrap();
    scene.drain([3; 32]);
    scene.tick(500);
    scene.resume().unwrap();
    scene.begin_training();
    assert_eq!(scene.run.current_round().unwrap().live_count, 3);
}

/// The rule as it reads, against the machine's short cuts, for many mixtures of who left and who reported.
#[test]
fn a_phase_ends_exactly_when_a_quorum_or_everyone_who_still_can_has_reported() {
    let template = training(48, |config| (config.min_clients, config.witness_nodes) = (32, 32));
    let round = *template.run.current_round().unwrap();
    let elected: Vec<u16> = round.elected().as_slice().iter().map(|each| each.client_index).collect();
    let mut outcomes = [0, 0];
    for mixture in 0..300u32 {
        let mut scene = Scene { whole: template.whole.clone(), now: template.now, participants: Vec::new() };
        let chance = sha256(&[&mixture.to_le_bytes()]);
        let draw = |slot: u16, role: u8| sha256(&[&chance, &slot.to_le_bytes(), &[role]])[0];
        let (leaving, reporting) = (chance[0], chance[1]);
        for slot in scene.slots() {
            // some mixtures keep one elected client that neither leaves nor reports, or let everyone but the unelected leave
            let leaves = draw(slot, 0) <= leaving || (chance[2] < 100 && elected.contains(&slot));
            if elected.contains(&slot) && draw(slot, 1) < reporting / 2 {
                let message = template.message(slot);
                scene.send(slot, &message).unwrap();
            }
            if leaves && !(chance[3] < 60 && slot == elected[5]) {
                scene.quit(slot).unwrap();
            }
        }
        let round = scene.run.current_round().unwrap();
        let reported: Vec<u16> = round.entries().map(|entry| entry.client_index).collect();
        let here = |slot: &u16| scene.client(*slot).is(ClientState::Healthy);
        let expected = reported.len() >= usize::from(round.quorum())
            || elected.iter().filter(|slot| here(slot)).all(|slot| reported.contains(slot));
        assert_eq!(scene.is_due(), expected, "mixture {mixture}");
        outcomes[usize::from(expected)] += 1;
    }
    assert!(outcomes.iter().all(|count| *count > 30), "{outcomes:?}");
}
