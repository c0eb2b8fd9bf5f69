//! The instructions: the first byte of the data says which.

use pinocchio::account::AccountView;
use pinocchio::{Address, ProgramResult};
use starling_common::{CommonError, Reader};

macro_rules! instructions {
    ($($discriminator:literal $module:ident $name:ident,)*) => {
        $(mod $module;)*

        /// What the program can be asked to do.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Instruction {
            $($name = $discriminator,)*
        }

        impl Instruction {
            /// (discriminator, snake-case name) of every instruction.
            pub const ALL: &'static [(u8, &'static str)] = &[$(($discriminator, stringify!($module)),)*];
        }

        /// The program's entrypoint.
        ///
        /// # Errors
        /// `UnknownInstruction`, `ShortData`, and those of the instruction.
        pub fn process(program: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
            let (discriminator, arguments) = data.split_first().ok_or(CommonError::ShortData)?;
            let arguments = Reader::new(arguments);
            match *discriminator {
                $($discriminator => $module::process(program, accounts, arguments),)*
                _ => Err(CommonError::UnknownInstruction.into()),
            }
        }
    };
}

instructions! {
    0 create_run CreateRun,
    1 allocate Allocate,
    2 write_config WriteConfig,
    3 update_config UpdateConfig,
    4 update_metadata UpdateMetadata,
    5 set_paused SetPaused,
    6 set_future_epoch_rates SetFutureEpochRates,
    7 open_session OpenSession,
    8 close_session CloseSession,
    9 refuel Refuel,
    10 join_run JoinRun,
    11 leave_run LeaveRun,
    12 tick Tick,
    13 warmup_witness WarmupWitness,
    14 witness Witness,
    15 downloaded Downloaded,
    16 health_check HealthCheck,
    17 report_equivocation ReportEquivocation,
    18 checkpoint Checkpoint,
    19 settle Settle,
    20 enforce_grant EnforceGrant,
    21 deposit_bond DepositBond,
    22 withdraw_bond WithdrawBond,
    23 record_claim RecordClaim,
    24 close_run CloseRun,
    25 close_member CloseMember,
    26 fund Fund,
}
