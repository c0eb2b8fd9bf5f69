//! The errors that all programs share, and the macro with which a program declares its own.

/// One row of a program's table of errors; the IDL lists them.
#[derive(Clone, Copy)]
pub struct ErrorEntry {
    pub code: u32,
    pub name: &'static str,
    pub sentence: &'static str,
}

/// Declares an enum of errors: a name, the custom error number under which the runtime reports it, and one sentence that
/// says what was expected and what to do. 6000 to 6099 are those of this crate, a program's own begin at 6100.
#[macro_export]
macro_rules! program_errors {
    ($(#[$meta:meta])* pub enum $enum:ident { $($name:ident = $code:literal, $sentence:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u32)]
        pub enum $enum {
            $(#[doc = $sentence] $name = $code,)*
        }

        impl $enum {
            pub const ALL: &'static [$crate::ErrorEntry] =
                &[$($crate::ErrorEntry { code: $code, name: stringify!($name), sentence: $sentence },)*];
        }

        impl From<$enum> for $crate::pinocchio::error::ProgramError {
            #[inline(always)]
            fn from(error: $enum) -> Self {
                Self::Custom(error as u32)
            }
        }
    };
}

program_errors! {
    /// What any of the programs refuses, before its own rules are asked.
    pub enum CommonError {
        UnknownInstruction = 6000, "the first byte names no instruction of this program";
        ShortData = 6001, "the instruction's data ends before its last argument";
        TrailingData = 6002, "the instruction's data goes on behind its last argument";
        BadArgument = 6003, "an argument is outside of what it may be";
        BadText = 6004, "a text must be UTF-8 without a zero byte, and no longer than its field";
        WrongAccountCount = 6005, "the instruction takes another number of accounts";
        NotSigner = 6006, "an account that must sign has not signed";
        NotWritable = 6007, "an account that changes was not passed as writable";
        WrongOwner = 6008, "an account belongs to another program than it should";
        Uninitialized = 6009, "an account that must exist does not, or is not initialised";
        AlreadyInitialized = 6010, "an account that should be created is there already";
        WrongKind = 6011, "an account of this program is of another kind than the instruction takes here";
        WrongVersion = 6012, "the account was written by another version of this program";
        WrongSize = 6013, "the account's data has another size than its kind";
        WrongAddress = 6014, "an account's address is not the one that its seeds give";
        WrongRun = 6015, "the account belongs to another run";
        WrongKey = 6016, "an account or a signer is not the one that the other accounts name";
        WrongProgram = 6017, "the account given as a program or a sysvar is another one";
        SameAccount = 6018, "two accounts that must differ are the same";
        Overflow = 6019, "a sum does not fit its field";
        ClockOutOfRange = 6020, "the cluster's clock is not usable";
        NoSlotHash = 6021, "the sysvar of slot hashes holds none";
    }
}
