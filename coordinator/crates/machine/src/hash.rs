//! The only place that hashes.

/// sha256 of the concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = [0; 32];
    sha256_into(parts, &mut hash);
    hash
}

/// The same, in place.
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
pub(crate) fn sha256_into(parts: &[&[u8]], hash: &mut [u8; 32]) {
    use sha2::{Digest, Sha256};

    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    *hash = hasher.finalize().into();
}

/// The same, in place, by the runtime's syscall.
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
#[allow(unsafe_code)]
pub(crate) fn sha256_into(parts: &[&[u8]], hash: &mut [u8; 32]) {
    // SAFETY: a slice of slices is what the syscall reads: pairs of address and length, both 64 bits there; it writes 32
    // bytes. It fails only by ending the program.
    unsafe {
        solana_define_syscall::definitions::sol_sha256(parts.as_ptr().cast(), parts.len() as u64, hash.as_mut_ptr())
    };
}
