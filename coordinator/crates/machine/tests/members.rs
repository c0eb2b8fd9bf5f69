//! Joining, being carried, leaving, and the two tables that take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Participant, Scene, config, fresh_state};
use starling_machine::{ClientState, Config, Error, Membership, NEVER_MS, RunState, Slot, State, TickOutcome, sha256};

fn short_epochs() -> Config {
    Config { rounds_per_epoch: 2, ..config() }
}

fn stranger(id: u32) -> Membership {
    let key = |role: &[u8]| sha256(&[role, &id.to_le_bytes()]);
    Membership { owner: key(b"o"), session: key(b"s"), peer_id: key(b"p"), chain_head: key(b"c"), expires_ms: NEVER_MS }
}

fn sessions<'a>(slots: impl Iterator<Item = &'a Slot>) -> Vec<[u8; 32]> {
    slots.map(|slot| slot.session).collect()
}

fn refused(scene: &mut Scene, call: impl FnOnce(&mut State) -> Result<bool, Error>) -> Error {
    let before = scene.whole.clone();
    let error = call(&mut scene.whole).unwrap_err();
    assert!(scene.whole == before, "{error:?} changed the state");
    error
}

#[test]
fn members_wait_in_order_of_joining_and_get_slots_in_that_order() {
    let mut scene = Scene::new(3, &short_epochs());
    let expected: Vec<_> = scene.participants.iter().map(|each| each.membership.session).collect();
    assert_eq!(sessions(scene.next().used()), expected);
    scene.begin_warmup();
    assert_eq!((scene.run.pending_len, scene.run.carried_len, scene.run.live[0]), (0, 3, 0b111));
    assert_eq!(sessions(scene.table().used()), expected);
}

#[test]
fn a_member_stays_one_without_another_join_and_goes_on_in_its_chain() {
    let mut scene = Scene::new(3, &short_epochs());
    assert_eq!(scene.epoch([1; 32]), TickOutcome::EpochSucceeded);
    let before: Vec<_> = scene.table().used().copied().collect();
    assert!(before.iter().zip(&scene.participants).all(|(slot, each)| slot.chain_head != each.membership.chain_head));
    scene.whole.settle_all();
    let newcomer = stranger(1);
    assert_eq!(scene.whole.join(&newcomer, scene.now), Ok(true));
    let table = scene.run.table;
    assert_eq!(scene.tick(100), TickOutcome::Moved);
    assert_eq!(scene.run.table, 1 - table, "the tables take turns");
    assert_eq!(scene.client(0).session, newcomer.session, "who waited comes first");
    for (slot, before) in (1..4).zip(&before) {
        let after = scene.client(slot);
        assert_eq!((after.session, after.chain_head), (before.session, before.chain_head));
        assert_eq!((after.earned, after.rounds_trained, after.settled), (0, 0, 0));
        assert!(before.rounds_trained > 0);
    }
}

#[test]
fn joining_again_replaces_the_place_and_an_equal_join_changes_nothing() {
    let mut scene = Scene::new(3, &short_epochs());
    let mut second = scene.participants[1].membership;
    assert_eq!(scene.whole.join(&second, scene.now), Ok(false));
    second.chain_head = [5; 32];
    assert_eq!(scene.whole.join(&second, scene.now), Ok(true));
    assert_eq!(scene.run.pending_len, 3);
    assert_eq!(scene.next().slot(1).unwrap().chain_head, [5; 32]);
    scene.whole.join(&scene.participants[1].membership.clone(), scene.now).unwrap();

    scene.begin_training();
    scene.round_of_all();
    let member = |slot: &Slot| Membership {
        owner: slot.owner,
        session: slot.session,
        peer_id: slot.peer_id,
        chain_head: slot.chain_head,
        expires_ms: slot.expires_ms,
    };
    let mut present = member(scene.client(1));
    assert_eq!(scene.whole.join(&present, scene.now), Ok(false), "it is a member as it is");
    present.chain_head = [6; 32];
    assert_eq!(scene.whole.join(&present, scene.now), Ok(true));
    assert_eq!((scene.run.pending_len, scene.run.carried_len), (1, 2));
    assert_eq!(scene.client(1).state, ClientState::Healthy as u8, "it trains on");
    scene.witness(1).unwrap();
    assert_eq!(scene.whole.join(&present, scene.now), Ok(false));
    scene.tick(2_000);
    scene.tick(300);
    scene.drain([1; 32]);
    scene.tick(500);
    scene.whole.settle_all();
    scene.tick(100);
    assert_eq!(scene.table().len, 3);
    assert_eq!((scene.client(0).session, scene.client(0).chain_head), (present.session, [6; 32]));
    scene.validate().unwrap();
}

