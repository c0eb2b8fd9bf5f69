//! An instruction's arguments, read front to back; nothing is read past the end and nothing may be left.

use crate::CommonError;
use pinocchio::error::ProgramError;

pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// # Errors
    /// `ShortData`.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], ProgramError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(CommonError::ShortData)?;
        self.rest = rest;
        Ok(head)
    }

    /// # Errors
    /// `ShortData`.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], ProgramError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(CommonError::ShortData)?;
        self.rest = rest;
        Ok(head)
    }

    /// # Errors
    /// `ShortData`.
    pub fn u8(&mut self) -> Result<u8, ProgramError> {
        self.array::<1>().map(|bytes| u8::from_le_bytes(*bytes))
    }

    /// 0 or 1.
    ///
    /// # Errors
    /// `ShortData`, `BadArgument`.
    pub fn flag(&mut self) -> Result<bool, ProgramError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CommonError::BadArgument.into()),
        }
    }

    /// # Errors
    /// `ShortData`.
    pub fn u16(&mut self) -> Result<u16, ProgramError> {
        self.array::<2>().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// # Errors
    /// `ShortData`.
    pub fn u32(&mut self) -> Result<u32, ProgramError> {
        self.array::<4>().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// # Errors
    /// `ShortData`.
    pub fn u64(&mut self) -> Result<u64, ProgramError> {
        self.array::<8>().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// A public key or a hash.
    ///
    /// # Errors
    /// `ShortData`.
    pub fn key(&mut self) -> Result<&'a [u8; 32], ProgramError> {
        self.array::<32>()
    }

    /// u16 length, then that many bytes of UTF-8 without a zero byte, at most `max`.
    ///
    /// # Errors
    /// `ShortData`, `BadText`.
    pub fn text(&mut self, max: usize) -> Result<&'a [u8], ProgramError> {
        let len = usize::from(self.u16()?);
        if len > max {
            return Err(CommonError::BadText.into());
        }
        let text = self.bytes(len)?;
        let valid = !text.contains(&0) && core::str::from_utf8(text).is_ok();
        if valid { Ok(text) } else { Err(CommonError::BadText.into()) }
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// # Errors
    /// `TrailingData` if anything is left.
    pub fn finish(self) -> Result<(), ProgramError> {
        if self.rest.is_empty() { Ok(()) } else { Err(CommonError::TrailingData.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(result: Result<T, ProgramError>, error: CommonError) -> bool {
        result.is_err_and(|found| found == error.into())
    }

    #[test]
    fn reads_little_endian_in_order_and_demands_the_end() {
        let data = [7, 1, 2, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        let mut reader = Reader::new(&data);
        assert_eq!(reader.u8(), Ok(7));
        assert_eq!(reader.u16(), Ok(0x0201));
        assert_eq!(reader.u32(), Ok(1));
        assert_eq!(reader.u64(), Ok(9));
        assert!(reader.finish().is_ok());
        assert!(refused(Reader::new(&data).finish(), CommonError::TrailingData));
    }

    #[test]
    fn never_reads_past_the_end() {
        for len in 0..8 {
            let data = [0u8; 8];
            let mut reader = Reader::new(data.get(..len).unwrap_or(&[]));
            assert!(refused(reader.u64(), CommonError::ShortData), "{len} bytes");
        }
        assert!(refused(Reader::new(&[0; 31]).key(), CommonError::ShortData));
        assert!(refused(Reader::new(&[]).u8(), CommonError::ShortData));
        assert!(refused(Reader::new(&[255, 255, 1]).text(65_535), CommonError::ShortData));
    }

    #[test]
    fn texts_are_bounded_utf8_without_zero() {
        assert_eq!(Reader::new(&[2, 0, b'o', b'k']).text(2), Ok(&b"ok"[..]));
        assert_eq!(Reader::new(&[0, 0]).text(2), Ok(&b""[..]));
        assert!(refused(Reader::new(&[3, 0, b'a', b'b', b'c']).text(2), CommonError::BadText));
        assert!(refused(Reader::new(&[1, 0, 0]).text(2), CommonError::BadText));
        assert!(refused(Reader::new(&[1, 0, 0xff]).text(2), CommonError::BadText));
    }

    #[test]
    fn a_flag_is_zero_or_one() {
        assert_eq!(Reader::new(&[1]).flag(), Ok(true));
        assert_eq!(Reader::new(&[0]).flag(), Ok(false));
        assert!(refused(Reader::new(&[2]).flag(), CommonError::BadArgument));
    }
}
