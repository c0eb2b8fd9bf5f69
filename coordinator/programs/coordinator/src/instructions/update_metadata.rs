//! 4 `update_metadata`: replaces the fields that the flags name.
//!
//! Accounts: authority(s) run(w) config(w)
//! Arguments: flags u8, then of these the ones whose flag is set, in this order: 1 name text (<= 64), 2 description text
//! (<= 280), 4 `client_version` text (<= 96), 8 `num_parameters` u64, 16 `vocab_size` u64, 32 `join_authority[32]`,
//! 64 `min_bond_lamports` u64

use crate::accounts::{CLIENT_VERSION_BYTES, ConfigAccount, DESCRIPTION_BYTES, NAME_BYTES, RunAccount};
use crate::error::CoordinatorError;
use crate::guards::authority;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, exactly, load_mut, write_text};

const ALL_FLAGS: u8 = 127;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run_account, config_account] = exactly(accounts)?;
    let flags = data.u8()?;
    if flags == 0 {
        return Err(CoordinatorError::NothingToUpdate.into());
    }
    if flags > ALL_FLAGS {
        return Err(CommonError::BadArgument.into());
    }
    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    authority(signer, &run)?;
    let mut config = load_mut::<ConfigAccount>(config_account, program)?;
    if config.run != run_address {
        return Err(CommonError::WrongRun.into());
    }
    if flags & 1 != 0 {
        write_text(&mut config.name, data.text(NAME_BYTES)?)?;
    }
    if flags & 2 != 0 {
        write_text(&mut config.description, data.text(DESCRIPTION_BYTES)?)?;
    }
    if flags & 4 != 0 {
        write_text(&mut config.client_version, data.text(CLIENT_VERSION_BYTES)?)?;
    }
    if flags & 8 != 0 {
        config.num_parameters = data.u64()?;
    }
    if flags & 16 != 0 {
        config.vocab_size = data.u64()?;
    }
    if flags & 32 != 0 {
        run.join_authority = *data.key()?;
    }
    if flags & 64 != 0 {
        run.min_bond_lamports = data.u64()?;
    }
    data.finish()?;
    run.changed();
    Ok(())
}