#[test]
fn keys_of_others_are_taken_while_they_are_members() {
    let mut scene = Scene::new(3, &short_epochs());
    let thief = Membership { peer_id: scene.participants[1].membership.peer_id, ..stranger(1) };
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.join(&thief, now)), Error::PeerTaken);
    scene.begin_training();
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.join(&thief, now)), Error::PeerTaken);
    scene.quit(1).unwrap();
    assert_eq!(scene.whole.join(&thief, scene.now), Ok(true));
    let rightful = scene.participants[1].membership;
    assert_eq!(refused(&mut scene, |state| state.join(&rightful, now)), Error::PeerTaken);
}

#[test]
fn a_flood_of_joins_takes_free_places_only() {
    let mut scene = Scene::new(3, &short_epochs());
    assert_eq!(scene.epoch([1; 32]), TickOutcome::EpochSucceeded);
    scene.begin_training();
    assert_eq!(scene.run.carried_len, 3);
    let mut accepted = 0;
    for id in 0..1_000 {
        match scene.whole.join(&stranger(id), scene.now) {
            Ok(true) => accepted += 1,
            refusal => assert_eq!(refusal, Err(Error::RunFull)),
        }
    }
    assert_eq!((accepted, scene.run.pending_len), (253, 253));
    // a member may still renew, and one that leaves frees its place
    let renewed = Membership { chain_head: [9; 32], ..scene.participants[2].membership };
    assert_eq!(scene.whole.join(&renewed, scene.now), Ok(true));
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.join(&stranger(2_000), now)), Error::RunFull);
    scene.quit(0).unwrap();
    assert_eq!(scene.whole.join(&stranger(2_000), scene.now), Ok(true));
    scene.validate().unwrap();
}

#[test]
fn a_flood_to_a_full_run_changes_not_one_byte() {
    let full = Config { init_min_clients: 256, ..config() };
    let mut state = fresh_state();
    state.run.create(b"full", &full, 0).unwrap();
    state.run.start(0).unwrap();
    for id in 0..256 {
        assert_eq!(state.join(&stranger(id), 1), Ok(true));
    }
    state.tick(1_000, &[1; 32]).unwrap();
    assert_eq!((state.run.state(), state.table().len), (RunState::Warmup, 256));
    let before = state.clone();
    for id in 256..1_256 {
        assert_eq!(state.join(&stranger(id), 1_001), Err(Error::RunFull));
    }
    assert!(state == before);
    state.validate().unwrap();
}

#[test]
fn an_expired_session_can_do_nothing_and_is_not_carried() {
    let mut scene = Scene::new(4, &Config { init_min_clients: 3, ..short_epochs() });
    let mut short = scene.participants[3].membership;
    short.expires_ms = scene.now;
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.join(&short, now)), Error::SessionExpired);
    short.expires_ms = scene.now + 2_000;
    scene.whole.join(&short, scene.now).unwrap();
    scene.begin_training();
    scene.now = short.expires_ms;
    let message = scene.message(3);
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.witness(3, &message, now).map(|()| true)), Error::SessionExpired);
    assert_eq!(refused(&mut scene, |state| state.downloaded(3, 1, 0, now).map(|()| true)), Error::InvalidRunState);
    assert_eq!(refused(&mut scene, |state| state.health_check(3, &[0], now).map(|_| true)), Error::SessionExpired);
    assert_eq!(refused(&mut scene, |state| state.report_equivocation(3, 0, now)), Error::SessionExpired);
    while scene.state() != RunState::Cooldown {
        scene.round_with(&[0, 1, 2], [0; 32]);
    }
    scene.tick(500);
    scene.whole.settle_all();
    assert_eq!(scene.run.carried_len, 4);
    scene.tick(100);
    assert_eq!((scene.state(), scene.table().len), (RunState::Warmup, 3));
    assert_eq!(scene.whole.leave(&short.session), Err(Error::NotMember));
}

#[test]
fn a_run_whose_members_expired_while_it_waited_goes_on_waiting() {
    let mut scene = Scene::new(3, &config());
    let mut last = scene.participants[2].membership;
    last.expires_ms = scene.now + 50;
    scene.whole.join(&last, scene.now).unwrap();
    assert_eq!(scene.tick(100), TickOutcome::Moved);
    assert_eq!((scene.state(), scene.run.pending_len), (RunState::WaitingForMembers, 2));
    assert_eq!(scene.tick(100), TickOutcome::Unchanged);
}

#[test]
fn a_warmup_report_of_an_expired_session_counts_for_nothing() {
    let mut scene = Scene::new(3, &config());
    let mut last = scene.participants[2].membership;
    last.expires_ms = scene.now + 500;
    scene.whole.join(&last, scene.now).unwrap();
    scene.begin_warmup();
    scene.now += 400;
    assert_eq!(scene.ready(2), Err(Error::SessionExpired));
    assert_eq!(scene.ready(0), Ok(true));
    assert_eq!(scene.ready(0), Ok(false));
}

