/**
 * A run's configuration, and what is shown of it. The TOML text goes to the chain in pieces; pieces that are there already are not
 * sent again, so an action that was stopped half-way goes on where it was.
 */
import { getAddressEncoder, type Address, type TransactionSigner } from "@solana/kit";
import { chainConfigIssues, serializeRunConfig, toMachineConfig, type RunConfig } from "@starling/config";
import { equalBytes, sha256, toHex } from "../bytes.ts";
import { checkConfig } from "../machine.ts";
import { updateConfig as updateConfigInstruction, updateMetadata, writeConfig, type Metadata } from "../solana/instructions.ts";
import { CHAIN_LIMITS } from "../solana/limits.ts";
import { encodeConfig } from "../stateCodec.ts";
import { authorityOf, type RunAuthority } from "./authority.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { requireRun, runStateOf, type OnChainRun } from "./run.ts";

/** What is shown of a run, and who may join it; what is not given stays. */
export interface RunMetadata extends Omit<Metadata, "joinAuthority"> {
  joinAuthority?: Address;
}

export interface UpdateConfigInput {
  runId: string;
  /** its `run_id` is set to the run's */
  config?: RunConfig;
  /** what the model of `config` has, shown with the run unless `metadata` says otherwise */
  counted?: { numParameters: number; vocabSize: number } | null;
  metadata?: RunMetadata;
}

export interface AppliedConfig {
  /** of the TOML text, hex */
  sha256: string;
  bytes: number;
  /** false: it was in force already */
  changed: boolean;
  signature: string | null;
}

export interface UpdatedRun {
  runId: string;
  /** null: none was given */
  config: AppliedConfig | null;
  /** what was sent; empty: nothing */
  metadata: RunMetadata;
  metadataSignature: string | null;
  /** the run has its first configuration by this, and is not started yet */
  isFirst: boolean;
}

/** Why the chain would not take the config, in sentences; empty: it would. Pure. */
export function whyNotOnChain(config: RunConfig): string[] {
  return [
    ...checkConfig(toMachineConfig(config)).map((error) => error.message),
    ...chainConfigIssues(config, CHAIN_LIMITS.tomlBytes).map((issue) => issue.message),
  ];
}

/** Errors: ActionError bad-argument, nothing-to-do, not-found, not-allowed, wrong-state (it must be paused); ChainError. */
export async function updateConfig(chain: Chain, wallet: TransactionSigner, input: UpdateConfigInput, tell?: Tell): Promise<UpdatedRun> {
  const { runId, counted } = input;
  const config: RunConfig | null = input.config === undefined ? null : { ...input.config, run_id: runId };
  const wanted: RunMetadata = {
    ...(counted && { numParameters: BigInt(counted.numParameters), vocabSize: BigInt(counted.vocabSize) }),
    ...Object.fromEntries(Object.entries(input.metadata ?? {}).filter(([, value]) => value !== undefined)),
  };
  if (config === null && Object.keys(wanted).length === 0)
    throw new ActionError("nothing-to-do", "neither a configuration nor anything shown of the run is given");
  const issues = config === null ? [] : whyNotOnChain(config);
  if (issues.length > 0) throw new ActionError("bad-argument", `the configuration: ${issues.join("; ")}`);

  const run = await requireRun(chain, runId);
  const authority = await authorityOf(chain, run, wallet);
  const metadata = whatDiffers(run, wanted);
  const isShown = Object.keys(metadata).length > 0;
  const plan = config === null ? null : planConfig(run, config);
  const of = (plan?.pieces.length ?? 0) + Number(plan !== null && !plan.isThere) + Number(isShown);
  const applied = plan === null ? null : await applyConfig(chain, run, authority, wallet, plan, of, tell);
  let metadataSignature: string | null = null;
  if (isShown) {
    tell?.({ step: of, of, text: "updating what is shown of the run" });
    const { joinAuthority, ...shown } = metadata;
    const changes: Metadata = {
      ...shown,
      ...(joinAuthority !== undefined && { joinAuthority: new Uint8Array(getAddressEncoder().encode(joinAuthority)) }),
    };
    const instruction = await authority.instruct((signer) => updateMetadata(run.at, signer, changes));
    metadataSignature = await chain.send([instruction], wallet, "update what is shown of the run");
  }
  return { runId, config: applied, metadata, metadataSignature, isFirst: applied !== null && run.state === null };
}

