//! 256 bits in 32 bytes; bit b is bit `b % 8` (least significant first) of byte `b / 8`.

pub type Bitmap = [u8; 32];

pub fn get(map: &Bitmap, bit: u16) -> bool {
    map.get(usize::from(bit >> 3)).is_some_and(|byte| byte & (1 << (bit & 7)) != 0)
}

/// Sets `bit`; a bit past 255 is ignored.
pub fn set(map: &mut Bitmap, bit: u16) {
    if let Some(byte) = map.get_mut(usize::from(bit >> 3)) {
        *byte |= 1 << (bit & 7);
    }
}

pub fn count(map: &Bitmap) -> u16 {
    map.iter().fold(0, |sum: u16, byte| sum.saturating_add(byte.count_ones() as u16))
}

/// True if a bit at or past `len` is set.
pub fn exceeds(map: &Bitmap, len: u16) -> bool {
    (len..256).any(|bit| get(map, bit))
}

/// The set bits below 256 in ascending order.
pub fn bits(map: &Bitmap) -> impl Iterator<Item = u16> + '_ {
    (0..256).filter(|bit| get(map, *bit))
}
