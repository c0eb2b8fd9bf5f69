//! The only place that hashes: the SBF build replaces this body by the `sol_sha256` syscall.

use sha2::{Digest, Sha256};

/// sha256 of the concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
