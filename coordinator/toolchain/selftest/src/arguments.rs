//! More than five argument registers, wide arguments, wide results: direct, through a function pointer and through a vtable.

#[inline(never)]
#[allow(clippy::too_many_arguments, reason = "the point of it")]
fn seven(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
    a ^ b.rotate_left(1) ^ c.rotate_left(2) ^ d.rotate_left(3) ^ e.rotate_left(4) ^ f.rotate_left(5) ^ g.rotate_left(6)
}

#[inline(never)]
fn wide(a: u128, b: u128, flag: bool, bytes: &[u8]) -> u128 {
    let sum = bytes.iter().fold(0u128, |sum, byte| sum + u128::from(*byte));
    if flag { a.wrapping_add(b) ^ sum } else { a.wrapping_sub(b) ^ sum }
}

trait Mixer {
    fn mix(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> u64;
    fn widen(&self, a: u128, b: u128, text: &str) -> Option<u128>;
    fn name(&self) -> &'static str;
}

struct Adder(u64);
struct Shifter(u32);

impl Mixer for Adder {
    #[inline(never)]
    fn mix(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> u64 {
        seven(self.0, a, b, c, d, e, f)
    }
    #[inline(never)]
    fn widen(&self, a: u128, b: u128, text: &str) -> Option<u128> {
        a.checked_add(b)?.checked_add(text.len() as u128)
    }
    #[inline(never)]
    fn name(&self) -> &'static str {
        "adder"
    }
}

impl Mixer for Shifter {
    #[inline(never)]
    fn mix(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> u64 {
        seven(f, e, d, c, b, a, 0).rotate_left(self.0)
    }
    #[inline(never)]
    fn widen(&self, a: u128, b: u128, text: &str) -> Option<u128> {
        a.checked_sub(b)?.checked_sub(text.len() as u128)
    }
    #[inline(never)]
    fn name(&self) -> &'static str {
        "shifter, the longer name"
    }
}

type Seven = fn(u64, u64, u64, u64, u64, u64, u64) -> u64;

#[inline(never)]
fn reversed(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
    seven(g, f, e, d, c, b, a)
}

static TABLE: [Seven; 2] = [seven, reversed];

struct Record {
    words: [u64; 12],
}

/// A result far wider than a register: returned through a pointer.
#[inline(never)]
fn record(a: u64, b: u64) -> Result<Record, u64> {
    if a == b {
        return Err(a);
    }
    let mut words = [a; 12];
    for (index, word) in words.iter_mut().enumerate() {
        *word = word.rotate_left(index as u32) ^ b;
    }
    Ok(Record { words })
}

#[inline(never)]
pub fn answer(operation: u8, a: u128, b: u128) -> (u128, u128) {
    let (x, y, z, w) = (a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64);
    let adder = Adder(z);
    let shifter = Shifter(w as u32 & 63);
    let mixer: &dyn Mixer = if x & 1 == 0 { &adder } else { &shifter };
    match operation {
        40 => (u128::from(seven(x, y, z, w, x ^ z, y ^ w, x ^ y)), 0),
        41 => (wide(a, b, x & 1 == 0, &b.to_le_bytes()), 0),
        42 => (u128::from(mixer.mix(x, y, z, w, x ^ z, y ^ w)), mixer.name().len() as u128),
        43 => crate::option(mixer.widen(a, b, mixer.name())),
        44 => (u128::from(TABLE[usize::from(x & 1 == 1)](x, y, z, w, x ^ z, y ^ w, x ^ y)), 0),
        45 => match record(x, z) {
            Ok(record) => (record.words.iter().fold(0, |sum, word| sum + u128::from(*word)), 1),
            Err(value) => (u128::from(value), 0),
        },
        _ => (u128::MAX, 0),
    }
}
