//! Every arrow between run states.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config, fresh_state};
use starling_machine::{ClientState, Config, Error, NO_EPOCH, RunState, State, TickOutcome};

fn client_state(scene: &Scene, slot: u16) -> u8 {
    scene.client(slot).state
}

#[test]
fn a_run_begins_uninitialized_and_starts_at_step_one() {
    let mut state = fresh_state();
    state.run.create(b"r", &config(), 5).unwrap();
    assert_eq!(state.run.state(), RunState::Uninitialized);
    assert_eq!(state.tick(10, &[0; 32]), Err(Error::Halted));
    let run = &mut state.run;
    assert_eq!(run.create(b"r", &config(), 5), Err(Error::AlreadyStarted));
    run.start(6).unwrap();
    assert_eq!((run.state(), run.step, run.run_state_started_ms), (RunState::WaitingForMembers, 1, 6));
    assert_eq!(run.start(7), Err(Error::AlreadyStarted));
}

#[test]
fn waiting_needs_enough_members_and_the_extra_time() {
    let mut scene = Scene::new(3, &config());
    assert_eq!(scene.tick(99), TickOutcome::Unchanged);
    let last = scene.participants[2].membership;
    scene.leave(&last.session).unwrap();
    assert_eq!(scene.tick(1_000), TickOutcome::Unchanged);
    assert!(!scene.is_due());
    assert_eq!(scene.whole.join(&last, scene.now), Ok(true));
    assert!(scene.is_due());
    assert_eq!(scene.tick(0), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::Warmup);
    assert_eq!(scene.table().len, 3);
}

#[test]
fn a_later_epoch_is_content_with_min_clients_but_a_cold_start_is_not() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, ..config() });
    assert_eq!(scene.epoch([1; 32]), TickOutcome::EpochSucceeded);
    scene.quit(2).unwrap();
    scene.participants.pop();
    scene.begin_warmup();
    scene.pause().unwrap();
    scene.resume().unwrap();
    scene.join_missing();
    assert_eq!(scene.tick(10_000), TickOutcome::Unchanged, "a cold start waits for init_min_clients");
}

#[test]
fn warmup_ends_early_only_when_every_live_slot_is_ready() {
    let mut scene = Scene::new(3, &config());
    scene.begin_warmup();
    scene.ready(0).unwrap();
    scene.ready(0).unwrap();
    scene.ready(1).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Unchanged, "one sender counts once");
    scene.quit(2).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::RoundTrain);
    assert_eq!(scene.run.current_round().unwrap().live_count, 2);
}

#[test]
fn warmup_drops_at_its_end_who_never_was_ready() {
    let mut scene = Scene::new(3, &config());
    scene.begin_warmup();
    scene.ready(0).unwrap();
    scene.ready(2).unwrap();
    assert_eq!(scene.tick(999), TickOutcome::Unchanged);
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::RoundTrain);
    assert_eq!(client_state(&scene, 1), ClientState::Dropped as u8);
    assert_eq!(scene.run.current_round().unwrap().live[0], 0b101);
}

#[test]
fn warmup_fails_with_too_few_ready_at_its_end_or_as_soon_as_too_few_are_left() {
    let mut scene = Scene::new(3, &config());
    scene.begin_warmup();
    scene.ready(0).unwrap();
    assert_eq!(scene.tick(1_000), TickOutcome::EpochFailed);
    assert_eq!((scene.state(), scene.run.epoch), (RunState::WaitingForMembers, 0));
    scene.begin_warmup();
    scene.quit(0).unwrap();
    scene.quit(1).unwrap();
    assert_eq!(scene.tick(0), TickOutcome::EpochFailed);
}

#[test]
fn a_round_moves_on_at_a_quorum_and_otherwise_at_its_timeouts() {
    let mut scene = Scene::new(4, &Config { init_min_clients: 4, ..config() });
    scene.begin_training();
    scene.witness(0).unwrap();
    scene.witness(1).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Unchanged);
    scene.witness(2).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Moved, "3 of 4 are a quorum");
    assert_eq!(scene.state(), RunState::RoundWitness);
    assert_eq!(scene.tick(1), TickOutcome::Unchanged);
    scene.witness(3).unwrap();
    for slot in 0..2 {
        scene.downloaded(slot, 1, 0b1111).unwrap();
    }
    assert_eq!(scene.tick(1), TickOutcome::Unchanged);
    scene.downloaded(3, 1, 0b1111).unwrap();
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!((scene.state(), scene.run.step), (RunState::RoundTrain, 2));

    scene.witness(0).unwrap();
    assert_eq!(scene.tick(1_999), TickOutcome::Unchanged);
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::RoundWitness);
    assert_eq!(scene.tick(299), TickOutcome::Unchanged);
    assert_eq!(scene.tick(1), TickOutcome::Moved);
    assert_eq!(scene.run.last_step, 5, "a round without a quorum makes the epoch drain at once");
}

