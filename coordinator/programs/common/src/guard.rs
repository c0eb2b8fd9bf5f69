//! What an instruction proves of an account before it believes it.
//!
//! Why owner and kind are enough for an existing account: only the program itself writes data into accounts it owns, and it
//! writes a kind only where it created the account at the address that the seeds give. Whoever assigns an account of
//! their own to the program brings it in zeroed, that is with kind 0. Fields (run, owner, index) then say which it is.

use crate::bytes::{Viewed, ViewedMut};
use crate::{Account, CommonError, VERSION};
use core::mem::size_of;
use pinocchio::Address;
use pinocchio::account::AccountView;
use pinocchio::error::ProgramError;

/// The accounts, if they are exactly as many as the instruction takes.
///
/// # Errors
/// `WrongAccountCount`.
pub fn exactly<const N: usize>(accounts: &mut [AccountView]) -> Result<&mut [AccountView; N], ProgramError> {
    accounts.try_into().map_err(|_| CommonError::WrongAccountCount.into())
}

/// # Errors
/// `NotSigner`.
pub fn signer(account: &AccountView) -> Result<(), ProgramError> {
    if account.is_signer() { Ok(()) } else { Err(CommonError::NotSigner.into()) }
}

/// # Errors
/// `NotWritable`.
pub fn writable(account: &AccountView) -> Result<(), ProgramError> {
    if account.is_writable() { Ok(()) } else { Err(CommonError::NotWritable.into()) }
}

/// # Errors
/// `WrongKey` if the account is not the one at `expected`.
pub fn key(account: &AccountView, expected: &[u8; 32]) -> Result<(), ProgramError> {
    if account.address().as_array() == expected { Ok(()) } else { Err(CommonError::WrongKey.into()) }
}

/// # Errors
/// `WrongProgram`.
pub fn system_program(account: &AccountView) -> Result<(), ProgramError> {
    if *account.address() == pinocchio_system::ID { Ok(()) } else { Err(CommonError::WrongProgram.into()) }
}

/// An account of `program` whose data is exactly a `T`.
///
/// # Errors
/// `Uninitialized`, `WrongOwner`, `WrongKind`, `WrongVersion`, `WrongSize`.
pub fn load<'a, T: Account>(account: &'a AccountView, program: &Address) -> Result<Viewed<'a, T>, ProgramError> {
    owned(account, program)?;
    exact_size::<T>(account)?;
    let body = Viewed::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

/// As [`load`], for an account that changes.
///
/// # Errors
/// Those of [`load`], `NotWritable`.
pub fn load_mut<'a, T: Account>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<ViewedMut<'a, T>, ProgramError> {
    writable(account)?;
    owned(account, program)?;
    exact_size::<T>(account)?;
    let body = ViewedMut::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

/// An account that begins with a `T`, whatever follows: one that is still growing, or one with a list behind it.
///
/// # Errors
/// Those of [`load`].
pub fn load_with_tail<'a, T: Account>(
    account: &'a AccountView,
    program: &Address,
) -> Result<Viewed<'a, T>, ProgramError> {
    owned(account, program)?;
    let body = Viewed::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

/// As [`load_with_tail`], for an account that changes.
///
/// # Errors
/// Those of [`load`], `NotWritable`.
pub fn load_with_tail_mut<'a, T: Account>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<ViewedMut<'a, T>, ProgramError> {
    writable(account)?;
    owned(account, program)?;
    let body = ViewedMut::<T>::new(account)?;
    checked(&*body)?;
    Ok(body)
}

fn owned(account: &AccountView, program: &Address) -> Result<(), ProgramError> {
    if account.owned_by(program) {
        return Ok(());
    }
    let absent = account.owned_by(&pinocchio_system::ID) && account.is_data_empty();
    Err(if absent { CommonError::Uninitialized } else { CommonError::WrongOwner }.into())
}

fn exact_size<T: Account>(account: &AccountView) -> Result<(), ProgramError> {
    if account.data_len() == size_of::<T>() { Ok(()) } else { Err(CommonError::WrongSize.into()) }
}

