//! Account data as structs, without a copy. This file holds all the unsafe code of the programs.
#![allow(unsafe_code)]

use crate::CommonError;
use core::mem::{align_of, size_of};
use core::ops::{Deref, DerefMut};
use pinocchio::account::{AccountView, Ref, RefMut};
use pinocchio::error::ProgramError;

/// A type whose values are exactly its bytes: no padding, no invalid bit pattern, no pointer.
///
/// # Safety
/// Every bit pattern of `size_of::<Self>()` bytes must be a value of it, and every value must have all bytes initialised.
pub unsafe trait Plain: Copy {}

// SAFETY: integers have neither padding nor invalid bit patterns; an array has none if its elements have none.
unsafe impl Plain for u8 {}
unsafe impl Plain for u16 {}
unsafe impl Plain for u32 {}
unsafe impl Plain for u64 {}
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

// SAFETY: the machine declares these by its `pod!`, which proves at compile time that they are repr(C) without padding;
// its fields are integers and arrays of such structs.
#[cfg(feature = "machine")]
mod machine {
    use super::Plain;
    use starling_machine::{Config, EpochTable, RoundDetail, Run};
    unsafe impl Plain for Config {}
    unsafe impl Plain for EpochTable {}
    unsafe impl Plain for RoundDetail {}
    unsafe impl Plain for Run {}
}

/// A shared borrow of a struct in an account's data, counted by the runtime's borrow state. `tail` is what follows it.
pub struct Viewed<'a, T> {
    data: Ref<'a, [u8]>,
    marker: core::marker::PhantomData<&'a T>,
}

/// As [`Viewed`], but the only borrow of that account.
pub struct ViewedMut<'a, T> {
    data: RefMut<'a, [u8]>,
    marker: core::marker::PhantomData<&'a mut T>,
}

impl<'a, T: Plain> Viewed<'a, T> {
    /// The account's first `size_of::<T>()` bytes as a `T`.
    pub(crate) fn new(account: &'a AccountView) -> Result<Self, ProgramError> {
        let data = account.try_borrow().map_err(|_| CommonError::SameAccount)?;
        fits::<T>(&data)?;
        Ok(Self { data, marker: core::marker::PhantomData })
    }

    /// The bytes behind the struct.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        self.data.get(size_of::<T>()..).unwrap_or(&[])
    }
}

impl<'a, T: Plain> ViewedMut<'a, T> {
    pub(crate) fn new(account: &'a mut AccountView) -> Result<Self, ProgramError> {
        let data = account.try_borrow_mut().map_err(|_| CommonError::SameAccount)?;
        fits::<T>(&data)?;
        Ok(Self { data, marker: core::marker::PhantomData })
    }

    /// The bytes behind the struct.
    pub fn tail_mut(&mut self) -> &mut [u8] {
        self.data.get_mut(size_of::<T>()..).unwrap_or(&mut [])
    }
}

impl<T: Plain> Deref for Viewed<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: `new` proved length and alignment; T is Plain; the Ref keeps every mutable borrow away.
        unsafe { &*self.data.as_ptr().cast::<T>() }
    }
}

impl<T: Plain> Deref for ViewedMut<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: as above.
        unsafe { &*self.data.as_ptr().cast::<T>() }
    }
}

impl<T: Plain> DerefMut for ViewedMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; the RefMut is the only borrow, and `&mut self` the only use of it.
        unsafe { &mut *self.data.as_mut_ptr().cast::<T>() }
    }
}

/// A copy of the struct whose bytes these are, wherever they lie.
///
/// # Errors
/// `BadArgument` if there is another number of bytes.
pub fn copy_plain<T: Plain>(bytes: &[u8]) -> Result<T, ProgramError> {
    if bytes.len() != size_of::<T>() {
        return Err(CommonError::BadArgument.into());
    }
    // SAFETY: the length is right, T is Plain, and an unaligned read needs no alignment.
    Ok(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

fn fits<T>(data: &[u8]) -> Result<(), ProgramError> {
    let aligned = data.as_ptr().addr().is_multiple_of(align_of::<T>());
    if aligned && data.len() >= size_of::<T>() { Ok(()) } else { Err(CommonError::WrongSize.into()) }
}
