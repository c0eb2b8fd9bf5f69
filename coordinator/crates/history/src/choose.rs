//! Which call comes next.

use starling_machine::{
    ClientState, Config, Membership, NEVER_MS, Pod as _, RoundHot, RunState, State, TABLES, WitnessMessage,
};

use crate::call::Call;
use crate::random::Random;
use crate::{History, people::People};

/// A sound config whose times are whole seconds and whose epochs are short.
pub fn config(random: &mut Random, people: u64) -> Config {
    let min_clients = 1 + random.below(people.min(3)) as u16;
    let init_min_clients = min_clients + random.below(people - u64::from(min_clients) + 1) as u16;
    let batch_start = 1 + random.below(12) as u16;
    Config {
        warmup_ms: 1_000 * (1 + random.below(5)),
        cooldown_ms: 1_000 * (1 + random.below(2)),
        max_round_train_ms: 1_000 * (1 + random.below(4)),
        round_witness_ms: 1_000 * (1 + random.below(2)),
        epoch_ms: 1_000 * (10 + random.below(60)),
        waiting_for_members_extra_ms: 1_000 * (1 + random.below(2)),
        global_batch_size_warmup_tokens: if random.chance(50) { random.below(2_000) } else { 0 },
        earning_rate_total_shared: random.below(1_000),
        slashing_rate_per_client: random.below(50),
        rounds_per_epoch: random.below(6) as u32,
        total_steps: if random.chance(10) { 4 + random.below(12) as u32 } else { 10_000 },
        max_seq_len: 16,
        init_min_clients,
        min_clients,
        witness_nodes: if random.chance(50) { 0 } else { random.below(u64::from(min_clients) + 1) as u16 },
        global_batch_size_start: batch_start,
        global_batch_size_end: batch_start + random.below(8) as u16,
        result_share_bps: 9_000,
        straggler_grace_bps: 2_500,
        ..Config::ZERO
    }
}

impl History {
    pub(crate) fn choose(&mut self) -> Call {
        if self.random.chance(8) {
            return self.any_call();
        }
        if self.random.chance(10) {
            return self.membership_call();
        }
        match self.state.run.state() {
            RunState::Uninitialized => Call::Start,
            RunState::WaitingForMembers => self.while_waiting(),
            RunState::Warmup => self.while_warming_up(),
            RunState::RoundTrain => self.while_training(),
            RunState::RoundWitness => self.while_witnessing(),
            RunState::Cooldown => self.tick_after(self.state.run.config.cooldown_ms, 60),
            RunState::Finished => self.settlement().unwrap_or_else(|| self.any_call()),
            RunState::Paused => match self.random.below(4) {
                0 => Call::Resume,
                1 => self.settlement().unwrap_or(Call::Resume),
                2 => Call::UpdateConfig(config(&mut self.random, self.people.members.len() as u64)),
                _ => self.join(),
            },
        }
    }

    /// A tick now, or in `percent` of the cases when that time has passed.
    fn tick_after(&mut self, duration_ms: u64, percent: u64) -> Call {
        if self.random.chance(percent) {
            self.now_ms = self.now_ms.max(self.state.run.run_state_started_ms.saturating_add(duration_ms));
        } else if self.random.chance(30) {
            self.now_ms += 1_000;
        }
        Call::Tick(self.random.bytes())
    }

    fn while_waiting(&mut self) -> Call {
        let run = &self.state.run;
        let unsettled = run.table_unsettled.iter().any(|count| *count != 0);
        if unsettled && (run.next_unsettled() != 0 || self.random.chance(60)) && self.random.chance(90) {
            return self.settlement().unwrap_or_else(|| self.join());
        }
        if usize::from(self.state.run.member_count()) < self.people.members.len() && self.random.chance(75) {
            return self.join();
        }
        self.tick_after(self.state.run.config.waiting_for_members_extra_ms, 80)
    }

    fn while_warming_up(&mut self) -> Call {
        let ready = self.state.run.warmup_ready;
        let waiting = self.slots(|_, slot, silent| !silent && !bit(&ready, slot));
        match self.random.pick(&waiting) {
            Some(slot) if self.random.chance(85) => Call::WarmupWitness(slot),
            _ => self.tick_after(self.state.run.config.warmup_ms, 25),
        }
    }

    fn while_training(&mut self) -> Call {
        match self.random.below(40) {
            0 | 1 => return self.health_check(),
            2 => return self.accusation(),
            _ => {}
        }
        match self.witness() {
            Some(call) if self.random.chance(85) => call,
            _ => self.tick_after(self.state.run.config.max_round_train_ms, 40),
        }
    }

