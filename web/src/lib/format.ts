/** Figures as people read them: one place, so that the same figure looks the same on every page. */

/** shown where a figure is not known */
export const UNKNOWN = "–";

const known = (value: number | null | undefined): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** 1234567 -> "1,234,567"; at most `digits` decimals. */
export function formatNumber(value: number | bigint | null | undefined, digits = 0): string {
  if (typeof value === "bigint") return value.toLocaleString("en-US");
  return known(value) ? value.toLocaleString("en-US", { maximumFractionDigits: digits }) : UNKNOWN;
}

/** 1234 -> "1.23 k", 31_000_000 -> "31 M": three significant digits. */
export function formatCompact(value: number | null | undefined): string {
  if (!known(value)) return UNKNOWN;
  const steps = ["", " k", " M", " G", " T", " P"];
  let power = 0;
  let rest = value;
  // 999.95 would be shown as 1,000
  while (Math.abs(rest) >= 999.5 && power < steps.length - 1) {
    rest /= 1000;
    power++;
  }
  return `${Number(rest.toPrecision(3)).toLocaleString("en-US")}${steps[power]}`;
}

/** bytes -> "512 B", "1.5 MiB" */
export function formatBytes(bytes: number | bigint | null | undefined): string {
  const value = typeof bytes === "bigint" ? Number(bytes) : bytes;
  if (!known(value)) return UNKNOWN;
  const steps = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let power = 0;
  let rest = value;
  while (Math.abs(rest) >= 1023.5 && power < steps.length - 1) {
    rest /= 1024;
    power++;
  }
  const digits = power === 0 ? Math.round(rest) : Number(rest.toPrecision(3));
  return `${digits.toLocaleString("en-US")} ${steps[power]}`;
}

/** the figure alone carries "tokens/s" */
export const formatTokensPerSecond = (value: number | null | undefined): string =>
  known(value) ? `${formatCompact(value)} tokens/s` : UNKNOWN;

/** share in 0..1 -> "37 %", "0.4 %" */
export function formatPercent(share: number | null | undefined): string {
  if (!known(share)) return UNKNOWN;
  const percent = share * 100;
  return `${percent.toLocaleString("en-US", { maximumFractionDigits: Math.abs(percent) < 10 && percent !== 0 ? 1 : 0 })} %`;
}

export const formatLoss = (value: number | null | undefined): string => (known(value) ? value.toFixed(3) : UNKNOWN);

/** 0.0004 -> "4.00e-4" */
export function formatLearningRate(value: number | null | undefined): string {
  if (!known(value)) return UNKNOWN;
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

/** Exact: units of a mint with `decimals` -> "1,234.5", no rounding, no trailing zeros. */
export function formatUnits(units: bigint, decimals: number): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(decimals + 1, "0");
  const whole = BigInt(digits.slice(0, digits.length - decimals)).toLocaleString("en-US");
  const fraction = decimals === 0 ? "" : digits.slice(-decimals).replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** lamports -> "0.0125 SOL" */
export const formatSol = (lamports: bigint | number | null | undefined): string =>
  lamports === null || lamports === undefined ? UNKNOWN : `${formatUnits(BigInt(lamports), 9)} SOL`;

/** token units of a mint -> "12.5 tokens" */
export const formatTokens = (units: bigint | null | undefined, decimals: number, symbol = "tokens"): string =>
  units === null || units === undefined ? UNKNOWN : `${formatUnits(units, decimals)} ${symbol}`;

/** 4200 -> "4.2 s", 93_000 -> "1 min 33 s", 8_000_000 -> "2 h 13 min" */
export function formatDuration(ms: number | null | undefined): string {
  if (!known(ms)) return UNKNOWN;
  const clamped = Math.max(0, ms);
  if (clamped < 1000) return `${Math.round(clamped)} ms`;
  if (clamped < 9950) return `${(clamped / 1000).toFixed(1).replace(/\.0$/, "")} s`;
  const seconds = Math.round(clamped / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} days` : `${days} days ${hours % 24} h`;
}

/** ms from now, negative in the past -> "12 s ago", "in 3 min 20 s", "now" */
export function formatRelative(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 2) return "now";
  const [amount, unit] =
    seconds < 60
      ? [seconds, "s"]
      : seconds < 3600
        ? [Math.floor(seconds / 60), "min"]
        : seconds < 172_800
          ? [Math.floor(seconds / 3600), "h"]
          : [Math.floor(seconds / 86_400), "days"];
  // what is to come is waited for, and told to the second
  return ms < 0 ? `${amount} ${unit} ago` : `in ${formatDuration(seconds * 1000)}`;
}

/** "9xQe…VFin" */
export const shortAddress = (address: string): string => (address.length <= 12 ? address : `${address.slice(0, 4)}…${address.slice(-4)}`);
