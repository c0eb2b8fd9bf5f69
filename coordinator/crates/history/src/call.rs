//! The calls of a history: their names, their arguments as bytes, and how the native machine makes them.

use starling_machine::{Config, Error, Membership, State, WitnessMessage};

use crate::bytes::bytes_of;

#[derive(Clone)]
pub enum Call {
    Start,
    Pause,
    Resume,
    UpdateConfig(Config),
    SetFutureEpochRates(u64, u64),
    Checkpoint { hash: [u8; 32], location: Vec<u8> },
    Tick([u8; 32]),
    Join(Membership),
    Leave([u8; 32]),
    WithdrawCarry([u8; 32]),
    WarmupWitness(u16),
    Witness(u16, WitnessMessage),
    Downloaded { slot: u16, step: u32, lists_held: u32 },
    HealthCheck { from: u16, targets: Vec<u16> },
    ReportEquivocation { from: u16, target: u16 },
    Settle { table: u8, slot: u16 },
}

/// What a call that was not refused said: one number, or the three of a settlement.
pub type Answer = Vec<u64>;

impl Call {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::UpdateConfig(_) => "update_config",
            Self::SetFutureEpochRates(..) => "set_future_epoch_rates",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Tick(_) => "tick",
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
            Self::WithdrawCarry(_) => "withdraw_carry",
            Self::WarmupWitness(_) => "warmup_witness",
            Self::Witness(..) => "witness",
            Self::Downloaded { .. } => "downloaded",
            Self::HealthCheck { .. } => "health_check",
            Self::ReportEquivocation { .. } => "report_equivocation",
            Self::Settle { .. } => "settle",
        }
    }

    /// Packed little-endian, in the order of the method's parameters, without the pieces of the state and without the time.
    #[must_use]
    pub fn args(&self) -> Vec<u8> {
        match self {
            Self::Start | Self::Pause | Self::Resume => Vec::new(),
            Self::UpdateConfig(config) => bytes_of(config).to_vec(),
            Self::SetFutureEpochRates(earning, slashing) => [earning.to_le_bytes(), slashing.to_le_bytes()].concat(),
            Self::Checkpoint { hash, location } => [&hash[..], location].concat(),
            Self::Tick(bytes) | Self::Leave(bytes) | Self::WithdrawCarry(bytes) => bytes.to_vec(),
            Self::Join(member) => bytes_of(member).to_vec(),
            Self::WarmupWitness(slot) => slot.to_le_bytes().to_vec(),
            Self::Witness(slot, message) => [&slot.to_le_bytes()[..], bytes_of(message)].concat(),
            Self::Downloaded { slot, step, lists_held } => {
                [&slot.to_le_bytes()[..], &step.to_le_bytes(), &lists_held.to_le_bytes()].concat()
            }
            Self::HealthCheck { from, targets } => {
                std::iter::once(from).chain(targets).flat_map(|slot| slot.to_le_bytes()).collect()
            }
            Self::ReportEquivocation { from, target } => [from.to_le_bytes(), target.to_le_bytes()].concat(),
            Self::Settle { table, slot } => [&[*table][..], &slot.to_le_bytes()].concat(),
        }
    }

    /// # Errors
    /// Those of the machine.
    pub fn apply(&self, state: &mut State, now_ms: u64) -> Result<Answer, Error> {
        let flag = |flag: bool| vec![u64::from(flag)];
        let nothing = |()| vec![0];
        match self {
            Self::Start => state.run.start(now_ms).map(nothing),
            Self::Pause => state.pause(now_ms).map(nothing),
            Self::Resume => state.run.resume(now_ms).map(nothing),
            Self::UpdateConfig(config) => state.run.update_config(config).map(nothing),
            Self::SetFutureEpochRates(earning, slashing) => {
                state.run.set_future_epoch_rates(*earning, *slashing).map(nothing)
            }
            Self::Checkpoint { hash, location } => state.run.checkpoint(location, hash).map(nothing),
            Self::Tick(random) => state.tick(now_ms, random).map(|outcome| vec![outcome as u64]),
            Self::Join(member) => state.join(member, now_ms).map(flag),
            Self::Leave(session) => state.leave(session).map(nothing),
            Self::WithdrawCarry(owner) => state.withdraw_carry(owner).map(nothing),
            Self::WarmupWitness(slot) => state.warmup_witness(*slot, now_ms).map(flag),
            Self::Witness(slot, message) => state.witness(*slot, message, now_ms).map(nothing),
            Self::Downloaded { slot, step, lists_held } => {
                state.downloaded(*slot, *step, *lists_held, now_ms).map(nothing)
            }
            Self::HealthCheck { from, targets } => {
                state.health_check(*from, targets, now_ms).map(|dropped| vec![u64::from(dropped)])
            }
            Self::ReportEquivocation { from, target } => state.report_equivocation(*from, *target, now_ms).map(flag),
            Self::Settle { table, slot } => state
                .settle(*table, *slot)
                .map(|settled| vec![settled.earned, settled.slashed, u64::from(settled.ejected)]),
        }
    }
}
