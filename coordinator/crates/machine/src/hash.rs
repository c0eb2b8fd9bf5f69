//! The only place that hashes.

/// sha256 of the concatenation of `parts`.
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    use sha2::{Digest, Sha256};

    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// sha256 of the concatenation of `parts`, by the runtime's syscall.
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
#[allow(unsafe_code)]
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = [0u8; 32];
    // SAFETY: a slice of slices is what the syscall reads: pairs of address and length, both 64 bits there; it writes 32
    // bytes. It fails only by ending the program.
    unsafe {
        solana_define_syscall::definitions::sol_sha256(parts.as_ptr().cast(), parts.len() as u64, hash.as_mut_ptr())
    };
    hash
}