    fn while_witnessing(&mut self) -> Call {
        if self.random.chance(10) {
            return self.witness().unwrap_or_else(|| Call::Tick(self.random.bytes()));
        }
        let reporters: Vec<u16> = self
            .state
            .run
            .current_round()
            .map(|round| {
                let busy = round.entries().filter(|entry| entry.downloaded == 0);
                busy.map(|entry| entry.client_index).collect()
            })
            .unwrap_or_default();
        match self.random.pick(&reporters) {
            Some(slot) if self.random.chance(75) => {
                let entered = self
                    .state
                    .run
                    .current_round()
                    .map_or(0, |round| round.entries().fold(0u32, |mask, entry| mask | (1 << entry.position)));
                let lists_held = entered & self.random.draw() as u32;
                Call::Downloaded { slot, step: self.state.run.step, lists_held }
            }
            _ => self.tick_after(self.state.run.config.round_witness_ms, 40),
        }
    }

    /// A message of an elected client that has not reported yet.
    fn witness(&mut self) -> Option<Call> {
        let round: RoundHot = *self.state.run.current_round()?;
        let reported: Vec<u16> = round.entries().map(|entry| entry.client_index).collect();
        let elected: Vec<u16> = round.elected().as_slice().iter().map(|each| each.client_index).collect();
        let able = self.slots(|_, slot, silent| !silent && elected.contains(&slot) && !reported.contains(&slot));
        let slot = self.random.pick(&able)?;
        Some(Call::Witness(slot, self.message(slot, &round)))
    }

    /// A truthful message, now and then with a fault.
    fn message(&mut self, slot: u16, round: &RoundHot) -> WitnessMessage {
        let head = self.state.table().slot(slot).map_or([0; 32], |client| client.chain_head);
        let mut bitmap = [0u8; 32];
        for batch in (0..round.batch_count).filter(|_| self.random.chance(93)) {
            bitmap[usize::from(batch / 8)] |= 1 << (batch % 8);
        }
        let last_drain_round = self.state.run.last_step != 0 && self.state.run.step + 1 == self.state.run.last_step;
        let mut message = WitnessMessage {
            bitmap,
            list_root: self.random.bytes(),
            reveal: self.people.reveal(&head).unwrap_or([1; 32]),
            parameter_hash: [0; 32],
            step: self.state.run.step,
        };
        if last_drain_round && self.random.chance(95) {
            message.parameter_hash = [1 + (self.state.run.epoch as u8) + u8::from(self.random.chance(10)); 32];
        }
        match self.random.below(80) {
            0 => message.step = self.random.draw() as u32,
            1 => message.bitmap = self.random.bytes(),
            2 => message.reveal = [0; 32],
            3 => message.parameter_hash = [9; 32],
            _ => {}
        }
        message
    }

    fn membership_call(&mut self) -> Call {
        match self.random.below(20) {
            0..11 => self.join(),
            11..14 => {
                let leaver = self.person();
                Call::Leave(leaver.session)
            }
            14 => {
                let owner = self.person().owner;
                Call::WithdrawCarry(owner)
            }
            15..18 => self.settlement().unwrap_or_else(|| self.join()),
            18 => self.accusation(),
            _ => match self.random.below(4) {
                0 => Call::Pause,
                1 => Call::SetFutureEpochRates(self.random.below(1_000), self.random.below(50)),
                _ => self.checkpoint(),
            },
        }
    }

    /// Whoever is accused already is accused again, so that some are ejected.
    fn accusation(&mut self) -> Call {
        let votes = |slot: &u16| self.state.table().slot(*slot).map_or([0; 32], |client| client.equivocation_votes);
        let accused = (0..self.state.table().len)
            .max_by_key(|slot| votes(slot).iter().map(|byte| byte.count_ones()).sum::<u32>());
        let target = accused.unwrap_or(0);
        let votes_so_far = votes(&target);
        let accusers = self.slots(|_, slot, _| slot != target && !bit(&votes_so_far, slot));
        Call::ReportEquivocation { from: self.random.pick(&accusers).unwrap_or(0), target }
    }

    /// Somebody who is no member joins; now and then one who is.
    fn join(&mut self) -> Call {
        let renews = self.random.chance(15);
        let is_member = |state: &State, member: &Membership| {
            let waiting = state.run.pending_len != 0 && state.next().used().any(|slot| slot.session == member.session);
            waiting || state.table().used().any(|slot| slot.session == member.session && slot.carried == 1)
        };
        let candidates: Vec<usize> = (0..self.people.members.len())
            .filter(|index| {
                let member = &self.people.members[*index];
                renews == is_member(&self.state, member) && !self.is_barred_by_host_alone(member)
            })
            .collect();
        let Some(index) = self.random.pick(&candidates) else { return Call::Tick(self.random.bytes()) };
        let session = self.people.members[index].session;
        let chain_head = self.people.new_chain(&session);
        let expires_ms = match self.random.below(12) {
            0 => self.now_ms + 1_000 * self.random.below(40),
            _ => NEVER_MS,
        };
        let stolen = if self.random.chance(2) { Some(self.person().peer_id) } else { None };
        let member = &mut self.people.members[index];
        if self.random.chance(80) {
            (member.chain_head, member.expires_ms) = (chain_head, expires_ms);
        }
        Call::Join(Membership { peer_id: stolen.unwrap_or(member.peer_id), ..*member })
    }

