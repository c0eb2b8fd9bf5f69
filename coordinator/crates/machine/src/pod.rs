//! Plain old data: structs whose bytes are their meaning, on every target.

/// A type that any bit pattern inhabits and that holds no padding.
pub trait Pod: Copy {
    const ZERO: Self;
}

macro_rules! integer_is_pod {
    ($($int:ty),*) => { $(impl Pod for $int { const ZERO: Self = 0; })* };
}
integer_is_pod!(u8, u16, u32, u64);

impl<T: Pod, const N: usize> Pod for [T; N] {
    const ZERO: Self = [T::ZERO; N];
}

/// One field of a [`Struct`]. `type_name` is the Rust type as written in the source.
#[repr(C)]
pub struct Field {
    pub name: &'static str,
    pub type_name: &'static str,
    pub offset: u32,
    pub size: u32,
}

/// Where the fields of a struct lie; exported by the wasm build.
#[repr(C)]
pub struct Struct {
    pub name: &'static str,
    pub fields: &'static [Field],
    pub size: u32,
}

/// Declares a `repr(C)` struct of [`Pod`] fields. It does not compile if the fields leave padding or if the size differs
/// from the one declared, so native, wasm32 and SBF builds can only agree.
macro_rules! pod {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: $size:literal {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::pod::Pod for $name {
            const ZERO: Self = Self { $($field: <$type as $crate::pod::Pod>::ZERO,)* };
        }

        impl $name {
            pub const LAYOUT: $crate::pod::Struct = $crate::pod::Struct {
                name: stringify!($name),
                fields: &[$($crate::pod::Field {
                    name: stringify!($field),
                    type_name: stringify!($type),
                    offset: core::mem::offset_of!($name, $field) as u32,
                    size: core::mem::size_of::<$type>() as u32,
                },)*],
                size: core::mem::size_of::<$name>() as u32,
            };
        }

        const _: () = assert!(core::mem::size_of::<$name>() == $size, concat!("the size of ", stringify!($name)));
        const _: () = assert!(0 $(+ core::mem::size_of::<$type>())* == $size, concat!("padding in ", stringify!($name)));
    };
}