fn checked<T: Account>(body: &T) -> Result<(), ProgramError> {
    let header = body.header();
    let error = match header.kind {
        0 => CommonError::Uninitialized,
        kind if kind != T::KIND => CommonError::WrongKind,
        _ if header.version != VERSION => CommonError::WrongVersion,
        _ => return Ok(()),
    };
    Err(error.into())
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::*;
    use crate::init;
    use pinocchio::account::{NOT_BORROWED, RuntimeAccount};

    account! {
        pub struct Thing: kind 3, 16 bytes {
            pub value: u64,
        }
    }

    const PROGRAM: Address = Address::new_from_array([9; 32]);

    /// An account as the runtime lays it out: its head, then its data.
    #[repr(C)]
    struct Fake {
        head: RuntimeAccount,
        data: [u8; 24],
    }

    fn fake(owner: Address, data: &[u8]) -> Fake {
        let mut bytes = [0; 24];
        let kept =
            bytes.get_mut(..data.len()).map(|place| place.copy_from_slice(data)).map_or(0, |()| data.len() as u64);
        let head = RuntimeAccount {
            borrow_state: NOT_BORROWED,
            is_signer: 0,
            is_writable: 1,
            executable: 0,
            padding: [0; 4],
            address: Address::new_from_array([1; 32]),
            owner,
            lamports: 5,
            data_len: kept,
        };
        Fake { head, data: bytes }
    }

    fn view(fake: &mut Fake) -> AccountView {
        // SAFETY: the head is followed by its data, and `fake` outlives what the test does with the view.
        unsafe { AccountView::new_unchecked(core::ptr::from_mut(fake).cast()) }
    }

    fn refusal(owner: Address, data: &[u8]) -> Option<ProgramError> {
        let mut account = fake(owner, data);
        load::<Thing>(&view(&mut account), &PROGRAM).err()
    }

    #[test]
    fn believes_only_a_whole_initialised_account_of_the_program() {
        let sound = [3, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(refusal(PROGRAM, &sound), None);
        let with = |at: usize, value: u8| {
            let mut data = sound;
            if let Some(byte) = data.get_mut(at) {
                *byte = value;
            }
            refusal(PROGRAM, &data)
        };
        assert_eq!(with(0, 0), Some(CommonError::Uninitialized.into()));
        assert_eq!(with(0, 4), Some(CommonError::WrongKind.into()));
        assert_eq!(with(1, 2), Some(CommonError::WrongVersion.into()));
        let other = Address::new_from_array([8; 32]);
        assert_eq!(refusal(other, &sound), Some(CommonError::WrongOwner.into()));
        assert_eq!(refusal(pinocchio_system::ID, &[]), Some(CommonError::Uninitialized.into()));
        assert_eq!(refusal(pinocchio_system::ID, &sound), Some(CommonError::WrongOwner.into()));
        for len in [0, 8, 15] {
            let short = sound.get(..len).unwrap_or(&[]);
            assert_eq!(refusal(PROGRAM, short), Some(CommonError::WrongSize.into()), "{len} bytes");
        }
        let mut long = [0; 17];
        long.get_mut(..16).unwrap_or(&mut []).copy_from_slice(&sound);
        assert_eq!(refusal(PROGRAM, &long), Some(CommonError::WrongSize.into()));
    }

    #[test]
    fn a_tail_is_what_follows_the_struct() {
        let mut account = fake(PROGRAM, &[3, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        let account = view(&mut account);
        let thing = load_with_tail::<Thing>(&account, &PROGRAM);
        assert!(thing.is_ok_and(|thing| thing.value == 7 && thing.tail() == [1, 2, 3]));
    }

    #[test]
    fn initialises_once_and_borrows_mutably_once() {
        let mut account = fake(PROGRAM, &[0; 16]);
        let mut first = view(&mut account);
        let mut second = first;
        assert!(init::<Thing>(&mut first, 254, 2).is_ok_and(|mut thing| {
            thing.value = 1;
            (thing.header.kind, thing.header.version, thing.header.bump, thing.header.index) == (3, VERSION, 254, 2)
        }));
        assert_eq!(init::<Thing>(&mut first, 1, 1).err(), Some(CommonError::AlreadyInitialized.into()));
        let held = load_mut::<Thing>(&mut first, &PROGRAM);
        assert!(held.is_ok());
        assert_eq!(load_mut::<Thing>(&mut second, &PROGRAM).err(), Some(CommonError::SameAccount.into()));
        drop(held);
        assert!(load_mut::<Thing>(&mut second, &PROGRAM).is_ok_and(|thing| thing.value == 1));
    }

    #[test]
    fn asks_for_signatures_and_writability_by_flag() {
        let mut account = fake(PROGRAM, &[]);
        let plain = view(&mut account);
        assert_eq!(signer(&plain), Err(CommonError::NotSigner.into()));
        assert_eq!(writable(&plain), Ok(()));
        assert_eq!(key(&plain, &[1; 32]), Ok(()));
        assert_eq!(key(&plain, &[2; 32]), Err(CommonError::WrongKey.into()));
        account.head.is_signer = 1;
        account.head.is_writable = 0;
        assert_eq!(signer(&view(&mut account)), Ok(()));
        assert_eq!(writable(&view(&mut account)), Err(CommonError::NotWritable.into()));
        let mut data = fake(PROGRAM, &[3, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        data.head.is_writable = 0;
        assert_eq!(load_mut::<Thing>(&mut view(&mut data), &PROGRAM).err(), Some(CommonError::NotWritable.into()));
    }

    #[test]
    fn lamports_move_once_and_never_to_where_they_were() {
        let (mut from, mut to) = (fake(PROGRAM, &[3; 16]), fake(PROGRAM, &[]));
        to.head.address = Address::new_from_array([2; 32]);
        let (mut source, mut target) = (view(&mut from), view(&mut to));
        let mut again = source;
        assert_eq!(crate::move_lamports(&mut source, &mut again, 1), Err(CommonError::SameAccount.into()));
        assert_eq!(crate::move_lamports(&mut source, &mut target, 6), Err(CommonError::Overflow.into()));
        assert_eq!(crate::move_lamports(&mut source, &mut target, 2), Ok(()));
        assert_eq!((source.lamports(), target.lamports()), (3, 7));
        assert_eq!(crate::close(&mut source, &mut target), Ok(()));
        assert_eq!((source.lamports(), target.lamports(), source.data_len()), (0, 10, 0));
        assert!(source.owned_by(&pinocchio_system::ID));
    }

    #[test]
    fn takes_the_exact_number_of_accounts() {
        let mut account = fake(PROGRAM, &[]);
        let mut views = [view(&mut account); 3];
        assert!(exactly::<3>(&mut views).is_ok());
        assert_eq!(exactly::<2>(&mut views).err(), Some(CommonError::WrongAccountCount.into()));
        assert_eq!(exactly::<4>(&mut views).err(), Some(CommonError::WrongAccountCount.into()));
    }
}
