//! A run and its participants, driven by hand.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use starling_machine::{Config, Coordinator, Error, Membership, Pod, RunState, TickOutcome, WitnessMessage, sha256};

pub const CHAIN_LINKS: usize = 512;

pub fn config() -> Config {
    Config {
        warmup_ms: 1_000,
        cooldown_ms: 500,
        max_round_train_ms: 2_000,
        round_witness_ms: 300,
        epoch_ms: 1_000_000,
        waiting_for_members_extra_ms: 100,
        rounds_per_epoch: 0,
        total_steps: 10_000,
        max_seq_len: 128,
        init_min_clients: 3,
        min_clients: 2,
        global_batch_size_start: 8,
        global_batch_size_end: 8,
        result_share_bps: 9_000,
        straggler_grace_bps: 2_500,
        earning_rate_total_shared: 100,
        slashing_rate_per_client: 10,
        ..Config::ZERO
    }
}

/// A member and the sha256 chain it reveals link by link, last first.
#[derive(Clone)]
pub struct Participant {
    pub membership: Membership,
    links: Vec<[u8; 32]>,
}

impl Participant {
    pub fn new(id: u16) -> Self {
        let key = |role: &[u8]| sha256(&[role, &id.to_le_bytes()]);
        let mut links = vec![key(b"chain")];
        for _ in 0..CHAIN_LINKS {
            links.push(sha256(&[links.last().unwrap()]));
        }
        let membership = Membership {
            owner: key(b"owner"),
            session: key(b"session"),
            peer_id: key(b"peer"),
            chain_head: links.pop().unwrap(),
        };
        Self { membership, links }
    }

    /// The link that the machine must accept when its head is `chain_head`.
    pub fn reveal(&self, chain_head: &[u8; 32]) -> [u8; 32] {
        *self.links.iter().find(|link| sha256(&[*link]) == *chain_head).expect("the chain is exhausted")
    }
}

pub struct Scene {
    pub run: Box<Coordinator>,
    pub now: u64,
    pub participants: Vec<Participant>,
    pub pending: Vec<Membership>,
}

impl Scene {
    pub fn new(participants: u16, config: &Config) -> Self {
        let mut run = Box::new(Coordinator::ZERO);
        run.create(b"test-run", config, 1_000_000).unwrap();
        run.start(1_000_000).unwrap();
        let participants: Vec<_> = (0..participants).map(Participant::new).collect();
        let pending = participants.iter().map(|participant| participant.membership).collect();
        Self { run, now: 1_000_000, participants, pending }
    }

    pub fn tick(&mut self, later_ms: u64) -> TickOutcome {
        self.now += later_ms;
        let random = sha256(&[b"server", &self.now.to_le_bytes()]);
        let outcome = self.run.tick(self.now, &random, &self.pending).unwrap();
        self.run.validate().unwrap();
        outcome
    }

    pub fn state(&self) -> RunState {
        self.run.state()
    }

    pub fn slots(&self) -> std::ops::Range<u16> {
        0..self.run.clients_len
    }

    pub fn begin_warmup(&mut self) {
        assert_eq!(self.tick(100), TickOutcome::Moved);
        assert_eq!(self.state(), RunState::Warmup);
    }

    pub fn begin_training(&mut self) {
        self.begin_warmup();
        for slot in self.slots() {
            self.run.warmup_witness(slot).unwrap();
        }
        assert_eq!(self.tick(1), TickOutcome::Moved);
        assert_eq!(self.state(), RunState::RoundTrain);
    }

    /// A truthful message of `slot` that names every batch of the round.
    pub fn message(&self, slot: u16) -> WitnessMessage {
        let client = self.run.client(slot).unwrap();
        let participant = self.participants.iter().find(|each| each.membership.session == client.session).unwrap();
        let mut bitmap = [0u8; 32];
        for batch in 0..self.run.current_round().unwrap().batch_count {
            bitmap[usize::from(batch / 8)] |= 1 << (batch % 8);
        }
        WitnessMessage {
            bitmap,
            list_root: [7; 32],
            reveal: participant.reveal(&client.chain_head),
            parameter_hash: [0; 32],
            step: self.run.step,
        }
    }

    pub fn witness(&mut self, slot: u16) -> Result<(), Error> {
        let message = self.message(slot);
        self.run.witness(slot, &message)
    }

    /// A whole round in which only `slots` report.
    pub fn round_with(&mut self, slots: &[u16], parameter_hash: [u8; 32]) {
        let step = self.run.step;
        for slot in slots {
            let mut message = self.message(*slot);
            message.parameter_hash = parameter_hash;
            self.run.witness(*slot, &message).unwrap();
        }
        assert_eq!(self.tick(2_000), TickOutcome::Moved);
        assert_eq!(self.state(), RunState::RoundWitness);
        for slot in slots {
            self.run.downloaded(*slot, step, 0).unwrap();
        }
        assert_eq!(self.tick(300), TickOutcome::Moved);
    }

    pub fn round(&mut self) {
        let slots: Vec<u16> = self.slots().collect();
        self.round_with(&slots, [0; 32]);
    }

    /// Rounds until Cooldown; the last one carries `parameter_hash`.
    pub fn drain(&mut self, parameter_hash: [u8; 32]) {
        let slots: Vec<u16> = self.slots().filter(|slot| self.run.client(*slot).unwrap().state == 0).collect();
        while self.state() != RunState::Cooldown {
            let last = self.run.last_step == self.run.step + 1;
            self.round_with(&slots, if last { parameter_hash } else { [0; 32] });
        }
    }
}
