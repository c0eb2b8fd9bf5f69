/** Amounts of tokens, points and SOL as people write them, exact to the last unit: never a binary fraction. */
import { ActionError } from "./errors.ts";

export const SOL_DECIMALS = 9;
const MAX_U64 = (1n << 64n) - 1n;

/**
 * The smallest units in `text`, such as 1500000 for "1.5" with 6 decimals. `what` names the option in messages.
 * Errors: ActionError bad-argument: not a decimal number, finer than the token can be divided, or beyond 64 bits.
 */
export function parseAmount(text: string, decimals: number, what: string): bigint {
  const refuse = (rule: string): ActionError => new ActionError("bad-argument", `${what} ${text.slice(0, 40)}: ${rule}`);
  const parts = /^(\d{1,40})(?:\.(\d{1,40}))?$/.exec(text.trim());
  if (parts === null) throw refuse("must be a decimal number such as 12 or 0.5");
  const [, whole = "", fraction = ""] = parts;
  const significant = fraction.replace(/0+$/, "");
  if (significant.length > decimals) {
    const finest = decimals === 0 ? "it must be a whole number" : `it can be divided to ${decimals} decimals`;
    throw refuse(`${finest}, and this has ${significant.length}`);
  }
  const units = BigInt(whole + significant.padEnd(decimals, "0"));
  if (units > MAX_U64) throw refuse(`is more than there can be: at most ${formatAmount(MAX_U64, decimals)}`);
  return units;
}

/** The shortest text that `parseAmount` reads back as `units`. */
export function formatAmount(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** 1500000000n as "1.5 SOL". */
export function formatSol(lamports: bigint): string {
  return `${formatAmount(lamports, SOL_DECIMALS)} SOL`;
}
