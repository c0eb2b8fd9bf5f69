//! What this program refuses by its own rules.

starling_common::program_errors! {
    pub enum AuthorizerError {
        EmptyScope = 6100, "a scope has 1 to 32 bytes";
        WrongGrantor = 6101, "the signer is not the grantor of this grant";
        WrongGrantee = 6102, "the signer is not the grantee of this grant";
        TooManyDelegates = 6103, "a grant holds at most 32 delegates: clear some first";
        StillActive = 6104, "an active grant cannot be closed: deactivate it first";
        StillDelegated = 6105, "a grant with delegates is kept for 30 days after its grantor last touched it: the grantee may clear them, or wait";
    }
}

#[cfg(test)]
mod tests {
    use super::AuthorizerError;

    #[test]
    fn errors_json_lists_them() {
        starling_common::check_errors_json(env!("CARGO_MANIFEST_DIR"), AuthorizerError::ALL);
    }
}