/** What is shown otherwise now. */
function whatDiffers({ config, account }: OnChainRun, wanted: RunMetadata): RunMetadata {
  const { name, description, clientVersion, numParameters, vocabSize } = config;
  const { joinAuthority, minBondLamports } = account;
  const now: RunMetadata = { name, description, clientVersion, numParameters, vocabSize, joinAuthority, minBondLamports };
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => value !== now[key as keyof RunMetadata]));
}

interface ConfigPlan {
  /** UTF-8 */
  toml: Uint8Array;
  sha256: Uint8Array; // (32)
  machineConfig: Uint8Array;
  isThere: boolean;
  /** offsets of those that the chain has not */
  pieces: number[];
}

function planConfig(run: OnChainRun, config: RunConfig): ConfigPlan {
  const toml = new TextEncoder().encode(serializeRunConfig(config));
  const machine = toMachineConfig(config);
  // rates that were set for future epochs stay, unless the config has rates of its own
  if (run.state !== null) {
    if (machine.earningRateTotalShared === 0n) machine.earningRateTotalShared = run.state.config.earningRateTotalShared;
    if (machine.slashingRatePerClient === 0n) machine.slashingRatePerClient = run.state.config.slashingRatePerClient;
  }
  const hash = sha256(toml);
  const machineConfig = encodeConfig(machine);
  const isThere =
    run.state !== null && equalBytes(hash, run.account.configSha256) && equalBytes(encodeConfig(run.state.config), machineConfig);
  const pieces: number[] = [];
  if (isThere) return { toml, sha256: hash, machineConfig, isThere, pieces };
  for (let offset = 0; offset < toml.length; offset += CHAIN_LIMITS.configChunkBytes) {
    const piece = toml.subarray(offset, offset + CHAIN_LIMITS.configChunkBytes);
    if (!equalBytes(piece, run.staged.subarray(offset, offset + piece.length))) pieces.push(offset);
  }
  return { toml, sha256: hash, machineConfig, isThere, pieces };
}

async function applyConfig(
  chain: Chain,
  run: OnChainRun,
  authority: RunAuthority,
  wallet: TransactionSigner,
  { toml, sha256: hash, machineConfig, isThere, pieces }: ConfigPlan,
  of: number,
  tell: Tell | undefined,
): Promise<AppliedConfig> {
  const facts = { sha256: toHex(hash), bytes: toml.length };
  if (isThere) return { ...facts, changed: false, signature: null };
  const now = runStateOf(run);
  if (run.state?.pendingPause)
    throw new ActionError(
      "wrong-state",
      `run ${run.runId} is ${now}, and its configuration can only be changed while it is Paused: it pauses once its last rounds are applied, wait for that`,
    );
  if (now !== "Uninitialized" && now !== "Paused")
    throw new ActionError("wrong-state", `run ${run.runId} is ${now}, and its configuration can only be changed while it is Paused`, {
      advice: "pause",
    });
  for (const [done, offset] of pieces.entries()) {
    tell?.({ step: done + 1, of, text: `sending the configuration: piece ${done + 1} of ${pieces.length}` });
    const piece = toml.subarray(offset, offset + CHAIN_LIMITS.configChunkBytes);
    const instruction = await authority.instruct((signer) => writeConfig(run.at, signer, offset, piece));
    await chain.send([instruction], wallet, `send a piece of the configuration at byte ${offset}`);
  }
  tell?.({ step: pieces.length + 1, of, text: "taking the configuration into use" });
  const instruction = await authority.instruct((signer) =>
    updateConfigInstruction(run.at, signer, { tomlLen: toml.length, tomlSha256: hash, machineConfig }),
  );
  const signature = await chain.send([instruction], wallet, "take the configuration into use");
  return { ...facts, changed: true, signature };
}
