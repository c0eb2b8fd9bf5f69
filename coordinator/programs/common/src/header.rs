//! The eight bytes at the head of every account, and the macro that declares one.

use crate::bytes::ViewedMut;
use crate::{CommonError, Plain};
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;

/// Of the layouts of the accounts; a program refuses accounts of another version.
pub const VERSION: u8 = 1;

/// The first 8 bytes of every account of every program.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// which struct follows; 0 = not initialised. Numbers are per program.
    pub kind: u8,
    pub version: u8,
    /// of the account's PDA
    pub bump: u8,
    /// which of several of the kind: table 0 or 1, round 0 to 3; else 0
    pub index: u8,
    pub padding: [u8; 4],
}

// SAFETY: eight bytes in repr(C), no padding.
#[allow(unsafe_code)]
unsafe impl Plain for Header {}

/// A struct that is the whole data of an account, or its head where something of variable size follows.
pub trait Account: Plain {
    const KIND: u8;
    fn header(&self) -> &Header;
    fn header_mut(&mut self) -> &mut Header;
}

/// Writes the header of a fresh, zeroed account and gives its body.
///
/// # Errors
/// `AlreadyInitialized` if there is a header, `WrongSize`.
pub fn init<T: Account>(account: &mut AccountView, bump: u8, index: u8) -> Result<ViewedMut<'_, T>, ProgramError> {
    let mut body = ViewedMut::<T>::new(account)?;
    if body.header().kind != 0 {
        return Err(CommonError::AlreadyInitialized.into());
    }
    *body.header_mut() = Header { kind: T::KIND, version: VERSION, bump, index, padding: [0; 4] };
    Ok(body)
}

/// Declares a `repr(C)` account of `Plain` fields behind a [`Header`]. It does not compile if the fields leave padding, if
/// one is not `Plain`, or if the size differs from the one declared.
#[macro_export]
macro_rules! account {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: kind $kind:literal, $size:literal bytes {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            pub header: $crate::Header,
            $($(#[$field_meta])* pub $field: $type,)*
        }

        // SAFETY: repr(C), every field is Plain and their sizes add up to the struct's (both asserted below).
        #[allow(unsafe_code)]
        unsafe impl $crate::Plain for $name {}

        impl $crate::Account for $name {
            const KIND: u8 = $kind;
            #[inline(always)]
            fn header(&self) -> &$crate::Header {
                &self.header
            }
            #[inline(always)]
            fn header_mut(&mut self) -> &mut $crate::Header {
                &mut self.header
            }
        }

        const _: () = {
            const fn plain<T: $crate::Plain>() -> usize {
                core::mem::size_of::<T>()
            }
            assert!(8 $(+ plain::<$type>())* == $size, concat!("padding in ", stringify!($name)));
            assert!(core::mem::size_of::<$name>() == $size, concat!("the size of ", stringify!($name)));
        };
    };
}