#[test]
fn leaving_works_in_every_state_and_only_for_members() {
    let mut scene = Scene::new(4, &short_epochs());
    let key = |scene: &Scene, index: usize| scene.participants[index].membership.session;
    assert_eq!(scene.whole.leave(&[1; 32]), Err(Error::NotMember));
    let waiting = key(&scene, 1);
    scene.whole.leave(&waiting).unwrap();
    let expected: Vec<_> = [0, 2, 3].map(|index| key(&scene, index)).to_vec();
    assert_eq!(sessions(scene.next().used()), expected, "the others keep their order");
    assert_eq!(scene.whole.leave(&waiting), Err(Error::NotMember));
    scene.participants.remove(1);

    scene.begin_training();
    scene.quit(1).unwrap();
    assert_eq!((scene.run.live[0], scene.run.carried_len), (0b101, 2));
    scene.drain([1; 32]);
    scene.tick(500);
    assert_eq!(scene.state(), RunState::WaitingForMembers);
    scene.quit(0).unwrap();
    assert_eq!((scene.run.live[0], scene.run.carried_len), (0b100, 1));
    scene.join_missing();
    assert_eq!((scene.run.pending_len, scene.run.carried_len), (2, 1));
    scene.pause().unwrap();
    assert_eq!((scene.run.pending_len, scene.run.carried_len), (2, 0), "who waits goes on waiting");
    let waiting = key(&scene, 0);
    scene.whole.leave(&waiting).unwrap();
    assert_eq!(scene.run.pending_len, 1);
    assert_eq!(scene.whole.join(&stranger(1), scene.now), Ok(true), "a paused run can be joined");
    scene.validate().unwrap();
}

#[test]
fn an_owner_without_a_grant_ends_the_epoch_and_is_not_in_the_next() {
    let mut scene = Scene::new(4, &short_epochs());
    scene.begin_training();
    let owner = scene.client(3).owner;
    let second = Membership { owner, ..stranger(7) };
    scene.whole.join(&second, scene.now).unwrap();
    scene.whole.withdraw_carry(&owner).unwrap();
    assert_eq!((scene.run.pending_len, scene.run.carried_len), (0, 3));
    assert_eq!(scene.whole.withdraw_carry(&owner), Err(Error::NotMember));
    scene.drain([1; 32]);
    assert!(scene.client(3).rounds_trained > 0, "it trained to the end");
    scene.tick(500);
    scene.whole.settle_all();
    scene.tick(100);
    assert_eq!(scene.table().len, 3);
    assert!(scene.table().used().all(|slot| slot.owner != owner));
}

#[test]
fn an_ejected_owner_is_in_the_next_epoch_with_none_of_its_clients() {
    let mut scene = Scene::new(4, &short_epochs());
    scene.participants[3].membership.owner = scene.participants[2].membership.owner;
    let shared = scene.participants[3].membership;
    scene.whole.join(&shared, scene.now).unwrap();
    scene.begin_training();
    let third = Membership { owner: shared.owner, ..stranger(3) };
    scene.whole.join(&third, scene.now).unwrap();
    for from in [0, 1] {
        assert_eq!(scene.report(from, 3), Ok(false));
    }
    assert_eq!(scene.report(2, 3), Ok(true));
    assert_eq!((scene.run.pending_len, scene.run.carried_len), (0, 2));
    assert_eq!(scene.client(2).state, ClientState::Healthy as u8);
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.join(&third, now)), Error::OwnerEjected);
    scene.drain([1; 32]);
    scene.tick(500);
    scene.whole.settle_all();
    assert_eq!(refused(&mut scene, |state| state.join(&third, now)), Error::OwnerEjected);
}

#[test]
fn who_was_not_ready_in_warmup_must_join_again() {
    let mut scene = Scene::new(3, &config());
    scene.begin_warmup();
    scene.ready(0).unwrap();
    assert_eq!(scene.tick(1_000), TickOutcome::EpochFailed);
    assert_eq!((scene.run.carried_len, scene.run.pending_len), (1, 0));
    let again: Participant = scene.participants[1].clone();
    assert_eq!(scene.whole.join(&again.membership, scene.now), Ok(true));
    assert_eq!(scene.tick(10_000), TickOutcome::Unchanged, "the first epoch waits for three");
    scene.join_missing();
    assert_eq!(scene.tick(0), TickOutcome::Moved);
}

#[test]
fn an_uninitialized_or_finished_run_takes_nobody() {
    let mut state = fresh_state();
    state.run.create(b"r", &config(), 0).unwrap();
    assert_eq!(state.join(&stranger(0), 1), Err(Error::Halted));
    let mut scene = Scene::new(3, &Config { total_steps: 4, ..short_epochs() });
    scene.epoch([1; 32]);
    assert_eq!(scene.state(), RunState::Finished);
    let now = scene.now;
    assert_eq!(refused(&mut scene, |state| state.join(&stranger(0), now)), Error::Halted);
    scene.quit(0).unwrap();
    scene.validate().unwrap();
}
