//! The bytes of the machine's structs; the only unsafe code of this crate.

use starling_machine::Pod;

/// Little-endian hosts only, which all that build this are; the machine's own bytes are little-endian by contract.
const _: () = assert!(cfg!(target_endian = "little"));

#[must_use]
pub fn bytes_of<T: Pod>(value: &T) -> &[u8] {
    // SAFETY: a `Pod` has no padding, so each of its `size_of` bytes is initialised; the borrow keeps it alive and unchanged.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