    /// An ejected owner whose slot the machine has forgotten: only the host still knows.
    fn is_barred_by_host_alone(&self, member: &Membership) -> bool {
        let knows = self.state.tables.iter().any(|table| {
            table.used().any(|slot| slot.is(ClientState::Ejected) && slot.settled == 0 && slot.owner == member.owner)
        });
        self.people.ejected_owners.contains(&member.owner) && !knows
    }

    fn person(&mut self) -> Membership {
        self.random.pick(&self.people.members).unwrap_or(Membership::ZERO)
    }

    fn health_check(&mut self) -> Call {
        let unhealthy = self.slots(|state, slot, _| state.is_unhealthy(slot) == Ok(true));
        let from = self.slots(|_, _, silent| !silent);
        let targets = match unhealthy.len() {
            0 => vec![self.random.below(12) as u16],
            len => unhealthy[..(1 + self.random.below(len as u64) as usize).min(16)].to_vec(),
        };
        Call::HealthCheck { from: self.random.pick(&from).unwrap_or(0), targets }
    }

    /// One of the slots that can be settled.
    fn settlement(&mut self) -> Option<Call> {
        let run = &self.state.run;
        let over = |table: &u8| *table != run.table || !run.state().in_epoch();
        let mut owed = Vec::new();
        for table in (0..TABLES as u8).filter(over) {
            let slots = (0u16..).zip(self.state.tables[usize::from(table)].used());
            owed.extend(slots.filter(|(_, slot)| slot.is_owed()).map(|(slot, _)| (table, slot)));
        }
        self.random.pick(&owed).map(|(table, slot)| Call::Settle { table, slot })
    }

    fn checkpoint(&mut self) -> Call {
        if self.state.table().len == 0 {
            return Call::Tick(self.random.bytes());
        }
        let hash = if self.random.chance(90) { self.state.run.parameter_hash } else { [3; 32] };
        Call::Checkpoint { hash, location: format!("gs://bucket/{}", self.state.run.epoch).into_bytes() }
    }

    /// Any call with any arguments; most are refused.
    fn any_call(&mut self) -> Call {
        let slot = self.any_slot();
        let other = self.any_slot();
        match self.random.below(16) {
            0 => Call::Start,
            1 if self.random.chance(10) => Call::Pause,
            2 => Call::Resume,
            3 => Call::UpdateConfig(Config { min_clients: 0, ..self.config }),
            4 => Call::SetFutureEpochRates(u64::MAX, 0),
            5 => self.checkpoint(),
            6 => Call::Leave(self.random.bytes()),
            7 => Call::WarmupWitness(slot),
            8 => {
                let round = self.state.run.current_round().copied().unwrap_or(RoundHot::ZERO);
                Call::Witness(slot, self.message(slot, &round))
            }
            9 => Call::Downloaded { slot, step: self.state.run.step, lists_held: self.random.draw() as u32 },
            10 => Call::HealthCheck { from: slot, targets: vec![other; self.random.below(3) as usize] },
            11 => Call::ReportEquivocation { from: slot, target: other },
            12 => Call::Settle { table: self.random.below(2) as u8, slot },
            13 => self.join(),
            _ => self.tick_after(1_000, 10),
        }
    }

    fn any_slot(&mut self) -> u16 {
        if self.random.chance(95) { self.random.below(u64::from(self.state.table().len) + 1) as u16 } else { 65_535 }
    }

    /// The live slots that `wanted`, told whether they are silent, lets through.
    fn slots(&self, wanted: impl Fn(&State, u16, bool) -> bool) -> Vec<u16> {
        let table = self.state.table();
        (0..table.len)
            .filter(|slot| bit(&self.state.run.live, *slot))
            .filter(|slot| {
                let session = table.slot(*slot).map_or([0; 32], |client| client.session);
                wanted(&self.state, *slot, is_silent(&self.people, &session))
            })
            .collect()
    }
}

fn is_silent(people: &People, session: &[u8; 32]) -> bool {
    people.silent.contains(session)
}

fn bit(map: &[u8; 32], bit: u16) -> bool {
    map[usize::from(bit / 8)] & (1 << (bit % 8)) != 0
}
