//! Which mints a treasury takes: those of which a transfer moves exactly what it says and only the owner can move.

use crate::TreasurerError;
use crate::token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;

const MINT_BYTES: usize = 82;
const DECIMALS_AT: usize = 44;
const INITIALIZED_AT: usize = 45;
/// Token-2022 pads a mint with extensions to the length of a token account, then says which of the two it is.
const KIND_AT: usize = 165;
const MINT_KIND: u8 = 1;

/// What the program needs of a mint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mint {
    pub decimals: u8,
}

/// A mint that a treasury may take, of the token program that was passed.
///
/// # Errors
/// `WrongTokenProgram`, `UnsupportedMint`.
pub fn read_mint(mint: &AccountView, token_program: &AccountView) -> Result<Mint, ProgramError> {
    let id = token_program.address();
    if !(*id == TOKEN_PROGRAM || *id == TOKEN_2022_PROGRAM) || !mint.owned_by(id) {
        return Err(TreasurerError::WrongTokenProgram.into());
    }
    parse(&mint.try_borrow()?).ok_or(TreasurerError::UnsupportedMint.into())
}

fn parse(data: &[u8]) -> Option<Mint> {
    if *data.get(INITIALIZED_AT)? != 1 || data.len() < MINT_BYTES {
        return None;
    }
    let mint = Mint { decimals: *data.get(DECIMALS_AT)? };
    if data.len() == MINT_BYTES {
        return Some(mint);
    }
    if *data.get(KIND_AT)? != MINT_KIND {
        return None;
    }
    harmless(data.get(KIND_AT.checked_add(1)?..)?)?;
    Some(mint)
}

/// Walks the extensions { type u16, length u16, value }. Allowed is what is proven harmless, not what is known to be bad:
/// metadata, groups and the pointers to them (18 to 23), and a default account state (6) that is "initialised".
fn harmless(mut extensions: &[u8]) -> Option<()> {
    const DEFAULT_ACCOUNT_STATE: u16 = 6;
    const INITIALIZED_STATE: &[u8] = &[1];
    while let Some((kind, rest)) = extensions.split_first_chunk::<2>() {
        let kind = u16::from_le_bytes(*kind);
        if kind == 0 {
            return Some(()); // the rest is unused space
        }
        let (len, rest) = rest.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
        match kind {
            18..=23 => {}
            DEFAULT_ACCOUNT_STATE if value == INITIALIZED_STATE => {}
            _ => return None,
        }
        extensions = rest;
    }
    extensions.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut data = vec![0; MINT_BYTES];
        if let Some(decimals) = data.get_mut(DECIMALS_AT) {
            *decimals = 6;
        }
        if let Some(initialized) = data.get_mut(INITIALIZED_AT) {
            *initialized = 1;
        }
        if extensions.is_empty() {
            return data;
        }
        data.resize(KIND_AT, 0);
        data.push(MINT_KIND);
        for (kind, value) in extensions {
            data.extend(kind.to_le_bytes());
            data.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
            data.extend(*value);
        }
        data
    }

    #[test]
    fn plain_mints_and_metadata_are_taken() {
        assert_eq!(parse(&mint(&[])), Some(Mint { decimals: 6 }));
        assert_eq!(parse(&mint(&[(18, &[0; 64]), (19, &[1; 100]), (6, &[1])])), Some(Mint { decimals: 6 }));
        // unused space at the end
        assert_eq!(parse(&mint(&[(18, &[0; 64]), (0, &[])])), Some(Mint { decimals: 6 }));
    }

    #[test]
    fn whatever_may_change_a_transfer_is_refused() {
        // fee, close authority, confidential, frozen by default, not transferable, interest, permanent delegate, hook, pausable
        for kind in [1, 3, 4, 9, 10, 12, 14, 16, 24, 25, 26, 27, 999] {
            assert_eq!(parse(&mint(&[(18, &[0; 64]), (kind, &[0; 32])])), None, "extension {kind}");
        }
        assert_eq!(parse(&mint(&[(6, &[2])])), None, "frozen by default");
    }

    #[test]
    fn broken_data_is_refused_not_read() {
        let whole = mint(&[(18, &[0; 64])]);
        for len in 0..whole.len() {
            // whole when it is no longer than the plain mint that it begins with, or when it ends before any extension
            let expected = len == MINT_BYTES || len == KIND_AT.saturating_add(1);
            assert_eq!(parse(whole.get(..len).unwrap_or(&[])).is_some(), expected, "{len} bytes");
        }
        assert_eq!(parse(&[0; MINT_BYTES]), None, "not initialised");
        let mut account = whole;
        if let Some(kind) = account.get_mut(KIND_AT) {
            *kind = 2;
        }
        assert_eq!(parse(&account), None, "a token account");
    }
}
