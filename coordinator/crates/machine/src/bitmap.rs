//! 256 bits in 32 bytes; bit b is bit `b % 8` (least significant first) of byte `b / 8`.

pub type Bitmap = [u8; 32];

/// The same 256 bits, as little-endian words.
pub type Words = [u64; 4];

pub fn get(map: &Bitmap, bit: u16) -> bool {
    map.get(usize::from(bit >> 3)).is_some_and(|byte| byte & (1 << (bit & 7)) != 0)
}

/// Sets `bit`; a bit past 255 is ignored.
pub fn set(map: &mut Bitmap, bit: u16) {
    if let Some(byte) = map.get_mut(usize::from(bit >> 3)) {
        *byte |= 1 << (bit & 7);
    }
}

/// Clears `bit`; a bit past 255 is ignored.
pub fn clear(map: &mut Bitmap, bit: u16) {
    if let Some(byte) = map.get_mut(usize::from(bit >> 3)) {
        *byte &= !(1 << (bit & 7));
    }
}

pub fn words(map: &Bitmap) -> Words {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(map.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

pub fn from_words(words: &Words) -> Bitmap {
    let mut map = [0; 32];
    for (bytes, word) in map.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    map
}

/// The bits below `len`.
pub fn first(len: u16) -> Bitmap {
    let mut words = [0u64; 4];
    let mut left = u32::from(len);
    for word in &mut words {
        *word = 1u64.checked_shl(left).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
        left = left.saturating_sub(64);
    }
    from_words(&words)
}

pub fn count(map: &Bitmap) -> u16 {
    words(map).iter().fold(0, |sum: u16, word| sum.saturating_add(word.count_ones() as u16))
}

/// True if a bit at or past `len` is set.
pub fn exceeds(map: &Bitmap, len: u16) -> bool {
    without(map, &first(len)) != [0; 32]
}

pub fn both(a: &Bitmap, b: &Bitmap) -> Bitmap {
    combine(a, b, |a, b| a & b)
}

/// The bits of `a` that `b` has not.
pub fn without(a: &Bitmap, b: &Bitmap) -> Bitmap {
    combine(a, b, |a, b| a & !b)
}

fn combine(a: &Bitmap, b: &Bitmap, each: impl Fn(u64, u64) -> u64) -> Bitmap {
    let mut result = words(a);
    for (word, other) in result.iter_mut().zip(words(b)) {
        *word = each(*word, other);
    }
    from_words(&result)
}

/// The set bits in ascending order.
pub fn bits(map: &Bitmap) -> impl Iterator<Item = u16> + '_ {
    (0..256).filter(|bit| get(map, *bit))
}
