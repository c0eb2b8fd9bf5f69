//! The accounts of this program.

use crate::TreasurerError;
use pinocchio::Address;
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;
use starling_common::{load, load_mut, signer};

/// First seed of a treasury's address: ["treasury", run].
pub const TREASURY_SEED: &[u8] = b"treasury";
/// First seed of a participant's address: ["participant", treasury, owner].
pub const PARTICIPANT_SEED: &[u8] = b"participant";

starling_common::account! {
    /// The authority of one run, and the owner of the tokens that the run pays.
    pub struct Treasury: kind 1, 168 bytes {
        /// may administrate the run, and takes back what is left once the run is closed
        pub main_authority: [u8; 32],
        pub coordinator_program: [u8; 32],
        pub run: [u8; 32],
        pub mint: [u8; 32],
        /// points paid for
        pub claimed_points: u64,
        /// base units paid out
        pub claimed_units: u64,
        /// base units put in by top_up; plain transfers to the vault are not in it
        pub topped_up_units: u64,
        /// 1 once the run is closed
        pub closed: u8,
        pub padding: [u8; 7],
    }
}

starling_common::account! {
    /// What one owner has claimed from one treasury.
    pub struct Participant: kind 2, 80 bytes {
        pub treasury: [u8; 32],
        pub owner: [u8; 32],
        /// over all runs that this treasury's address ever had
        pub claimed_points: u64,
    }
}

/// A copy of the treasury, so that no borrow of it is alive when another program is called.
///
/// # Errors
/// Those of [`load`].
pub fn treasury(account: &AccountView, program: &Address) -> Result<Treasury, ProgramError> {
    load::<Treasury>(account, program).map(|body| *body)
}

/// As [`treasury`], proving that the treasury may be written and that its main authority signs.
///
/// # Errors
/// Those of [`load_mut`], `NotSigner`, `WrongAuthority`.
pub fn authorized(
    authority: &AccountView,
    account: &mut AccountView,
    program: &Address,
) -> Result<Treasury, ProgramError> {
    signer(authority)?;
    let body = load_mut::<Treasury>(account, program).map(|body| *body)?;
    if body.main_authority == *authority.address().as_array() {
        Ok(body)
    } else {
        Err(TreasurerError::WrongAuthority.into())
    }
}
