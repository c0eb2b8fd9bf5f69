//! 3 `update_config`: puts the staged text in force, together with the machine's integer form of it, which the authority derived
//! from it (and anyone can check). The first time it makes the run; later the run must be halted.
//!
//! Accounts: authority(s) run(w) config(w) table0(w) table1(w)
//! Arguments: `toml_len` u16 (1 to 8192), `toml_sha256[32]`, the machine's `Config[104]`

use crate::accounts::{ConfigAccount, MACHINE_CONFIG_BYTES, RunAccount};
use crate::error::{CoordinatorError, refused};
use crate::guards::{authority, table};
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, copy_plain, exactly, load_mut, now_ms, writable};
use starling_machine::{Config, RUN_ID_BYTES, sha256};

const MS_PER_SECOND: u64 = 1000;

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [signer, run_account, config_account, table0, table1] = exactly(accounts)?;
    let toml_len = data.u16()?;
    let toml_sha256 = data.key()?;
    let machine_config: Config = copy_plain(data.bytes(MACHINE_CONFIG_BYTES)?)?;
    data.finish()?;

    check_times(&machine_config)?;

    let run_address = *run_account.address().as_array();
    let mut run = load_mut::<RunAccount>(run_account, program)?;
    authority(signer, &run)?;
    for (index, account) in (0u8..).zip([table0, table1]) {
        writable(account)?;
        drop(table(account, program, &run_address, index)?);
    }
    let mut config = load_mut::<ConfigAccount>(config_account, program)?;
    if config.run != run_address {
        return Err(CommonError::WrongRun.into());
    }
    if toml_len == 0 || toml_len > config.staged_len.max(config.toml_len) {
        return Err(CoordinatorError::ConfigTooLong.into());
    }
    let (text, behind) =
        config.toml.split_at_mut_checked(usize::from(toml_len)).ok_or(CoordinatorError::ConfigTooLong)?;
    if sha256(&[text]) != *toml_sha256 {
        return Err(CoordinatorError::WrongConfigHash.into());
    }
    if text.contains(&0) || core::str::from_utf8(text).is_err() {
        return Err(CommonError::BadText.into());
    }
    if run.is_configured() {
        run.machine.update_config(&machine_config).map_err(refused)?;
    } else {
        let run_id: [u8; RUN_ID_BYTES] = run.machine.run_id;
        let len = run_id.iter().position(|byte| *byte == 0).unwrap_or(RUN_ID_BYTES);
        let run_id = run_id.get(..len).unwrap_or(&[]);
        run.machine.create(run_id, &machine_config, now_ms()?).map_err(refused)?;
    }
    behind.fill(0);
    config.toml_len = toml_len;
    config.staged_len = 0;
    run.config_sha256 = *toml_sha256;
    run.changed();
    Ok(())
}

fn check_times(config: &Config) -> ProgramResult {
    let times = [
        config.warmup_ms,
        config.cooldown_ms,
        config.max_round_train_ms,
        config.round_witness_ms,
        config.epoch_ms,
        config.waiting_for_members_extra_ms,
    ];
    let whole = times.iter().all(|time| time.is_multiple_of(MS_PER_SECOND));
    if whole { Ok(()) } else { Err(CoordinatorError::FractionalTime.into()) }
}
