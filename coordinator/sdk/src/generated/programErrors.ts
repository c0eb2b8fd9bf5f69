/** Written by scripts/generateClients.ts: what the programs refuse with, by number. */
export const PROGRAM_ERRORS: Readonly<
  Record<"coordinator" | "authorizer" | "treasurer", Readonly<Record<number, { name: string; message: string }>>>
> = {
  "coordinator": {
    "1": {
      "name": "Halted",
      "message": "the run is Uninitialized, Finished or Paused; start or resume it first"
    },
    "2": {
      "name": "InvalidRunState",
      "message": "this call does not belong to the present run state"
    },
    "3": {
      "name": "WrongStep",
      "message": "the message names another step than the round in progress"
    },
    "4": {
      "name": "UnknownSlot",
      "message": "no client of this epoch has that slot"
    },
    "5": {
      "name": "NotLive",
      "message": "the sender was not Healthy when the round began, or is no longer"
    },
    "6": {
      "name": "NotElected",
      "message": "the sender is not an elected witness of this round"
    },
    "7": {
      "name": "DuplicateWitness",
      "message": "this witness has already reported in this round"
    },
    "8": {
      "name": "WrongReveal",
      "message": "sha256 of the reveal is not the head of the sender's chain"
    },
    "9": {
      "name": "BitmapTooLong",
      "message": "the bitmap has a bit at or past the number of batches in this round"
    },
    "10": {
      "name": "UnexpectedParameterHash",
      "message": "only the last drain round of an epoch carries a parameter hash; send zeros"
    },
    "11": {
      "name": "NoWitnessEntry",
      "message": "send the witness message of this round before reporting downloads"
    },
    "12": {
      "name": "DuplicateDownloaded",
      "message": "this witness has already reported its downloads in this round"
    },
    "13": {
      "name": "ListsNotEntered",
      "message": "lists_held names a position from which no witness message was accepted"
    },
    "14": {
      "name": "InvalidHealthCheck",
      "message": "a listed client is not unhealthy, or the list is empty; nobody was dropped"
    },
    "15": {
      "name": "TooEarlyForHealthCheck",
      "message": "health checks need two finished rounds in this epoch"
    },
    "16": {
      "name": "SelfReport",
      "message": "a client cannot report itself"
    },
    "17": {
      "name": "DuplicateVote",
      "message": "this client has already reported that equivocation"
    },
    "18": {
      "name": "AlreadyEjected",
      "message": "that client is already ejected"
    },
    "20": {
      "name": "CannotResume",
      "message": "only a Paused run can be resumed"
    },
    "21": {
      "name": "AlreadyStarted",
      "message": "only an Uninitialized run can be started"
    },
    "22": {
      "name": "NotHalted",
      "message": "the config can only be changed while the run is Uninitialized, Paused or Finished"
    },
    "23": {
      "name": "WrongCheckpointHash",
      "message": "the checkpoint's hash is not the parameter hash that the witnesses agreed on"
    },
    "24": {
      "name": "InvalidCheckpointLocation",
      "message": "a checkpoint location is 1 to 192 bytes of UTF-8 without a zero byte"
    },
    "25": {
      "name": "UnknownRound",
      "message": "that round is not among the stored rounds of this epoch"
    },
    "26": {
      "name": "InvalidRunId",
      "message": "a run id is 1 to 32 bytes of UTF-8 without a zero byte"
    },
    "27": {
      "name": "WrongStateSize",
      "message": "the state has the wrong number of bytes"
    },
    "28": {
      "name": "WrongStateVersion",
      "message": "the state was written by another version of the machine"
    },
    "29": {
      "name": "CorruptState",
      "message": "the state holds a value that no sequence of calls can produce"
    },
    "30": {
      "name": "AlreadyPausing",
      "message": "the run is already draining towards Paused"
    },
    "31": {
      "name": "NotMember",
      "message": "no client of this epoch and nobody who waits for the next has that session or owner"
    },
    "32": {
      "name": "SessionExpired",
      "message": "the session has expired; its owner must open another"
    },
    "33": {
      "name": "OwnerEjected",
      "message": "a client of that owner was ejected for misconduct; the owner cannot join again"
    },
    "34": {
      "name": "PeerTaken",
      "message": "another session holds that peer id"
    },
    "35": {
      "name": "RunFull",
      "message": "256 members are in the next epoch already; join again when one has left"
    },
    "36": {
      "name": "TableUnsettled",
      "message": "the points of the epoch before the running one must be settled first"
    },
    "37": {
      "name": "NothingToSettle",
      "message": "that slot has neither points nor an ejection to settle"
    },
    "38": {
      "name": "AlreadySettled",
      "message": "that slot is settled"
    },
    "39": {
      "name": "NotSettleable",
      "message": "the epoch of that table goes on; settle it when it is over"
    },
    "40": {
      "name": "UnknownTable",
      "message": "a run has the tables 0 and 1"
    },
    "100": {
      "name": "WarmupTooLong",
      "message": "warmup_time must be less than epoch_time"
    },
    "101": {
      "name": "CooldownTooShort",
      "message": "cooldown_time must be greater than 0"
    },
    "102": {
      "name": "RoundTrainTooShort",
      "message": "max_round_train_time must be greater than 0"
    },
    "103": {
      "name": "RoundTrainTooLong",
      "message": "max_round_train_time must be less than epoch_time"
    },
    "104": {
      "name": "RoundWitnessTooShort",
      "message": "round_witness_time must be greater than 0"
    },
    "105": {
      "name": "EpochTooShort",
      "message": "epoch_time must be greater than 0"
    },
    "106": {
      "name": "NoTotalSteps",
      "message": "total_steps must be greater than 0"
    },
    "107": {
      "name": "InitMinClientsTooFew",
      "message": "init_min_clients must be at least min_clients"
    },
    "108": {
      "name": "InitMinClientsTooMany",
      "message": "init_min_clients must be at most 256"
    },
    "109": {
      "name": "NoMinClients",
      "message": "min_clients must be greater than 0"
    },
    "110": {
      "name": "MoreWitnessesThanClients",
      "message": "witness_nodes must be at most min_clients"
    },
    "111": {
      "name": "TooManyWitnesses",
      "message": "witness_nodes must be at most 32"
    },
    "112": {
      "name": "NoBatchSize",
      "message": "global_batch_size_start must be greater than 0"
    },
    "113": {
      "name": "BatchSizeShrinks",
      "message": "global_batch_size_end must be at least global_batch_size_start"
    },
    "114": {
      "name": "VerificationPercentTooHigh",
      "message": "verification_percent must be at most 100"
    },
    "115": {
      "name": "VerificationUnsupported",
      "message": "verification_percent must be 0: verification is not part of this version"
    },
    "116": {
      "name": "WaitingExtraTooShort",
      "message": "waiting_for_members_extra_time must be greater than 0"
    },
    "117": {
      "name": "ColdStartTooLong",
      "message": "cold_start_warmup_steps must fit in an epoch: at most (epoch_time - warmup_time) / max_round_train_time"
    },
    "118": {
      "name": "NoSequenceLength",
      "message": "max_seq_len must be greater than 0"
    },
    "119": {
      "name": "ResultShareOutOfRange",
      "message": "result_share must be greater than 0 and at most 1"
    },
    "120": {
      "name": "EarningRateTooHigh",
      "message": "the earning rate must be less than 2^63 points an epoch"
    },
    "121": {
      "name": "TimeTooLong",
      "message": "times must be less than 2^53 milliseconds"
    },
    "122": {
      "name": "SlashingRateTooHigh",
      "message": "the slashing rate must be less than 2^63 points"
    },
    "123": {
      "name": "PaddingNotZero",
      "message": "the padding of a config must be zero"
    },
    "200": {
      "name": "NotARate",
      "message": "a learning rate must be a finite number of at least 0"
    },
    "201": {
      "name": "TotalWithinWarmup",
      "message": "total_steps must be at least warmup_steps"
    },
    "202": {
      "name": "DecayRises",
      "message": "cosine_decay_final_lr must be at most base_lr, and linear_decay_final_lr at most cosine_decay_final_lr"
    },
    "203": {
      "name": "UnknownKind",
      "message": "lr_schedule must be Constant, Linear, Cosine or WarmupStableDecay"
    },
    "6000": {
      "name": "UnknownInstruction",
      "message": "the first byte names no instruction of this program"
    },
    "6001": {
      "name": "ShortData",
      "message": "the instruction's data ends before its last argument"
    },
    "6002": {
      "name": "TrailingData",
      "message": "the instruction's data goes on behind its last argument"
    },
    "6003": {
      "name": "BadArgument",
      "message": "an argument is outside of what it may be"
    },
    "6004": {
      "name": "BadText",
      "message": "a text must be UTF-8 without a zero byte, and no longer than its field"
    },
    "6005": {
      "name": "WrongAccountCount",
      "message": "the instruction takes another number of accounts"
    },
    "6006": {
      "name": "NotSigner",
      "message": "an account that must sign has not signed"
    },
    "6007": {
      "name": "NotWritable",
      "message": "an account that changes was not passed as writable"
    },
    "6008": {
      "name": "WrongOwner",
      "message": "an account belongs to another program than it should"
    },
    "6009": {
      "name": "Uninitialized",
      "message": "an account that must exist does not, or is not initialised"
    },
    "6010": {
      "name": "AlreadyInitialized",
      "message": "an account that should be created is there already"
    },
    "6011": {
      "name": "WrongKind",
      "message": "an account of this program is of another kind than the instruction takes here"
    },
    "6012": {
      "name": "WrongVersion",
      "message": "the account was written by another version of this program"
    },
    "6013": {
      "name": "WrongSize",
      "message": "the account's data has another size than its kind"
    },
    "6014": {
      "name": "WrongAddress",
      "message": "an account's address is not the one that its seeds give"
    },
    "6015": {
      "name": "WrongRun",
      "message": "the account belongs to another run"
    },
    "6016": {
      "name": "WrongKey",
      "message": "an account or a signer is not the one that the other accounts name"
    },
    "6017": {
      "name": "WrongProgram",
      "message": "the account given as a program or a sysvar is another one"
    },
    "6018": {
      "name": "SameAccount",
      "message": "two accounts that must differ are the same"
    },
    "6019": {
      "name": "Overflow",
      "message": "a sum does not fit its field"
    },
    "6020": {
      "name": "ClockOutOfRange",
      "message": "the cluster's clock is not usable"
    },
    "6021": {
      "name": "NoSlotHash",
      "message": "the sysvar of slot hashes holds none"
    },
    "6100": {
      "name": "NotConfigured",
      "message": "the run has no config yet; write and apply one first"
    },
    "6101": {
      "name": "ConfigNotApplied",
      "message": "a config is written but not applied; call update_config before resuming"
    },
    "6102": {
      "name": "WrongConfigHash",
      "message": "sha256 of the staged text is not the one given; write the text again"
    },
    "6103": {
      "name": "ConfigTooLong",
      "message": "a config text is at most 8192 bytes, and not longer than what was written"
    },
    "6104": {
      "name": "NotTheAuthority",
      "message": "the signer is not the run's main authority"
    },
    "6105": {
      "name": "NothingToUpdate",
      "message": "the flags name no field"
    },
    "6106": {
      "name": "TableIncomplete",
      "message": "the run's tables have not their full size yet; call allocate until they have"
    },
    "6107": {
      "name": "NotTheSlotsSession",
      "message": "the slot belongs to another session key"
    },
    "6108": {
      "name": "SessionExpired",
      "message": "the session has expired, or would at once; the owner can open it again"
    },
    "6109": {
      "name": "SessionTaken",
      "message": "this session key is open for another owner; close that session first"
    },
    "6110": {
      "name": "SessionNotExpired",
      "message": "only the owner can close a session that has not expired"
    },
    "6111": {
      "name": "StaleSession",
      "message": "the session was opened for a closed run of the same id; the owner can open it again"
    },
    "6112": {
      "name": "StaleMember",
      "message": "the member belongs to a closed run of the same id; the owner opens a session to begin anew"
    },
    "6113": {
      "name": "KeysNotDistinct",
      "message": "owner, session key and peer id must be three different keys"
    },
    "6114": {
      "name": "FloatTooLarge",
      "message": "a session may hold at most 0.1 SOL for fees"
    },
    "6115": {
      "name": "NotAuthorized",
      "message": "the grant does not let this owner join: it is not active, or of another authority, grantee or scope"
    },
    "6116": {
      "name": "GrantStillValid",
      "message": "the member's grant and bond still let it join"
    },
    "6117": {
      "name": "BondTooSmall",
      "message": "the owner's bond is smaller than the run asks; deposit the rest"
    },
    "6118": {
      "name": "MemberEjected",
      "message": "this owner was voted out of the run"
    },
    "6119": {
      "name": "WrongMember",
      "message": "the member account given is not that of the slot's owner"
    },
    "6120": {
      "name": "TooManySlots",
      "message": "at most that many slots or clients fit one instruction: 20 to settle, 16 to check"
    },
    "6121": {
      "name": "NotEnoughBond",
      "message": "that many lamports are not bonded, or not unbonding"
    },
    "6122": {
      "name": "StillUnbonding",
      "message": "a bond comes free after one whole epoch; call again later"
    },
    "6123": {
      "name": "NotEnoughPoints",
      "message": "the member has fewer points to claim"
    },
    "6124": {
      "name": "RunStillOpen",
      "message": "the run must be Paused, Finished or never started before it is closed"
    },
    "6125": {
      "name": "Unsettled",
      "message": "points of an epoch are not settled yet; settle all members first"
    },
    "6126": {
      "name": "MemberInUse",
      "message": "the member has points or a bond, or is in one of the run's tables"
    },
    "6127": {
      "name": "WrongMetadata",
      "message": "witness data is nothing, or a filter of 512 bytes and at most 200 bytes of metadata"
    },
    "6128": {
      "name": "FractionalTime",
      "message": "times of a run on chain are whole seconds: the cluster's clock knows no less"
    }
  },
  "authorizer": {
    "6000": {
      "name": "UnknownInstruction",
      "message": "the first byte names no instruction of this program"
    },
    "6001": {
      "name": "ShortData",
      "message": "the instruction's data ends before its last argument"
    },
    "6002": {
      "name": "TrailingData",
      "message": "the instruction's data goes on behind its last argument"
    },
    "6003": {
      "name": "BadArgument",
      "message": "an argument is outside of what it may be"
    },
    "6004": {
      "name": "BadText",
      "message": "a text must be UTF-8 without a zero byte, and no longer than its field"
    },
    "6005": {
      "name": "WrongAccountCount",
      "message": "the instruction takes another number of accounts"
    },
    "6006": {
      "name": "NotSigner",
      "message": "an account that must sign has not signed"
    },
    "6007": {
      "name": "NotWritable",
      "message": "an account that changes was not passed as writable"
    },
    "6008": {
      "name": "WrongOwner",
      "message": "an account belongs to another program than it should"
    },
    "6009": {
      "name": "Uninitialized",
      "message": "an account that must exist does not, or is not initialised"
    },
    "6010": {
      "name": "AlreadyInitialized",
      "message": "an account that should be created is there already"
    },
    "6011": {
      "name": "WrongKind",
      "message": "an account of this program is of another kind than the instruction takes here"
    },
    "6012": {
      "name": "WrongVersion",
      "message": "the account was written by another version of this program"
    },
    "6013": {
      "name": "WrongSize",
      "message": "the account's data has another size than its kind"
    },
    "6014": {
      "name": "WrongAddress",
      "message": "an account's address is not the one that its seeds give"
    },
    "6015": {
      "name": "WrongRun",
      "message": "the account belongs to another run"
    },
    "6016": {
      "name": "WrongKey",
      "message": "an account or a signer is not the one that the other accounts name"
    },
    "6017": {
      "name": "WrongProgram",
      "message": "the account given as a program or a sysvar is another one"
    },
    "6018": {
      "name": "SameAccount",
      "message": "two accounts that must differ are the same"
    },
    "6019": {
      "name": "Overflow",
      "message": "a sum does not fit its field"
    },
    "6020": {
      "name": "ClockOutOfRange",
      "message": "the cluster's clock is not usable"
    },
    "6021": {
      "name": "NoSlotHash",
      "message": "the sysvar of slot hashes holds none"
    },
    "6100": {
      "name": "EmptyScope",
      "message": "a scope has 1 to 32 bytes"
    },
    "6101": {
      "name": "WrongGrantor",
      "message": "the signer is not the grantor of this grant"
    },
    "6102": {
      "name": "WrongGrantee",
      "message": "the signer is not the grantee of this grant"
    },
    "6103": {
      "name": "TooManyDelegates",
      "message": "a grant holds at most 32 delegates: clear some first"
    },
    "6104": {
      "name": "StillActive",
      "message": "an active grant cannot be closed: deactivate it first"
    },
    "6105": {
      "name": "StillDelegated",
      "message": "a grant with delegates is kept for 30 days after its grantor last touched it: the grantee may clear them, or wait"
    }
  },
  "treasurer": {
    "6000": {
      "name": "UnknownInstruction",
      "message": "the first byte names no instruction of this program"
    },
    "6001": {
      "name": "ShortData",
      "message": "the instruction's data ends before its last argument"
    },
    "6002": {
      "name": "TrailingData",
      "message": "the instruction's data goes on behind its last argument"
    },
    "6003": {
      "name": "BadArgument",
      "message": "an argument is outside of what it may be"
    },
    "6004": {
      "name": "BadText",
      "message": "a text must be UTF-8 without a zero byte, and no longer than its field"
    },
    "6005": {
      "name": "WrongAccountCount",
      "message": "the instruction takes another number of accounts"
    },
    "6006": {
      "name": "NotSigner",
      "message": "an account that must sign has not signed"
    },
    "6007": {
      "name": "NotWritable",
      "message": "an account that changes was not passed as writable"
    },
    "6008": {
      "name": "WrongOwner",
      "message": "an account belongs to another program than it should"
    },
    "6009": {
      "name": "Uninitialized",
      "message": "an account that must exist does not, or is not initialised"
    },
    "6010": {
      "name": "AlreadyInitialized",
      "message": "an account that should be created is there already"
    },
    "6011": {
      "name": "WrongKind",
      "message": "an account of this program is of another kind than the instruction takes here"
    },
    "6012": {
      "name": "WrongVersion",
      "message": "the account was written by another version of this program"
    },
    "6013": {
      "name": "WrongSize",
      "message": "the account's data has another size than its kind"
    },
    "6014": {
      "name": "WrongAddress",
      "message": "an account's address is not the one that its seeds give"
    },
    "6015": {
      "name": "WrongRun",
      "message": "the account belongs to another run"
    },
    "6016": {
      "name": "WrongKey",
      "message": "an account or a signer is not the one that the other accounts name"
    },
    "6017": {
      "name": "WrongProgram",
      "message": "the account given as a program or a sysvar is another one"
    },
    "6018": {
      "name": "SameAccount",
      "message": "two accounts that must differ are the same"
    },
    "6019": {
      "name": "Overflow",
      "message": "a sum does not fit its field"
    },
    "6020": {
      "name": "ClockOutOfRange",
      "message": "the cluster's clock is not usable"
    },
    "6021": {
      "name": "NoSlotHash",
      "message": "the sysvar of slot hashes holds none"
    },
    "6100": {
      "name": "WrongAuthority",
      "message": "the signer is not the main authority of this treasury"
    },
    "6101": {
      "name": "NotForwarded",
      "message": "only write_config, update_config, update_metadata, set_paused, set_future_epoch_rates and close_run are forwarded"
    },
    "6102": {
      "name": "Closed",
      "message": "the run of this treasury is closed"
    },
    "6103": {
      "name": "NotClosed",
      "message": "the run of this treasury is not closed: what members can claim stays until it is"
    },
    "6104": {
      "name": "UnsupportedMint",
      "message": "the mint must be an initialised one of SPL Token, or of Token-2022 without extensions that change transfers"
    },
    "6105": {
      "name": "WrongMint",
      "message": "the mint or a token account is not of this treasury's mint"
    },
    "6106": {
      "name": "WrongTokenProgram",
      "message": "the token program given does not own the mint"
    },
    "6107": {
      "name": "WrongVault",
      "message": "the vault is not the treasury's associated token account"
    },
    "6108": {
      "name": "WrongTokenOwner",
      "message": "rewards are paid only to a token account that the owner of the points owns"
    },
    "6109": {
      "name": "Delegated",
      "message": "the token account has a delegate or is frozen: revoke it, or name another one"
    },
    "6110": {
      "name": "NothingAsked",
      "message": "the amount is zero"
    },
    "6111": {
      "name": "VaultShort",
      "message": "the treasury holds fewer tokens than that: claim what is there, or wait for a top-up"
    },
    "6112": {
      "name": "WrongParticipant",
      "message": "the participant account is of another treasury or another owner"
    },
    "6113": {
      "name": "WrongMember",
      "message": "the member account is not that of this owner in this run"
    },
    "6114": {
      "name": "StillOpen",
      "message": "a participant account is kept while the treasury of its run is open"
    },
    "6115": {
      "name": "PointsUnclaimed",
      "message": "members can still claim points: the run can be closed once they have, or 90 days after it was paused or finished"
    }
  }
};
