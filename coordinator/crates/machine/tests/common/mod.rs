//! A run and its participants, driven by hand.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use starling_machine::{
    ClientState, Config, Error, Membership, NEVER_MS, Pod, RunState, Slot, State, TickOutcome, WitnessMessage, sha256,
};
use std::ops::{Deref, DerefMut};

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
            expires_ms: NEVER_MS,
        };
        Self { membership, links }
    }

    /// The link that the machine must accept when its head is `chain_head`.
    pub fn reveal(&self, chain_head: &[u8; 32]) -> [u8; 32] {
        *self.links.iter().find(|link| sha256(&[*link]) == *chain_head).expect("the chain is exhausted")
    }
}

/// The whole state of a run, its time, and who takes part.
pub struct Scene {
    pub whole: Box<State>,
    pub now: u64,
    pub participants: Vec<Participant>,
}

impl Deref for Scene {
    type Target = State;

    fn deref(&self) -> &State {
        &self.whole
    }
}

impl DerefMut for Scene {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.whole
    }
}

pub fn fresh_state() -> Box<State> {
    Box::new(State::ZERO)
}

impl Scene {
    /// A started run that all participants have joined.
    pub fn new(participants: u16, config: &Config) -> Self {
        let mut whole = fresh_state();
        whole.run.create(b"test-run", config, 1_000_000).unwrap();
        whole.run.start(1_000_000).unwrap();
        let participants: Vec<_> = (0..participants).map(Participant::new).collect();
        let mut scene = Self { whole, now: 1_000_000, participants };
        scene.join_missing();
        scene
    }

    /// Settles what is over, and lets every participant join that is not a member.
    pub fn join_missing(&mut self) {
        self.whole.settle_all();
        for participant in &self.participants {
            let session = participant.membership.session;
            let waiting =
                self.whole.run.pending_len != 0 && self.whole.next().used().any(|slot| slot.session == session);
            let carried = self.whole.table().used().any(|slot| slot.session == session && slot.carried == 1);
            if !waiting && !carried {
                let joined = self.whole.join(&participant.membership, self.now);
                assert!(matches!(joined, Ok(true) | Err(Error::OwnerEjected)), "{joined:?}");
            }
        }
        self.whole.validate().unwrap();
    }

    pub fn tick(&mut self, later_ms: u64) -> TickOutcome {
        self.now += later_ms;
        let random = sha256(&[b"server", &self.now.to_le_bytes()]);
        let due = self.whole.run.is_tick_due(self.now);
        let before = self.whole.clone();
        let outcome = self.whole.tick(self.now, &random).unwrap();
        assert_eq!(due, outcome != TickOutcome::Unchanged);
        assert_eq!(due, before != self.whole, "a tick that is due changes something, another nothing");
        self.whole.validate().unwrap();
        outcome
    }

    pub fn is_due(&self) -> bool {
        self.run.is_tick_due(self.now)
    }

    pub fn state(&self) -> RunState {
        self.run.state()
    }

    pub fn slots(&self) -> std::ops::Range<u16> {
        0..self.table().len
    }

    pub fn client(&self, slot: u16) -> &Slot {
        self.table().slot(slot).unwrap()
    }

    pub fn begin_warmup(&mut self) {
        self.join_missing();
        assert_eq!(self.tick(100), TickOutcome::Moved);
        assert_eq!(self.state(), RunState::Warmup);
    }

    pub fn begin_training(&mut self) {
        self.begin_warmup();
        for slot in self.slots() {
            self.ready(slot).unwrap();
        }
        assert_eq!(self.tick(1), TickOutcome::Moved);
        assert_eq!(self.state(), RunState::RoundTrain);
    }

    pub fn ready(&mut self, slot: u16) -> Result<bool, Error> {
        self.whole.warmup_witness(slot, self.now)
    }

    /// A truthful message of `slot` that names every batch of the round.
    pub fn message(&self, slot: u16) -> WitnessMessage {
        let client = self.client(slot);
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
        self.send(slot, &message)
    }

    pub fn send(&mut self, slot: u16, message: &WitnessMessage) -> Result<(), Error> {
        self.whole.witness(slot, message, self.now)
    }

    pub fn downloaded(&mut self, slot: u16, step: u32, lists_held: u32) -> Result<(), Error> {
        self.whole.downloaded(slot, step, lists_held, self.now)
    }

    pub fn health_check(&mut self, from: u16, targets: &[u16]) -> Result<u16, Error> {
        self.whole.health_check(from, targets, self.now)
    }

    pub fn report(&mut self, from: u16, target: u16) -> Result<bool, Error> {
        self.whole.report_equivocation(from, target, self.now)
    }

    /// What the settled slot gave: points earned, points slashed, ejected.
    pub fn settle(&mut self, table: u8, slot: u16) -> Result<(u64, u64, u8), Error> {
        self.whole.settle(table, slot).map(|settled| (settled.earned, settled.slashed, settled.ejected))
    }

    pub fn pause(&mut self) -> Result<(), Error> {
        self.whole.pause(self.now)
    }

    pub fn resume(&mut self) -> Result<(), Error> {
        self.whole.run.resume(self.now)
    }

    /// The client of that slot leaves.
    pub fn quit(&mut self, slot: u16) -> Result<(), Error> {
        let session = self.client(slot).session;
        self.whole.leave(&session)
    }

    /// A whole round in which only `slots` report.
    pub fn round_with(&mut self, slots: &[u16], parameter_hash: [u8; 32]) {
        let step = self.run.step;
        for slot in slots {
            let mut message = self.message(*slot);
            message.parameter_hash = parameter_hash;
            self.send(*slot, &message).unwrap();
        }
        assert_eq!(self.tick(2_000), TickOutcome::Moved);
        assert_eq!(self.state(), RunState::RoundWitness);
        for slot in slots {
            self.downloaded(*slot, step, 0).unwrap();
        }
        assert_eq!(self.tick(300), TickOutcome::Moved);
    }

    pub fn round_of_all(&mut self) {
        let slots: Vec<u16> = self.slots().collect();
        self.round_with(&slots, [0; 32]);
    }

    /// Rounds until Cooldown; the last one carries `parameter_hash`.
    pub fn drain(&mut self, parameter_hash: [u8; 32]) {
        let slots: Vec<u16> = self.slots().filter(|slot| self.client(*slot).is(ClientState::Healthy)).collect();
        while self.state() != RunState::Cooldown {
            let last = self.run.last_step == self.run.step + 1;
            self.round_with(&slots, if last { parameter_hash } else { [0; 32] });
        }
    }

    /// An epoch that all members train to its end.
    pub fn epoch(&mut self, parameter_hash: [u8; 32]) -> TickOutcome {
        self.begin_training();
        self.drain(parameter_hash);
        self.tick(500)
    }
}
