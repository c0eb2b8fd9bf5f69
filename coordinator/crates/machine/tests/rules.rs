//! Every rule of the config, and what counts as a sound state.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod common;

use common::{Scene, config, fresh_state};
use starling_machine::{Config, Error, State};

#[test]
fn every_rule_has_its_own_error() {
    type Change = fn(&mut Config);
    let broken: &[(Error, Change)] = &[
        (Error::WarmupTooLong, |config| config.warmup_ms = config.epoch_ms),
        (Error::CooldownTooShort, |config| config.cooldown_ms = 0),
        (Error::RoundTrainTooShort, |config| config.max_round_train_ms = 0),
        (Error::RoundTrainTooLong, |config| config.max_round_train_ms = config.epoch_ms),
        (Error::RoundWitnessTooShort, |config| config.round_witness_ms = 0),
        (Error::NoTotalSteps, |config| config.total_steps = 0),
        (Error::InitMinClientsTooFew, |config| config.init_min_clients = 1),
        (Error::InitMinClientsTooMany, |config| config.init_min_clients = 257),
        (Error::MoreWitnessesThanClients, |config| config.witness_nodes = 3),
        (Error::NoBatchSize, |config| config.global_batch_size_start = 0),
        (Error::BatchSizeShrinks, |config| config.global_batch_size_end = 7),
        (Error::VerificationPercentTooHigh, |config| config.verification_percent = 101),
        (Error::VerificationUnsupported, |config| config.verification_percent = 1),
        (Error::WaitingExtraTooShort, |config| config.waiting_for_members_extra_ms = 0),
        (Error::ColdStartTooLong, |config| config.cold_start_warmup_steps = 500),
        (Error::NoSequenceLength, |config| config.max_seq_len = 0),
        (Error::ResultShareOutOfRange, |config| config.result_share_bps = 10_001),
        (Error::ResultShareOutOfRange, |config| config.result_share_bps = 0),
        (Error::EarningRateTooHigh, |config| config.earning_rate_total_shared = u64::MAX),
        (Error::SlashingRateTooHigh, |config| config.slashing_rate_per_client = u64::MAX),
        (Error::TimeTooLong, |config| config.cooldown_ms = 1 << 53),
        (Error::PaddingNotZero, |config| config.padding = [1]),
    ];
    assert_eq!(config().check(), Ok(()));
    for (error, change) in broken {
        let mut config = config();
        change(&mut config);
        let mut violations = Vec::new();
        config.violations(|violation| violations.push(violation));
        assert_eq!(violations, [*error]);
        assert_eq!(config.check(), Err(*error));
    }
    let mut several = config();
    (several.epoch_ms, several.min_clients) = (0, 0);
    let mut violations = Vec::new();
    several.violations(|violation| violations.push(violation));
    assert_eq!(violations, [Error::EpochTooShort, Error::WarmupTooLong, Error::RoundTrainTooLong, Error::NoMinClients]);
    let crowd = Config { min_clients: 33, init_min_clients: 33, witness_nodes: 33, ..config() };
    assert_eq!(crowd.check(), Err(Error::TooManyWitnesses));
}

#[test]
fn cold_start_may_fill_the_epoch_exactly() {
    // (1,000,000 - 1,000) / 2,000 = 499 rounds at the most.
    assert_eq!(Config { cold_start_warmup_steps: 499, ..config() }.check(), Ok(()));
}

#[test]
fn error_numbers_are_unique_and_sentences_say_something() {
    for (index, (number, name, sentence)) in Error::ALL.iter().enumerate() {
        assert!(sentence.len() > 15, "{name}");
        assert!(Error::ALL.iter().skip(index + 1).all(|(other, ..)| other != number), "{name}");
    }
    assert_eq!(Error::Halted.sentence(), Error::ALL[0].2);
}

#[test]
fn a_damaged_state_is_refused() {
    let mut scene = Scene::new(3, &config());
    scene.begin_training();
    scene.witness(1).unwrap();
    let damage: &[fn(&mut State)] = &[
        |state| state.run.run_state = 8,
        |state| state.run.run_state = 0,
        |state| state.run.run_state = 2,
        |state| state.run.step = 0,
        |state| state.tables[1].len = 257,
        |state| state.tables[1].len = 2,
        |state| state.run.rounds_len = 5,
        |state| state.run.rounds_len = 0,
        |state| state.run.height = 1,
        |state| state.run.pending_pause = 2,
        |state| state.run.cold_start_epoch = 255,
        |state| state.run.table = 2,
        |state| state.run.table = 0,
        |state| state.run.pending_len = 1,
        |state| state.run.pending_len = 256,
        |state| state.run.carried_len = 2,
        |state| state.run.live[0] = 3,
        |state| state.run.table_unsettled[0] = 1,
        |state| state.tables[0].unsettled = 1,
        |state| state.tables[0].padding = 1,
        |state| state.tables[1].epoch = 1,
        |state| state.run.padding = [1],
        |state| state.run.lost_warmups = starling_machine::LOST_WARMUPS,
        |state| state.run.can_go_back = 2,
        |state| state.run.run_id = [0; 32],
        |state| state.run.run_id[31] = b'x',
        |state| state.run.config.max_seq_len = 0,
        |state| state.run.checkpoint_epoch = 0,
        |state| state.run.warmup_ready[31] = 1,
        |state| state.tables[1].slots[0].state = 4,
        |state| state.tables[1].slots[2].padding[0] = 1,
        |state| state.run.rounds[0].live = [0xff; 32],
        |state| state.run.rounds[0].live_count = 2,
        |state| state.run.rounds[0].elected_count = 4,
        |state| state.run.rounds[0].batch_count = 4,
        |state| state.run.rounds[0].batch_size = 70_000,
        |state| state.run.rounds[0].witnesses_len = 4,
        |state| state.run.rounds[0].drain = 2,
        |state| state.run.rounds[0].height = 4,
        |state| state.run.rounds[0].witnesses[0].client_index = 3,
        |state| state.run.rounds[0].witnesses[0].position = 3,
        |state| state.run.rounds[0].witnesses[0].downloaded = 2,
        |state| state.run.rounds[0].witness_pivots[89] = 3,
        |state| state.rounds[0].reports[0].bitmap = [0xff; 32],
        |state| state.tables[1].slots[0].state = 1,
        |state| state.tables[1].slots[0].carried = 0,
        |state| state.tables[1].slots[0].carried = 2,
        |state| state.tables[1].slots[0].settled = 2,
        |state| state.tables[1].slots[0].rounds_trained = u32::MAX,
    ];
    scene.validate().unwrap();
    for (index, damage) in damage.iter().enumerate() {
        let mut damaged = scene.whole.clone();
        damage(&mut damaged);
        assert_eq!(damaged.validate(), Err(Error::CorruptState), "damage {index}");
    }
    // reports that were not fetched
    let mut partial = scene.whole.clone();
    partial.rounds[0] = starling_machine::Pod::ZERO;
    partial.validate().unwrap();
    scene.run.version += 1;
    assert_eq!(scene.validate(), Err(Error::WrongStateVersion));
}

#[test]
fn run_ids_are_short_text() {
    let mut state = fresh_state();
    for wrong in [&b""[..], &[b'x'; 33], b"a\0b", &[0xff, 0xfe]] {
        assert_eq!(state.run.create(wrong, &config(), 0), Err(Error::InvalidRunId));
    }
    state.run.create(&[b'x'; 32], &config(), 0).unwrap();
    state.validate().unwrap();
}
