//! 0 `create_run`: makes the accounts of a run that has no config yet. Anyone may, for any authority; an id is taken by
//! whoever comes first.
//!
//! Accounts: payer(s,w) run(w) config(w) table0(w) table1(w) round0(w) round1(w) round2(w) round3(w) system
//! Arguments: `run_id` text (1 to 32 bytes), name text (<= 64), description text (<= 280), `client_version` text (<= 96),
//! `main_authority[32]`, `join_authority[32]`, `authorizer_program[32]`, `min_bond_lamports` u64

use crate::accounts::{
    CLIENT_VERSION_BYTES, CONFIG_SEED, CREATION_BYTES, ConfigAccount, DESCRIPTION_BYTES, NAME_BYTES, ROUND_SEED, RUN_SEED,
    RoundAccount, RunAccount, TABLE_SEED, TableHead, UNFUNDED,
};
use core::mem::size_of;
use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader, create, exactly, init, now_ms, write_text};
use starling_machine::RUN_ID_BYTES;

struct Arguments<'a> {
    run_id: &'a [u8],
    name: &'a [u8],
    description: &'a [u8],
    client_version: &'a [u8],
    main_authority: &'a [u8; 32],
    join_authority: &'a [u8; 32],
    authorizer_program: &'a [u8; 32],
    min_bond_lamports: u64,
}

#[inline(never)]
pub fn process(program: &Address, accounts: &mut [AccountView], mut data: Reader<'_>) -> ProgramResult {
    let [payer, run, config, table0, table1, round0, round1, round2, round3, system] = exactly(accounts)?;
    let arguments = Arguments {
        run_id: data.text(RUN_ID_BYTES)?,
        name: data.text(NAME_BYTES)?,
        description: data.text(DESCRIPTION_BYTES)?,
        client_version: data.text(CLIENT_VERSION_BYTES)?,
        main_authority: data.key()?,
        join_authority: data.key()?,
        authorizer_program: data.key()?,
        min_bond_lamports: data.u64()?,
    };
    data.finish()?;
    if arguments.run_id.is_empty() {
        return Err(CommonError::BadText.into());
    }
    let run_address = *run.address().as_array();

    let seeds = [RUN_SEED, arguments.run_id];
    let bump = create(program, payer, run, system, &seeds, size_of::<RunAccount>())?;
    write_run(run, bump, &arguments)?;

    let seeds = [CONFIG_SEED, &run_address];
    let bump = create(program, payer, config, system, &seeds, size_of::<ConfigAccount>())?;
    write_config(config, bump, &run_address, &arguments)?;

    for (index, table) in (0u8..).zip([table0, table1]) {
        let seeds = [TABLE_SEED, &run_address, &[index]];
        let bump = create(program, payer, table, system, &seeds, CREATION_BYTES)?;
        init::<TableHead>(table, bump, index)?.run = run_address;
    }
    for (index, round) in (0u8..).zip([round0, round1, round2, round3]) {
        let seeds = [ROUND_SEED, &run_address, &[index]];
        let bump = create(program, payer, round, system, &seeds, size_of::<RoundAccount>())?;
        init::<RoundAccount>(round, bump, index)?.run = run_address;
    }
    Ok(())
}

#[inline(never)]
fn write_run(account: &mut AccountView, bump: u8, arguments: &Arguments<'_>) -> ProgramResult {
    let mut run = init::<RunAccount>(account, bump, 0)?;
    run.main_authority = *arguments.main_authority;
    run.join_authority = *arguments.join_authority;
    run.authorizer_program = *arguments.authorizer_program;
    run.min_bond_lamports = arguments.min_bond_lamports;
    run.created_ms = now_ms()?;
    run.unpromised_points = UNFUNDED;
    write_text(&mut run.machine.run_id, arguments.run_id)?;
    run.changed();
    Ok(())
}

#[inline(never)]
fn write_config(account: &mut AccountView, bump: u8, run: &[u8; 32], arguments: &Arguments<'_>) -> ProgramResult {
    let mut config = init::<ConfigAccount>(account, bump, 0)?;
    config.run = *run;
    write_text(&mut config.name, arguments.name)?;
    write_text(&mut config.description, arguments.description)?;
    write_text(&mut config.client_version, arguments.client_version)
}
