//! What the authorizer writes and the coordinator reads: the head of a grant. `delegates_len` keys of 32 bytes follow it.

/// Bytes of a grant's scope, zero padded.
pub const SCOPE_BYTES: usize = 32;
/// The scope that lets an owner join a run.
pub const JOIN_SCOPE: &[u8] = b"CoordinatorJoinRun";
pub const MAX_DELEGATES: u8 = 32;
/// `11111111111111111111111111111111`: everybody.
pub const PUBLIC_GRANTEE: [u8; 32] = [0; 32];

account! {
    /// `["grant", grantor, grantee, scope]` of the program `authorizer`.
    pub struct GrantHead: kind 1, 120 bytes {
        pub grantor: [u8; 32],
        pub grantee: [u8; 32],
        pub scope: [u8; SCOPE_BYTES],
        /// Unix milliseconds of the grantor's last change
        pub updated_ms: u64,
        pub active: u8,
        pub delegates_len: u8,
        pub padding: [u8; 6],
    }
}

impl GrantHead {
    /// Whether it lets `user` do what the scope names, given the delegates that follow the head.
    #[must_use]
    pub fn lets_in(&self, delegates: &[u8], grantor: &[u8; 32], scope: &[u8], user: &[u8; 32]) -> bool {
        let (name, padding) = self.scope.split_at_checked(scope.len()).unwrap_or((&[], &[]));
        let scope_fits = !name.is_empty() && name == scope && padding.iter().all(|byte| *byte == 0);
        let delegates = delegates.as_chunks::<32>().0.iter().take(usize::from(self.delegates_len));
        let named =
            self.grantee == *user || self.grantee == PUBLIC_GRANTEE || delegates.into_iter().any(|key| key == user);
        self.active == 1 && self.grantor == *grantor && scope_fits && named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Header, VERSION};

    fn grant(grantee: [u8; 32], active: u8, delegates_len: u8) -> GrantHead {
        let mut scope = [0; SCOPE_BYTES];
        crate::write_text(&mut scope, JOIN_SCOPE).ok();
        let header = Header { kind: 1, version: VERSION, bump: 0, index: 0, padding: [0; 4] };
        GrantHead { header, grantor: [1; 32], grantee, scope, updated_ms: 0, active, delegates_len, padding: [0; 6] }
    }

    #[test]
    fn lets_in_the_grantee_everybody_or_a_delegate() {
        let delegates = [[8; 32], [9; 32]].concat();
        assert!(grant([7; 32], 1, 0).lets_in(&[], &[1; 32], JOIN_SCOPE, &[7; 32]));
        assert!(grant(PUBLIC_GRANTEE, 1, 0).lets_in(&[], &[1; 32], JOIN_SCOPE, &[7; 32]));
        assert!(grant([7; 32], 1, 2).lets_in(&delegates, &[1; 32], JOIN_SCOPE, &[9; 32]));
    }

    #[test]
    fn lets_nobody_else_in() {
        let delegates = [[8; 32], [9; 32]].concat();
        assert!(!grant([7; 32], 0, 0).lets_in(&[], &[1; 32], JOIN_SCOPE, &[7; 32]), "inactive");
        assert!(!grant([7; 32], 1, 0).lets_in(&[], &[2; 32], JOIN_SCOPE, &[7; 32]), "another grantor");
        assert!(!grant([7; 32], 1, 0).lets_in(&[], &[1; 32], b"CoordinatorJoin", &[7; 32]), "a prefix of the scope");
        assert!(!grant([7; 32], 1, 0).lets_in(&[], &[1; 32], b"", &[7; 32]), "no scope");
        assert!(!grant([7; 32], 1, 1).lets_in(&delegates, &[1; 32], JOIN_SCOPE, &[9; 32]), "behind the list's end");
        assert!(!grant([7; 32], 1, 2).lets_in(&[], &[1; 32], JOIN_SCOPE, &[9; 32]), "a list that is not there");
    }
}
