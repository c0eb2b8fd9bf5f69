//! What this program refuses by its own rules.

starling_common::program_errors! {
    pub enum TreasurerError {
        WrongAuthority = 6100, "the signer is not the main authority of this treasury";
        NotForwarded = 6101, "only write_config, update_config, update_metadata, set_paused, set_future_epoch_rates and close_run are forwarded";
        Closed = 6102, "the run of this treasury is closed";
        NotClosed = 6103, "the run of this treasury is not closed: what members can claim stays until it is";
        UnsupportedMint = 6104, "the mint must be an initialised one of SPL Token, or of Token-2022 without extensions that change transfers";
        WrongMint = 6105, "the mint or a token account is not of this treasury's mint";
        WrongTokenProgram = 6106, "the token program given does not own the mint";
        WrongVault = 6107, "the vault is not the treasury's associated token account";
        WrongTokenOwner = 6108, "rewards are paid only to a token account that the owner of the points owns";
        Delegated = 6109, "the token account has a delegate or is frozen: revoke it, or name another one";
        NothingAsked = 6110, "the amount is zero";
        VaultShort = 6111, "the treasury holds fewer tokens than that: claim what is there, or wait for a top-up";
        WrongParticipant = 6112, "the participant account is of another treasury or another owner";
        WrongMember = 6113, "the member account is not that of this owner in this run";
        StillOpen = 6114, "a participant account is kept while the treasury of its run is open";
        PointsUnclaimed = 6115, "members can still claim points: the run can be closed once they have, or 90 days after it was paused or finished";
    }
}

#[cfg(test)]
mod tests {
    use super::TreasurerError;

    #[test]
    fn errors_json_lists_them() {
        starling_common::check_errors_json(env!("CARGO_MANIFEST_DIR"), TreasurerError::ALL);
    }
}
