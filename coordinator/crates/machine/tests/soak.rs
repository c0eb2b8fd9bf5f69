//! Random calls by the thousand: nothing panics, every state stays sound, a refused call changes nothing, points are conserved.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config};
use starling_machine::{ClientState, Config, Error, RunState, TickOutcome, WitnessMessage, sha256};

/// xorshift64*: enough to choose test actions, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Default)]
struct Ledger {
    paid: u64,
    minted: u64,
    succeeded: u32,
    failed: u32,
    ejected: u32,
    refused: u32,
}

fn hostile_message(random: &mut Random, scene: &Scene, slot: u16) -> WitnessMessage {
    let honest = scene.run.client(slot).is_some() && scene.run.current_round().is_some();
    let mut message = if honest {
        scene.message(slot)
    } else {
        WitnessMessage { bitmap: [0; 32], list_root: [0; 32], reveal: [0; 32], parameter_hash: [0; 32], step: 0 }
    };
    if scene.run.last_step == scene.run.step + 1 && random.chance(90) {
        message.parameter_hash = [random.below(2) as u8; 32];
    }
    match random.below(20) {
        0 => message.step = random.next() as u32,
        1 => message.bitmap = sha256(&[&random.next().to_le_bytes()]),
        2 => message.reveal = [0; 32],
        3 => message.parameter_hash = [1; 32],
        4 => message.bitmap[0] &= random.next() as u8,
        _ => {}
    }
    message
}

fn act(random: &mut Random, scene: &mut Scene, ledger: &mut Ledger) -> Result<(), Error> {
    let slot = if random.chance(97) { random.below(8) } else { random.below(70_000) } as u16;
    let other = if random.chance(97) { random.below(8) } else { random.below(70_000) } as u16;
    let now = scene.now;
    match random.below(1_000) {
        0..350 => {
            let message = hostile_message(random, scene, slot);
            scene.run.witness(slot, &message)
        }
        350..550 => {
            let step = if random.chance(95) { scene.run.step } else { random.next() as u32 };
            let lists = if random.chance(80) { 0 } else { random.next() as u32 };
            scene.run.downloaded(slot, step, lists)
        }
        550..650 => scene.run.warmup_witness(slot),
        650..660 => scene.run.leave(slot),
        660..690 => scene.run.health_check(slot, &[other]).map(|_| ()),
        690..700 => scene.run.report_equivocation(slot, other).map(|ejected| ledger.ejected += u32::from(ejected)),
        700..703 => scene.run.pause(now),
        703..730 => scene.run.resume(now),
        730..733 => scene.run.set_future_epoch_rates(random.below(1_000), random.below(50)),
        733..736 => {
            let hash = scene.run.parameter_hash;
            scene.run.checkpoint(b"somewhere", &hash)
        }
        736..740 => {
            let members = random.below(8) as usize;
            let shuffled = random.below(8) as usize;
            scene.pending = scene.participants.iter().take(members + 1).map(|each| each.membership).collect();
            let len = scene.pending.len();
            scene.pending.rotate_left(shuffled % len);
            Ok(())
        }
        _ => tick(random, scene, ledger),
    }
}

fn tick(random: &mut Random, scene: &mut Scene, ledger: &mut Ledger) -> Result<(), Error> {
    let longest_ms = if random.chance(20) { 2_500 } else { 20 };
    scene.now += random.below(longest_ms);
    let carry_before = scene.run.points_carry;
    let random_bytes = sha256(&[&random.next().to_le_bytes()]);
    let epoch_rate = scene.run.epoch_earning_rate;
    let in_cooldown = scene.run.state() == RunState::Cooldown;
    let outcome = scene.run.tick(scene.now, &random_bytes, &scene.pending)?;
    let earned: u64 = scene.run.clients.iter().map(|client| client.earned).sum();
    match outcome {
        TickOutcome::EpochSucceeded => {
            assert!(in_cooldown);
            ledger.succeeded += 1;
            ledger.paid += earned;
            ledger.minted += epoch_rate;
            let ejected = scene.run.clients.iter().filter(|client| client.state == ClientState::Ejected as u8);
            assert!(
                ejected.into_iter().all(|client| client.earned == 0 && client.slashed == scene.run.epoch_slashing_rate)
            );
        }
        TickOutcome::EpochFailed => {
            ledger.failed += 1;
            assert_eq!((earned, scene.run.points_carry), (0, carry_before), "an epoch that did not train pays nothing");
        }
        TickOutcome::Unchanged | TickOutcome::Moved => {}
    }
    Ok(())
}

fn soak(seed: u64, actions: u32) -> Ledger {
    println!("seed {seed}");
    let mut random = Random(seed);
    let config = Config {
        rounds_per_epoch: 3,
        global_batch_size_start: 3,
        global_batch_size_end: 20,
        global_batch_size_warmup_tokens: 100_000,
        witness_nodes: (seed % 3) as u16,
        total_steps: 100_000,
        ..config()
    };
    let mut scene = Scene::new(8, &config);
    let mut ledger = Ledger::default();
    for action in 0..actions {
        if action % 4_000 == 3_999 {
            // Chains are finite and owners get barred: begin again.
            scene = Scene::new(8, &config);
            (ledger.paid, ledger.minted) = (0, 0);
        }
        let (before, step_before) = (scene.run.clone(), scene.run.step);
        if act(&mut random, &mut scene, &mut ledger).is_err() {
            ledger.refused += 1;
            assert!(scene.run == before, "seed {seed}, action {action}: a refused call changed the state");
        }
        scene.run.validate().unwrap_or_else(|error| panic!("seed {seed}, action {action}: {error:?}"));
        assert!(scene.run.step >= step_before);
        assert_eq!(ledger.paid + scene.run.points_carry, ledger.minted, "seed {seed}, action {action}");
    }
    ledger
}

#[test]
fn random_calls_keep_every_invariant() {
    let (mut succeeded, mut failed, mut ejected, mut refused) = (0, 0, 0, 0);
    for seed in 1..=6 {
        let ledger = soak(seed, 12_000);
        succeeded += ledger.succeeded;
        failed += ledger.failed;
        ejected += ledger.ejected;
        refused += ledger.refused;
    }
    println!("{succeeded} epochs trained, {failed} did not, {ejected} ejections, {refused} refusals");
    assert!(succeeded > 20 && failed > 5 && ejected > 0 && refused > 1_000, "the soak must reach all of these");
}
