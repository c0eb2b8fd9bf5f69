//! What the program's accounts hold. All are program-derived; sizes and offsets are part of the protocol.

use starling_common::account;
use starling_machine::{Config, EpochTable, RoundDetail, Run, RunState, TickOutcome};

pub const NAME_BYTES: usize = 64;
pub const DESCRIPTION_BYTES: usize = 280;
pub const CLIENT_VERSION_BYTES: usize = 96;
pub const TOML_BYTES: usize = 8192;
pub const ADDRESSES_BYTES: usize = 400;
/// A program creates an account of at most this size, and makes it larger by at most this much an instruction.
pub const CREATION_BYTES: usize = 10_240;
/// 0.1 SOL: what a session may hold for the fees of its key.
pub const MAX_FLOAT_LAMPORTS: u64 = 100_000_000;
/// 0.003 SOL: up to this balance a session refuels its key.
pub const REFUEL_BALANCE_LAMPORTS: u64 = 3_000_000;
/// Arguments of `update_config` carry the machine's config as it is in memory.
pub const MACHINE_CONFIG_BYTES: usize = core::mem::size_of::<Config>();

/// `RunAccount::unpromised_points` of a run whose authority never funded it.
pub const UNFUNDED: u64 = u64::MAX;

pub const RUN_SEED: &[u8] = b"run";
pub const CONFIG_SEED: &[u8] = b"config";
pub const TABLE_SEED: &[u8] = b"table";
pub const ROUND_SEED: &[u8] = b"round";
pub const MEMBER_SEED: &[u8] = b"member";
pub const SESSION_SEED: &[u8] = b"session";

account! {
    /// `["run", run_id]`: the account to which every client subscribes.
    pub struct RunAccount: kind 1, 6_712 bytes {
        pub main_authority: [u8; 32],
        /// whose grants let owners in
        pub join_authority: [u8; 32],
        /// the program that keeps the grants
        pub authorizer_program: [u8; 32],
        /// one more with every change of the run or of one of its tables, rounds and sessions' addresses
        pub nonce: u64,
        pub min_bond_lamports: u64,
        /// tells this run from one of the same id that was closed
        pub created_ms: u64,
        /// of the TOML text that is in force; zero while another is being written
        pub config_sha256: [u8; 32],
        /// sum of what its members may still claim; a treasury does not let its run be closed before they had time to
        pub unclaimed_points: u64,
        /// what its authority has funded and no epoch has promised yet; `UNFUNDED`: it pays as it likes
        pub unpromised_points: u64,
        pub machine: Run,
    }
}

account! {
    /// `["config", run]`: texts for people, and the run's config file.
    pub struct ConfigAccount: kind 2, 8_696 bytes {
        pub run: [u8; 32],
        /// length of the text in force
        pub toml_len: u16,
        /// length of the text that is being written; 0 once it is in force
        pub staged_len: u16,
        pub padding: [u8; 4],
        pub name: [u8; NAME_BYTES],
        pub description: [u8; DESCRIPTION_BYTES],
        pub client_version: [u8; CLIENT_VERSION_BYTES],
        pub num_parameters: u64,
        pub vocab_size: u64,
        pub toml: [u8; TOML_BYTES],
    }
}

account! {
    /// `["table", run, [index]]`: created at 10,240 bytes and grown by `allocate`.
    pub struct TableAccount: kind 3, 51_248 bytes {
        pub run: [u8; 32],
        pub table: EpochTable,
    }
}

account! {
    /// The head of a table that may still be growing.
    pub struct TableHead: kind 3, 40 bytes {
        pub run: [u8; 32],
    }
}

account! {
    /// `["round", run, [index]]`: the round of height h is at index h % 4.
    pub struct RoundAccount: kind 4, 4_144 bytes {
        pub run: [u8; 32],
        pub detail: RoundDetail,
        /// reserved for verification: 32 verifiers x 256 bits
        pub verdicts: [u8; 1024],
    }
}

account! {
    /// `["member", run, owner]`: what an owner has earned in a run, and its bond (lamports above the rent).
    pub struct MemberAccount: kind 5, 160 bytes {
        pub run: [u8; 32],
        /// `created_ms` of the run it belongs to
        pub run_created_ms: u64,
        pub owner: [u8; 32],
        /// the authorization with which it joined last
        pub grant: [u8; 32],
        /// points, lifetime
        pub earned: u64,
        /// points, lifetime; without what the bond paid
        pub slashed: u64,
        /// points, lifetime
        pub claimed: u64,
        pub bond_lamports: u64,
        /// on its way out; counts for no join, but can still be slashed
        pub unbonding_lamports: u64,
        /// in which its unbonding began
        pub unbonding_epoch: u16,
        /// 1: voted out; never lets it join this run again
        pub ejected: u8,
        pub padding: [u8; 5],
    }
}

account! {
    /// `["session", run, session]`: a key that may act for an owner. Lamports above the rent are the float.
    pub struct SessionAccount: kind 6, 560 bytes {
        pub run: [u8; 32],
        /// `created_ms` of the run it belongs to
        pub run_created_ms: u64,
        pub owner: [u8; 32],
        pub session: [u8; 32],
        pub peer_id: [u8; 32],
        /// Unix milliseconds; `u64::MAX` = never
        pub expires_ms: u64,
        pub addresses_len: u16,
        pub padding: [u8; 6],
        /// multiaddr texts, '\n' between them
        pub addresses: [u8; ADDRESSES_BYTES],
    }
}

impl MemberAccount {
    /// Points that may still be paid out.
    #[must_use]
    pub const fn claimable(&self) -> u64 {
        self.earned.saturating_sub(self.slashed).saturating_sub(self.claimed)
    }
}

impl RunAccount {
    /// To be called with every change, and only then.
    pub fn changed(&mut self) {
        self.nonce = self.nonce.saturating_add(1);
    }

    /// Whether `update_config` has been called: before, the machine's part holds the run's id and nothing else.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        self.machine.version != 0
    }

    const fn is_limited(&self) -> bool {
        self.unpromised_points != UNFUNDED
    }

    /// The authority can pay so many points more; from the first time on epochs promise no more than that.
    pub fn fund(&mut self, points: u64) {
        let before = if self.is_limited() { self.unpromised_points } else { 0 };
        self.unpromised_points = before.saturating_add(points).min(UNFUNDED.saturating_sub(1));
    }

    /// Promised points that nobody can claim any more.
    pub fn free(&mut self, points: u64) {
        if self.is_limited() {
            self.fund(points);
        }
    }

    /// To be called after every transition of the machine. An epoch that begins promises what its rate says, or what there is;
    /// one that ends without pay gives its promise back. What one that paid has left over is the machine's carry: it stays promised.
    pub fn keep_promises(&mut self, was: RunState, outcome: TickOutcome) {
        if !self.is_limited() {
            return;
        }
        match (was, self.machine.state(), outcome) {
            (RunState::WaitingForMembers, RunState::Warmup, _) => {
                let promised = self.machine.epoch_earning_rate.min(self.unpromised_points);
                self.machine.epoch_earning_rate = promised;
                self.unpromised_points = self.unpromised_points.saturating_sub(promised);
            }
            (_, _, TickOutcome::EpochFailed) => {
                self.free(self.machine.epoch_earning_rate);
                self.machine.epoch_earning_rate = 0;
            }
            _ => {}
        }
    }
}
