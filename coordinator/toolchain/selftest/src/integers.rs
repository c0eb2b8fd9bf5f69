//! Arithmetic that SBF has no instruction for.
use crate::option;

fn pair<T>(value: Option<T>, widen: fn(T) -> u128) -> (u128, u128) {
    option(value.map(widen))
}

fn signed(value: i128) -> u128 {
    value as u128
}

#[inline(never)]
pub fn answer(operation: u8, a: u128, b: u128) -> (u128, u128) {
    let (x, y) = (a as u64, b as u64);
    let (ia, ib) = (a as i128, b as i128);
    let (ix, iy) = (a as i64, b as i64);
    match operation {
        0 => pair(x.checked_mul(y), u128::from),
        1 => pair(ix.checked_mul(iy), |v| signed(v.into())),
        2 => (a.wrapping_mul(b), 0),
        3 => option(a.checked_mul(b)),
        4 => option(a.checked_div(b)),
        5 => option(a.checked_rem(b)),
        6 => pair(ia.checked_div(ib), signed),
        7 => pair(ia.checked_rem(ib), signed),
        8 => pair(ix.checked_div(iy), |v| signed(v.into())),
        9 => pair(ix.checked_rem(iy), |v| signed(v.into())),
        10 => pair((a as i32).checked_div(b as i32), |v| signed(v.into())),
        11 => pair((a as i32).checked_rem(b as i32), |v| signed(v.into())),
        12 => option(a.checked_add(b)),
        13 => option(a.checked_sub(b)),
        14 => pair(ia.checked_sub(ib), signed),
        15 => (a.wrapping_shl(b as u32 & 127), a.wrapping_shr(b as u32 & 127)),
        16 => (signed(ia.wrapping_shr(b as u32 & 127)), a.rotate_left(b as u32 & 127)),
        17 => (u128::from(x.leading_zeros()), u128::from(a.trailing_zeros())),
        18 => (u128::from(x.isqrt()), u128::from(x.count_ones())),
        19 => (u128::from(x.swap_bytes()), u128::from(x.wrapping_pow(y as u32 & 63))),
        20 => pair((a as u32).checked_mul(b as u32), u128::from),
        21 => pair((a as u16).checked_mul(b as u16), u128::from),
        22 => (u128::from(x.saturating_mul(y)), u128::from(x.wrapping_mul(y))),
        23 => (u128::from(x) * u128::from(y), 0),
        24 => (u128::from(a < b), u128::from(ia < ib)),
        // the division of points: u64 pool and weights through u128, as a program would
        25 => (if y == 0 { 0 } else { u128::from(x) * (a >> 64) / u128::from(y) }, 0),
        _ => (u128::MAX, 0),
    }
}
