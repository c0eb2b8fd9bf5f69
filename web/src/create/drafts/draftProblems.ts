/** What is wrong with a draft, all of it, and the run config it makes. */
import type { RunConfig } from "@starling/config";
import { formatAmount, parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { looksLikeAddress } from "../../lib/addressText.ts";
import { amountRule } from "../amountRule.ts";
import type { FormValues } from "../form/formValues.ts";
import { stepOfPath, type ConfigStep } from "../form/outline.ts";
import { resolveRun } from "../form/resolveRun.ts";
import type { Draft } from "./draft.ts";

export type StepName = "run" | ConfigStep | "access" | "rewards";

export interface DraftProblem {
  step: StepName;
  /** `name` of the input; null where none is meant */
  path: string | null;
  rule: string;
  /** for a summary */
  message: string;
  isMissing: boolean;
}

export interface CheckedDraft {
  /** with the rates of the rewards; null while anything of it is wrong */
  config: RunConfig | null;
  problems: DraftProblem[];
}

const MAX_DECIMALS = 9;

/** Decimals of the token that is paid, 0 for points; null while those of the mint that was picked are not known. */
export function rewardDecimals({ rewards }: Draft, mintDecimals: number | null): number | null {
  if (rewards.mode === "none") return 0;
  if (rewards.mode === "mint") return mintDecimals;
  return isWhole(rewards.decimals, MAX_DECIMALS) ? Number(rewards.decimals) : null;
}

/** Pure. `mintDecimals`: of the mint that was picked, once the chain told. */
export function checkDraft(draft: Draft, mintDecimals: number | null): CheckedDraft {
  const problems: DraftProblem[] = [];
  const forChain = draft.cluster !== null;
  const add = (step: StepName, path: string, rule: string, label: string, isMissing = false): void => {
    problems.push({ step, path, rule, message: `${label}: ${rule}`, isMissing });
  };
  const decimals = rewardDecimals(draft, mintDecimals);
  const rates = readRates(draft, decimals ?? 0, add);
  const { config, problems: found } = resolveRun(withRates(draft.config, rates), { forChain });
  for (const { path, ...rest } of found) problems.push({ step: path === null ? "rounds" : stepOfPath(path), path: inputOf(path), ...rest });
  if (textOf(draft.config["run_id"]).trim() === "") add("run", "run_id", "is required: text of 1 to 32 bytes", "run id", true);
  if (forChain) {
    checkTexts(draft, add);
    checkAccess(draft, add);
    checkRewards(draft, decimals, add);
  }
  return { config: problems.length > 0 || decimals === null ? null : config, problems };
}

type Add = (step: StepName, path: string, rule: string, label: string, isMissing?: boolean) => void;

/** Rates are typed in tokens on the step of rewards; the config has them in the token's smallest unit. */
function inputOf(path: string | null): string | null {
  if (path === "config.earning_rate_total_shared") return "rewards.earning";
  return path === "config.slashing_rate_per_client" ? "rewards.slashing" : path;
}

interface Rates {
  earning: bigint;
  slashing: bigint;
}

function readRates({ rewards }: Draft, decimals: number, add: Add): Rates {
  const read = (name: "earning" | "slashing", label: string): bigint => {
    const units = amount(rewards[name], decimals, (rule) => add("rewards", `rewards.${name}`, rule, label));
    if (units === null || units <= BigInt(Number.MAX_SAFE_INTEGER)) return units ?? 0n;
    const most = formatAmount(BigInt(Number.MAX_SAFE_INTEGER), decimals);
    add("rewards", `rewards.${name}`, `must be at most ${most}`, label);
    return 0n;
  };
  return { earning: read("earning", "what an epoch pays"), slashing: read("slashing", "what an ejected member loses") };
}

function withRates(values: FormValues, { earning, slashing }: Rates): FormValues {
  const config = values["config"] as FormValues;
  return {
    ...values,
    config: { ...config, earning_rate_total_shared: String(earning), slashing_rate_per_client: String(slashing) },
  };
}

/** The rule that a text breaks; null: none. */
export function tooLong(text: string, max: number): string | null {
  const bytes = new TextEncoder().encode(text).length;
  return bytes > max ? `must be at most ${max} bytes, and this has ${bytes}` : null;
}

function checkTexts(draft: Draft, add: Add): void {
  const name = tooLong(draft.name, CHAIN_LIMITS.nameBytes);
  if (name !== null) add("run", "name", name, "name");
  const description = tooLong(draft.description, CHAIN_LIMITS.descriptionBytes);
  if (description !== null) add("run", "description", description, "description");
}

function checkAccess({ access }: Draft, add: Add): void {
  if (access.joinAuthority.trim() !== "" && !looksLikeAddress(access.joinAuthority.trim())) {
    add("access", "access.joinAuthority", "must be a Solana address, 32 bytes as base58", "join authority");
  }
  if (access.mode === "private") {
    const broken = granteesOf(access.grantees).filter((address) => !looksLikeAddress(address));
    if (broken.length > 0) {
      add("access", "access.grantees", `must be Solana addresses, one a line; these are none: ${broken.join(", ")}`, "who may join");
    }
  }
  amount(access.minBond, SOL_DECIMALS, (rule) => add("access", "access.minBond", rule, "bond"));
}

function checkRewards({ rewards }: Draft, decimals: number | null, add: Add): void {
  if (rewards.mode === "none") return;
  if (rewards.mode === "mint" && !looksLikeAddress(rewards.mint.trim())) {
    const isMissing = rewards.mint.trim() === "";
    add("rewards", "rewards.mint", `${isMissing ? "is required" : "must be"}: the address of a token's mint`, "token", isMissing);
  }
  if (rewards.mode === "new-mint" && !isWhole(rewards.decimals, MAX_DECIMALS)) {
    add("rewards", "rewards.decimals", `must be an integer from 0 to ${MAX_DECIMALS}`, "decimals");
  }
  if (decimals === null) return;
  const topUp = amount(rewards.topUp, decimals, (rule) => add("rewards", "rewards.topUp", rule, "first top-up"));
  if (rewards.mode !== "new-mint") return;
  const supply = amount(rewards.supply, decimals, (rule) => add("rewards", "rewards.supply", rule, "supply"));
  if (topUp !== null && supply !== null && topUp > supply) {
    add("rewards", "rewards.topUp", `must be at most the ${rewards.supply.trim()} tokens that are made`, "first top-up");
  }
}

/** 0 for an empty text, null (and a rule) for what is no amount. */
function amount(text: string, decimals: number, broken: (rule: string) => void): bigint | null {
  if (text.trim() === "") return 0n;
  const rule = amountRule(text, decimals);
  if (rule === null) return parseAmount(text, decimals, "");
  broken(rule);
  return null;
}

/** One a line, or apart by commas or spaces; each once. */
export function granteesOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ""))];
}

function isWhole(text: string, max: number): boolean {
  return /^\d{1,3}$/.test(text.trim()) && Number(text) <= max;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
