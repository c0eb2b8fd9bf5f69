//! What this program refuses on its own account. The machine's refusals are reported under the machine's numbers.

use pinocchio::error::ProgramError;
use starling_common::program_errors;
use starling_machine::Error;

program_errors! {
    /// Errors of the program `coordinator`.
    pub enum CoordinatorError {
        NotConfigured = 6100, "the run has no config yet; write and apply one first";
        ConfigNotApplied = 6101, "a config is written but not applied; call update_config before resuming";
        WrongConfigHash = 6102, "sha256 of the staged text is not the one given; write the text again";
        ConfigTooLong = 6103, "a config text is at most 8192 bytes, and not longer than what was written";
        NotTheAuthority = 6104, "the signer is not the run's main authority";
        NothingToUpdate = 6105, "the flags name no field";
        TableIncomplete = 6106, "the run's tables have not their full size yet; call allocate until they have";
        NotTheSlotsSession = 6107, "the slot belongs to another session key";
        SessionExpired = 6108, "the session has expired, or would at once; the owner can open it again";
        SessionTaken = 6109, "this session key is open for another owner; close that session first";
        SessionNotExpired = 6110, "only the owner can close a session that has not expired";
        StaleSession = 6111, "the session was opened for a closed run of the same id; the owner can open it again";
        StaleMember = 6112, "the member belongs to a closed run of the same id; the owner opens a session to begin anew";
        KeysNotDistinct = 6113, "owner, session key and peer id must be three different keys";
        FloatTooLarge = 6114, "a session may hold at most 0.1 SOL for fees";
        NotAuthorized = 6115, "the grant does not let this owner join: it is not active, or of another authority, grantee or scope";
        GrantStillValid = 6116, "the member's grant and bond still let it join";
        BondTooSmall = 6117, "the owner's bond is smaller than the run asks; deposit the rest";
        MemberEjected = 6118, "this owner was voted out of the run";
        WrongMember = 6119, "the member account given is not that of the slot's owner";
        TooManySlots = 6120, "at most that many slots or clients fit one instruction: 20 to settle, 16 to check";
        NotEnoughBond = 6121, "that many lamports are not bonded, or not unbonding";
        StillUnbonding = 6122, "a bond comes free after one whole epoch; call again later";
        NotEnoughPoints = 6123, "the member has fewer points to claim";
        RunStillOpen = 6124, "the run must be Paused, Finished or never started before it is closed";
        Unsettled = 6125, "points of an epoch are not settled yet; settle all members first";
        MemberInUse = 6126, "the member has points or a bond, or is in one of the run's tables";
        WrongMetadata = 6127, "witness data is nothing, or a filter of 512 bytes and at most 200 bytes of metadata";
        FractionalTime = 6128, "times of a run on chain are whole seconds: the cluster's clock knows no less";
    }
}

/// The machine's number, as the runtime reports it.
pub fn refused(error: Error) -> ProgramError {
    ProgramError::Custom(u32::from(error.code()))
}

#[cfg(test)]
mod tests {
    use super::CoordinatorError;

    #[test]
    fn errors_json_lists_them() {
        starling_common::check_errors_json(env!("CARGO_MANIFEST_DIR"), CoordinatorError::ALL);
    }
}
