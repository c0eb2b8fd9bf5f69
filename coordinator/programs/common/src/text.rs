//! Texts in fields of fixed size, padded with zeros.

use crate::CommonError;
use pinocchio::error::ProgramError;

/// Replaces what the field holds.
///
/// # Errors
/// `BadText` if it is longer than the field. Its bytes are taken as they are: [`crate::Reader::text`] has checked them.
pub fn write_text(field: &mut [u8], text: &[u8]) -> Result<(), ProgramError> {
    let (head, padding) = field.split_at_mut_checked(text.len()).ok_or(CommonError::BadText)?;
    head.copy_from_slice(text);
    padding.fill(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_text_leaves_nothing_of_the_longer() {
        let mut field = *b"longer";
        assert!(write_text(&mut field, b"new").is_ok());
        assert_eq!(&field, b"new\0\0\0");
        assert!(write_text(&mut field, b"too long").is_err());
        assert_eq!(&field, b"new\0\0\0");
    }
}
