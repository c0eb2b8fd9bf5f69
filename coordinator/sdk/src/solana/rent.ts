/** Solana's: two years of 3480 lamports a byte and year, on 128 bytes more than the account has */
const LAMPORTS_PER_BYTE = 6960n;
const OVERHEAD_BYTES = 128;

/** The deposit that an account of so many bytes must hold; it comes back when the account is closed. */
export function rentLamports(bytes: number): bigint {
  return BigInt(bytes + OVERHEAD_BYTES) * LAMPORTS_PER_BYTE;
}
