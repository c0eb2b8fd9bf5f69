/** A run as its creator's commands make it: for journeys that begin after that. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Node } from "../../src/liveRun.ts";
import { addressOf, type OnChain } from "../../src/onChain.ts";
import { REPOSITORY } from "../../src/processes.ts";

export const EVERYONE = "11111111111111111111111111111111";
/** number of the wallet that creates runs */
export const CREATOR = 1;
/** software kernels take most of a minute to compile on a busy machine */
export const STARTED_MS = 240_000;

export interface RunPlan {
  runId: string;
  /** values of `[config]` of the `test` preset to change */
  config?: Readonly<Record<string, number>>;
  /** number of its creator's wallet; what one grants counts for all its runs */
  creator?: number;
  /** who gets a grant; null: nobody yet; default: everyone */
  grantee?: string | null;
  rewards?: { tokensPerEpoch: number; topUpTokens: number };
  /** default: it is resumed */
  paused?: boolean;
}

/** The `test` preset with some values of `[config]` changed: its folder. */
export function runFolder(chain: OnChain, config: Readonly<Record<string, number>>): string {
  const folder = mkdtempSync(join(chain.own("runs"), "run-"));
  let toml = readFileSync(join(REPOSITORY, "config/runs/test/config.toml"), "utf8");
  for (const [key, value] of Object.entries(config)) {
    const line = new RegExp(`^${key} = .*$`, "m");
    if (!line.test(toml)) throw new Error(`config/runs/test has no ${key}`);
    toml = toml.replace(line, `${key} = ${value}`);
  }
  writeFileSync(join(folder, "config.toml"), toml);
  return folder;
}

export async function createRun(chain: OnChain, plan: RunPlan): Promise<void> {
  const { runId, creator = CREATOR, grantee = EVERYONE, rewards } = plan;
  const authority = addressOf(chain.wallet(creator));
  if (grantee !== null) await chain.by(creator, "join-authorization-create", "--authorizer", grantee);
  const mint = rewards === undefined ? [] : ["--treasurer-collateral-mint", chain.mint];
  await chain.by(creator, "create-run", "--run-id", runId, "--join-authority", authority, ...mint);
  await chain.by(creator, "update-config", "--run-id", runId, "--config-path", runFolder(chain, plan.config ?? {}));
  if (rewards !== undefined) {
    const { tokensPerEpoch, topUpTokens } = rewards;
    await chain.by(creator, "set-future-epoch-rates", "--run-id", runId, "--earning-rate", String(tokensPerEpoch));
    await chain.by(creator, "treasurer-top-up-rewards", "--run-id", runId, "--collateral-amount", String(topUpTokens));
  }
  if (!plan.paused) await chain.by(creator, "set-paused", "--run-id", runId, "--resume");
}

/** Steps at which all told their parameters' hash; throws where one told another. */
export function equalSteps(members: readonly { name: string; hashes: Map<number, string> }[]): number[] {
  const [first, ...others] = members;
  const steps = [...first!.hashes.keys()].filter((step) => others.every(({ hashes }) => hashes.has(step)));
  for (const step of steps) {
    const told = members.map(({ name, hashes }) => `${name} ${hashes.get(step)}`);
    if (new Set(members.map(({ hashes }) => hashes.get(step))).size > 1)
      throw new Error(`parameters after step ${step} differ: ${told.join(", ")}`);
  }
  return steps.sort((a, b) => a - b);
}

export function hashesOf(node: Node): { name: string; hashes: Map<number, string> } {
  return { name: node.name, hashes: node.hashes() };
}
