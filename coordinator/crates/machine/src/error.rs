//! Every way in which the machine refuses a call, with a stable number and one sentence each.

macro_rules! errors {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// Why a call was refused. The numbers are part of the protocol and never reused.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        pub enum Error {
            $($(#[$meta])* #[doc = $sentence] $name = $code,)*
        }

        impl Error {
            /// (number, name, sentence) of every error.
            pub const ALL: &[(u16, &str, &str)] = &[$(($code, stringify!($name), $sentence),)*];

            #[must_use]
            pub const fn code(self) -> u16 {
                self as u16
            }

            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

errors! {
    Halted = 1, "the run is Uninitialized, Finished or Paused; start or resume it first";
    InvalidRunState = 2, "this call does not belong to the present run state";
    WrongStep = 3, "the message names another step than the round in progress";
    UnknownSlot = 4, "no client of this epoch has that slot";
    NotLive = 5, "the sender was not Healthy when the round began, or is no longer";
    NotElected = 6, "the sender is not an elected witness of this round";
    DuplicateWitness = 7, "this witness has already reported in this round";
    WrongReveal = 8, "sha256 of the reveal is not the head of the sender's chain";
    BitmapTooLong = 9, "the bitmap has a bit at or past the number of batches in this round";
    UnexpectedParameterHash = 10, "only the last drain round of an epoch carries a parameter hash; send zeros";
    NoWitnessEntry = 11, "send the witness message of this round before reporting downloads";
    DuplicateDownloaded = 12, "this witness has already reported its downloads in this round";
    ListsNotEntered = 13, "lists_held names a position from which no witness message was accepted";
    InvalidHealthCheck = 14, "a listed client is not unhealthy, or the list is empty; nobody was dropped";
    TooEarlyForHealthCheck = 15, "health checks need two finished rounds in this epoch";
    SelfReport = 16, "a client cannot report itself";
    DuplicateVote = 17, "this client has already reported that equivocation";
    AlreadyEjected = 18, "that client is already ejected";
    CannotResume = 20, "only a Paused run can be resumed";
    AlreadyStarted = 21, "only an Uninitialized run can be started";
    NotHalted = 22, "the config can only be changed while the run is Uninitialized, Paused or Finished";
    WrongCheckpointHash = 23, "the checkpoint's hash is not the parameter hash that the witnesses agreed on";
    InvalidCheckpointLocation = 24, "a checkpoint location is 1 to 192 bytes of UTF-8 without a zero byte";
    UnknownRound = 25, "that round is not among the stored rounds of this epoch";
    InvalidRunId = 26, "a run id is 1 to 32 bytes of UTF-8 without a zero byte";
    WrongStateSize = 27, "the state has the wrong number of bytes";
    WrongStateVersion = 28, "the state was written by another version of the machine";
    CorruptState = 29, "the state holds a value that no sequence of calls can produce";
    AlreadyPausing = 30, "the run is already draining towards Paused";
    NotMember = 31, "no client of this epoch and nobody who waits for the next has that session or owner";
    SessionExpired = 32, "the session has expired; its owner must open another";
    OwnerEjected = 33, "a client of that owner was ejected for misconduct; the owner cannot join again";
    PeerTaken = 34, "another session holds that peer id";
    RunFull = 35, "256 members are in the next epoch already; join again when one has left";
    TableUnsettled = 36, "the points of the epoch before the running one must be settled first";
    NothingToSettle = 37, "that slot has neither points nor an ejection to settle";
    AlreadySettled = 38, "that slot is settled";
    NotSettleable = 39, "the epoch of that table goes on; settle it when it is over";
    UnknownTable = 40, "a run has the tables 0 and 1";

    WarmupTooLong = 100, "warmup_time must be less than epoch_time";
    CooldownTooShort = 101, "cooldown_time must be greater than 0";
    RoundTrainTooShort = 102, "max_round_train_time must be greater than 0";
    RoundTrainTooLong = 103, "max_round_train_time must be less than epoch_time";
    RoundWitnessTooShort = 104, "round_witness_time must be greater than 0";
    EpochTooShort = 105, "epoch_time must be greater than 0";
    NoTotalSteps = 106, "total_steps must be greater than 0";
    InitMinClientsTooFew = 107, "init_min_clients must be at least min_clients";
    InitMinClientsTooMany = 108, "init_min_clients must be at most 256";
    NoMinClients = 109, "min_clients must be greater than 0";
    MoreWitnessesThanClients = 110, "witness_nodes must be at most min_clients";
    TooManyWitnesses = 111, "witness_nodes must be at most 32";
    NoBatchSize = 112, "global_batch_size_start must be greater than 0";
    BatchSizeShrinks = 113, "global_batch_size_end must be at least global_batch_size_start";
    VerificationPercentTooHigh = 114, "verification_percent must be at most 100";
    VerificationUnsupported = 115, "verification_percent must be 0: verification is not part of this version";
    WaitingExtraTooShort = 116, "waiting_for_members_extra_time must be greater than 0";
    ColdStartTooLong = 117, "cold_start_warmup_steps must fit in an epoch: at most (epoch_time - warmup_time) / max_round_train_time";
    NoSequenceLength = 118, "max_seq_len must be greater than 0";
    ResultShareOutOfRange = 119, "result_share must be greater than 0 and at most 1";
    EarningRateTooHigh = 120, "the earning rate must be less than 2^63 points an epoch";
    TimeTooLong = 121, "times must be less than 2^53 milliseconds";
    SlashingRateTooHigh = 122, "the slashing rate must be less than 2^63 points";
    PaddingNotZero = 123, "the padding of a config must be zero";
}