#[test]
fn data_advances_by_what_was_assigned_and_drain_rounds_use_none() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 3, ..config() });
    scene.begin_training();
    let mut indices = Vec::new();
    while scene.state() != RunState::Cooldown {
        let round = scene.run.current_round().unwrap();
        indices.push((round.data_index, round.batch_size, round.drain));
        scene.round_of_all();
    }
    assert_eq!(indices, [(0, 8, 0), (8, 8, 0), (16, 8, 0), (24, 0, 1), (24, 0, 1)]);
    scene.tick(500);
    assert_eq!(scene.run.epoch_start_data_index, 24);
}

#[test]
fn an_epoch_is_at_least_two_rounds_of_training_and_two_of_draining() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 1, ..config() });
    scene.begin_training();
    scene.round_of_all();
    assert_eq!(scene.run.last_step, 0);
    scene.round_of_all();
    assert_eq!(scene.run.last_step, 5);
    scene.round_of_all();
    scene.round_of_all();
    assert_eq!((scene.state(), scene.run.step), (RunState::Cooldown, 5));
}

#[test]
fn the_epochs_time_makes_it_drain() {
    let mut scene = Scene::new(3, &Config { epoch_ms: 10_000, ..config() });
    scene.begin_training();
    for _ in 0..3 {
        scene.round_of_all();
    }
    assert_eq!(scene.run.last_step, 0);
    scene.tick(2_000);
    scene.tick(300);
    assert_ne!(scene.run.last_step, 0);
}

#[test]
fn losing_too_many_clients_makes_it_drain() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    scene.quit(0).unwrap();
    scene.quit(1).unwrap();
    scene.witness(2).unwrap();
    scene.tick(2_000);
    scene.tick(300);
    assert_eq!(scene.run.last_step, 4);
    assert_eq!(scene.run.current_round().unwrap().drain, 1);
}

#[test]
fn a_round_that_nobody_witnessed_goes_straight_to_cooldown() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    scene.tick(2_000);
    assert_eq!(scene.tick(300), TickOutcome::Moved);
    assert_eq!(scene.state(), RunState::Cooldown);
    assert_eq!(scene.tick(499), TickOutcome::Unchanged);
    assert_eq!(scene.tick(1), TickOutcome::EpochFailed);
    assert_eq!((scene.run.epoch, scene.run.points_carry), (1, 0), "an epoch that did not train pays nothing");
    assert_eq!(scene.run.epoch_start_data_index, 8, "its data is used up all the same");
}

#[test]
fn the_run_finishes_at_total_steps() {
    let mut scene = Scene::new(3, &Config { total_steps: 6, ..config() });
    scene.begin_training();
    scene.drain([1; 32]);
    assert_eq!(scene.run.step, 6);
    assert_eq!(scene.tick(500), TickOutcome::EpochSucceeded);
    assert_eq!(scene.state(), RunState::Finished);
    assert_eq!(scene.whole.tick(scene.now + 1, &[0; 32]), Err(Error::Halted));
    assert_eq!(scene.pause(), Err(Error::Halted));
    assert_eq!(scene.resume(), Err(Error::CannotResume));
}

#[test]
fn pausing_drains_what_is_in_flight() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    scene.pause().unwrap();
    assert_eq!(scene.pause(), Err(Error::AlreadyPausing));
    scene.round_of_all();
    assert_eq!(scene.run.last_step, 4);
    scene.drain([9; 32]);
    assert_eq!(scene.tick(500), TickOutcome::EpochSucceeded);
    assert_eq!((scene.state(), scene.run.cold_start_epoch, scene.run.pending_pause), (RunState::Paused, 1, 0));
    assert_eq!(scene.run.parameter_hash, [9; 32]);
    assert!(scene.slots().all(|slot| client_state(&scene, slot) == ClientState::Withdrawn as u8));
    scene.resume().unwrap();
    scene.begin_training();
    assert_eq!(scene.run.cold_start_epoch, 1);
    scene.pause().unwrap();
    scene.drain([8; 32]);
    scene.pause().unwrap_err();
    scene.tick(500);
    assert_eq!(scene.state(), RunState::Paused);
}

#[test]
fn pausing_in_cooldown_takes_effect_at_its_end_and_a_warm_epoch_follows_otherwise() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, ..config() });
    scene.begin_training();
    scene.drain([1; 32]);
    scene.pause().unwrap();
    assert_eq!(scene.state(), RunState::Cooldown);
    scene.tick(500);
    assert_eq!(scene.state(), RunState::Paused);
    scene.resume().unwrap();
    scene.begin_training();
    scene.drain([2; 32]);
    scene.tick(500);
    assert_eq!((scene.state(), scene.run.cold_start_epoch), (RunState::WaitingForMembers, 0));
}

#[test]
fn pausing_while_nothing_is_in_flight_is_immediate() {
    let mut scene = Scene::new(3, &config());
    scene.pause().unwrap();
    assert_eq!(scene.state(), RunState::Paused);
    scene.run.update_config(&Config { total_steps: 50, ..config() }).unwrap();
    scene.resume().unwrap();
    scene.begin_warmup();
    scene.pause().unwrap();
    assert_eq!(scene.state(), RunState::Paused);
    scene.run.update_config(&Config { total_steps: 1, ..config() }).unwrap();
    scene.resume().unwrap();
    assert_eq!(scene.state(), RunState::Finished, "there is no step left to train");
}

