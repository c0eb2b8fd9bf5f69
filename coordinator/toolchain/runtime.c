// What legalize.cpp calls: arithmetic wider than SBF has, and memory through syscalls. Compiled to bitcode and linked in
// before legalization. At -O1, not higher: -O2 recognises sbf_mulhi64 as "mul i128", which would become a call to itself.
typedef unsigned char u8;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long u64;
typedef long i64;

#define INLINE __attribute__((always_inline))
#define CALLED __attribute__((noinline))

// murmur3 of the names: SBPF calls a syscall by its hash
#define SOL_MEMCPY 0x717cc4a3UL
#define SOL_MEMMOVE 0x434371f8UL
#define SOL_MEMSET 0x3770fb22UL
#define SOL_MEMCMP 0x5fdcde31UL

/// The high 64 bits of a * b, by four 32-bit products.
INLINE u64 sbf_mulhi64(u64 a, u64 b) {
  u64 a0 = (u32)a, a1 = a >> 32, b0 = (u32)b, b1 = b >> 32;
  u64 low = a0 * b0, cross = a0 * b1, cross2 = a1 * b0, high = a1 * b1;
  u64 middle = (low >> 32) + (u32)cross + (u32)cross2;
  return high + (cross >> 32) + (cross2 >> 32) + (middle >> 32);
}

static INLINE u64 magnitude(i64 a) { return a < 0 ? 0UL - (u64)a : (u64)a; }

INLINE i64 sbf_sdiv64(i64 a, i64 b) {
  u64 quotient = magnitude(a) / magnitude(b);
  return (i64)((a ^ b) < 0 ? 0UL - quotient : quotient);
}

INLINE i64 sbf_srem64(i64 a, i64 b) {
  u64 remainder = magnitude(a) % magnitude(b);
  return (i64)(a < 0 ? 0UL - remainder : remainder);
}

/// (high, low) / d where high < d: Hacker's Delight divlu, long division in digits of 32 bits.
static inline u64 divide_two_words(u64 high, u64 low, u64 d, u64 *remainder) {
  int shift = __builtin_clzl(d);
  u64 v = d << shift, v1 = v >> 32, v0 = (u32)v;
  u64 u32s = shift ? (high << shift) | (low >> (64 - shift)) : high;
  u64 u10 = low << shift, u1 = u10 >> 32, u0 = (u32)u10;
  u64 q1 = u32s / v1, rest = u32s - q1 * v1;
  while ((q1 >> 32) || q1 * v0 > ((rest << 32) | u1)) {
    q1--;
    rest += v1;
    if (rest >> 32) break;
  }
  u64 u21 = (u32s << 32) + u1 - q1 * v;
  u64 q0 = u21 / v1;
  rest = u21 - q0 * v1;
  while ((q0 >> 32) || q0 * v0 > ((rest << 32) | u0)) {
    q0--;
    rest += v1;
    if (rest >> 32) break;
  }
  *remainder = ((u21 << 32) + u0 - q0 * v) >> shift;
  return (q1 << 32) + q0;
}

/// out = { quotient low, high, remainder low, high } of (nh, nl) / (dh, dl); a zero divisor was refused by the caller's code.
CALLED void sbf_udivmod128(u64 *out, u64 nl, u64 nh, u64 dl, u64 dh) {
  if (dh == 0) {
    if (nh == 0) {
      out[0] = nl / dl;
      out[1] = 0;
      out[2] = nl % dl;
      out[3] = 0;
      return;
    }
    u64 remainder;
    out[1] = nh / dl;
    out[0] = divide_two_words(nh % dl, nl, dl, &remainder);
    out[2] = remainder;
    out[3] = 0;
    return;
  }
  if (nh < dh || (nh == dh && nl < dl)) {
    out[0] = 0;
    out[1] = 0;
    out[2] = nl;
    out[3] = nh;
    return;
  }
  // the quotient has fewer than 64 bits: shift and subtract
  int shift = __builtin_clzl(dh) - __builtin_clzl(nh);
  u64 low = shift ? dl << shift : dl, high = shift ? (dh << shift) | (dl >> (64 - shift)) : dh, quotient = 0;
  for (int i = shift; i >= 0; i--) {
    quotient <<= 1;
    if (nh > high || (nh == high && nl >= low)) {
      u64 borrow = nl < low;
      nl -= low;
      nh = nh - high - borrow;
      quotient |= 1;
    }
    low = (low >> 1) | (high << 63);
    high >>= 1;
  }
  out[0] = quotient;
  out[1] = 0;
  out[2] = nl;
  out[3] = nh;
}

/// out = { product low, high, overflow } of two 128-bit numbers.
CALLED void sbf_umulo128(u64 *out, u64 al, u64 ah, u64 bl, u64 bh) {
  u64 low = al * bl, high = sbf_mulhi64(al, bl), overflow = (ah != 0) & (bh != 0);
  overflow |= (sbf_mulhi64(al, bh) != 0) | (sbf_mulhi64(ah, bl) != 0);
  u64 once = high + al * bh;
  overflow |= once < high;
  u64 twice = once + ah * bl;
  overflow |= twice < once;
  out[0] = low;
  out[1] = twice;
  out[2] = overflow;
}

CALLED void *sbf_memcpy(u8 *to, const u8 *from, u64 bytes) {
  // LLVM may copy a thing onto itself, which the syscall takes for an overlap
  if (to != from) ((void (*)(u8 *, const u8 *, u64))SOL_MEMCPY)(to, from, bytes);
  return to;
}

CALLED void *sbf_memmove(u8 *to, const u8 *from, u64 bytes) {
  ((void (*)(u8 *, const u8 *, u64))SOL_MEMMOVE)(to, from, bytes);
  return to;
}

CALLED void *sbf_memset(u8 *to, int value, u64 bytes) {
  ((void (*)(u8 *, u64, u64))SOL_MEMSET)(to, (u8)value, bytes);
  return to;
}

CALLED int sbf_memcmp(const u8 *a, const u8 *b, u64 bytes) {
  i32 order = 0;
  ((void (*)(const u8 *, const u8 *, u64, i32 *))SOL_MEMCMP)(a, b, bytes, &order);
  return order;
}