#[test]
fn a_timeout_never_fires_in_the_instant_its_state_began() {
    let mut scene = Scene::new(3, &Config { warmup_ms: 0, ..config() });
    scene.begin_warmup();
    for slot in 0..2 {
        scene.ready(slot).unwrap();
    }
    assert_eq!(scene.tick(0), TickOutcome::Unchanged);
    assert_eq!(scene.tick(1), TickOutcome::Moved);
}

#[test]
fn time_that_runs_backwards_or_to_the_end_of_the_world_is_harmless() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    assert_eq!(scene.whole.tick(0, &[1; 32]), Ok(TickOutcome::Unchanged));
    assert_eq!(scene.whole.tick(u64::MAX, &[1; 32]), Ok(TickOutcome::Moved));
    assert_eq!(scene.whole.tick(u64::MAX, &[1; 32]), Ok(TickOutcome::Unchanged));
}

#[test]
fn four_rounds_are_kept_and_their_heights_known() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    for _ in 0..6 {
        scene.round_of_all();
    }
    assert_eq!(scene.run.height, 6);
    assert!(scene.run.round(2).is_none());
    for height in 3..=6 {
        assert_eq!(scene.run.round(height).unwrap().step, height + 1);
    }
    assert!(scene.run.round(7).is_none());
}

#[test]
fn a_rounds_seed_is_fixed_one_round_ahead_and_depends_on_reveals_and_server() {
    let run = |server: u8, extra_witness: bool| {
        let mut scene = Scene::new(3, &config());
        scene.begin_training();
        scene.witness(0).unwrap();
        scene.witness(1).unwrap();
        if extra_witness {
            scene.witness(2).unwrap();
        }
        scene.whole.tick(scene.now + 1, &[server; 32]).unwrap();
        let (next, following) = (scene.run.next_seed, scene.run.following_seed);
        if !extra_witness {
            scene.witness(2).unwrap();
        }
        scene.now += 1;
        scene.tick(300);
        assert_eq!(scene.run.current_round().unwrap().seed, next);
        assert_eq!(scene.run.next_seed, following, "a reveal made after the server's randomness changes nothing");
        following
    };
    assert_ne!(run(1, false), run(2, false));
    assert_ne!(run(1, false), run(1, true));
    assert_eq!(run(1, false), run(1, false));
}

#[test]
fn the_parameter_hash_needs_a_quorum_of_the_last_drain_round() {
    let mut scene = Scene::new(3, &Config { rounds_per_epoch: 2, ..config() });
    assert_eq!(scene.run.parameter_hash_epoch, NO_EPOCH);
    scene.begin_training();
    while scene.run.last_step != scene.run.step + 1 {
        scene.round_of_all();
    }
    for (slot, hash) in [(0u16, [1; 32]), (1, [2; 32]), (2, [0; 32])] {
        let mut message = scene.message(slot);
        message.parameter_hash = hash;
        scene.send(slot, &message).unwrap();
    }
    scene.tick(1);
    scene.tick(300);
    assert_eq!(scene.run.parameter_hash_epoch, NO_EPOCH, "three opinions are no quorum");
    assert_eq!(scene.tick(500), TickOutcome::EpochSucceeded, "points are paid all the same");
    assert_eq!(scene.client(0).earned, 33);
    scene.begin_training();
    while scene.run.last_step != scene.run.step + 1 {
        scene.round_of_all();
    }
    for (slot, hash) in [(0u16, [3; 32]), (1, [2; 32]), (2, [3; 32])] {
        let mut message = scene.message(slot);
        message.parameter_hash = hash;
        scene.send(slot, &message).unwrap();
    }
    scene.tick(1);
    scene.tick(300);
    assert_eq!((scene.run.parameter_hash, scene.run.parameter_hash_epoch), ([3; 32], 1));
    assert_eq!(scene.run.checkpoint(b"gs://bucket/x", &[2; 32]), Err(Error::WrongCheckpointHash));
    assert_eq!(scene.run.checkpoint(b"", &[3; 32]), Err(Error::InvalidCheckpointLocation));
    assert_eq!(scene.run.checkpoint(&[b'x'; 193], &[3; 32]), Err(Error::InvalidCheckpointLocation));
    scene.run.checkpoint(&[b'x'; 192], &[3; 32]).unwrap();
    assert_eq!(scene.run.checkpoint_epoch, 1);
    scene.validate().unwrap();
}

#[test]
fn pod_states_are_what_the_layout_says() {
    assert_eq!(size_of::<State>(), 121_272);
    assert_eq!(fresh_state().run.state(), RunState::Uninitialized);
    assert_eq!(fresh_state().validate(), Err(Error::WrongStateVersion));
}
