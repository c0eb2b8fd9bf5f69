/**
 * `starling update-config`: the run's configuration and what is shown of it. The TOML text goes to the chain in pieces; pieces that
 * are there already are not sent again, so a command that was stopped half-way goes on where it was.
 */
import { createHash } from "node:crypto";
import { getAddressEncoder, type Address, type TransactionSigner } from "@solana/kit";
import { serializeRunConfig, toMachineConfig, type OptionsOf, type RunConfig, type updateConfigOptions } from "@starling/config";
import { loadRunConfig } from "@starling/config/presets.node";
import { checkConfig } from "@starling/sdk/machine";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { updateConfig as updateConfigInstruction, updateMetadata, writeConfig, type Metadata } from "@starling/sdk/solana/instructions";
import { encodeConfig } from "@starling/sdk/stateCodec";
import { elementCount } from "@starling/trainer-core/model/parameters";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { authorityOf, type RunAuthority } from "@starling/sdk/actions/authority";
import { withChain } from "../chain/chain.ts";
import type { Chain } from "@starling/sdk/actions/chain";
import { readWallet } from "../chain/keyFile.ts";
import { print, progress } from "../chain/print.ts";
import { requireRun, runStateOf, type OnChainRun } from "@starling/sdk/actions/run";
import { EXIT_CODES, HostError } from "../errors.ts";

type UpdateConfigOptions = OptionsOf<typeof updateConfigOptions>;

export async function updateConfig(options: UpdateConfigOptions): Promise<number> {
  refuseWhatIsNot(options);
  const loaded = options.configPath === undefined ? null : loadForChain(options.configPath, options.runId);
  const metadata = metadataOf(options, loaded?.config ?? null);
  if (loaded === null && Object.keys(metadata).length === 0)
    throw new HostError("bad-option", "nothing to do: give --config-path, or something of the run to change, such as --name");
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const authority = await authorityOf(chain, run, wallet);
    const applied = loaded === null ? null : await applyConfig(chain, run, authority, wallet, loaded);
    let described: string | null = null;
    if (Object.keys(metadata).length > 0) {
      const instruction = await authority.instruct((signer) => updateMetadata(run.at, signer, metadata));
      described = await chain.send([instruction], wallet, "update what is shown of the run");
    }
    const { joinAuthority, ...shown } = metadata;
    print(
      options.json,
      {
        runId: run.runId,
        config: applied,
        metadata: { ...shown, ...(joinAuthority && { joinAuthority: options.joinAuthority }) },
        metadataSignature: described,
      },
      [
        ...(applied === null
          ? []
          : [
              `run ${run.runId} has the configuration ${applied.sha256.slice(0, 16)}... (${applied.bytes} bytes${applied.changed ? "" : ", as before"})`,
            ]),
        ...(described === null ? [] : [`run ${run.runId} is shown with the new ${Object.keys(metadata).join(", ")}`]),
        ...(applied !== null && run.state === null ? [`next: starling set-paused --run-id ${run.runId} --resume`] : []),
      ],
    );
    return EXIT_CODES.ok;
  });
}

function refuseWhatIsNot(options: UpdateConfigOptions): void {
  if (options.restartFromStep !== undefined) {
    throw new HostError(
      "bad-option",
      "--restart-from-step is refused: members hold only the last agreed parameters, and a run goes on from those. To train again from an earlier state, create a run whose checkpoint names it",
    );
  }
  if (options.switchToHub)
    throw new HostError(
      "bad-option",
      "--switch-to-hub is refused: members share the model among themselves, and check it against the hash on the chain",
    );
}

interface ChainConfig {
  config: RunConfig;
  /** UTF-8, at most 8192 bytes */
  toml: Uint8Array;
}

/** Every rule is looked at before anything is sent. Errors: ConfigError; HostError bad-option. */
function loadForChain(path: string, runId: string): ChainConfig {
  const config: RunConfig = { ...loadRunConfig(path, process.cwd()).config, run_id: runId };
  const broken = checkConfig(toMachineConfig(config));
  if (broken.length > 0) throw new HostError("bad-option", `--config-path ${path}: ${broken.map((error) => error.message).join("; ")}`);
  refuseFractions(path, config);
  const toml = new TextEncoder().encode(serializeRunConfig(config));
  if (toml.length > CHAIN_LIMITS.tomlBytes) {
    throw new HostError(
      "bad-option",
      `--config-path ${path} has ${toml.length} bytes with its model, and the chain holds ${CHAIN_LIMITS.tomlBytes}: name the model's checkpoint instead of its whole config.json`,
    );
  }
  return { config, toml };
}

const TIMES = [
  "warmup_time",
  "cooldown_time",
  "max_round_train_time",
  "round_witness_time",
  "epoch_time",
  "waiting_for_members_extra_time",
] as const;

function refuseFractions(path: string, { config }: RunConfig): void {
  const broken = TIMES.filter((key) => !Number.isInteger(config[key])).map((key) => `config.${key} = ${config[key]}`);
  if (broken.length > 0)
    throw new HostError(
      "bad-option",
      `--config-path ${path}: the chain's clock has whole seconds, so these must be whole: ${broken.join(", ")}`,
    );
}

async function applyConfig(
  chain: Chain,
  run: OnChainRun,
  authority: RunAuthority,
  wallet: TransactionSigner,
  { config, toml }: ChainConfig,
): Promise<{ sha256: string; bytes: number; changed: boolean; signature: string | null }> {
  const sha256 = createHash("sha256").update(toml).digest();
  const facts = { sha256: sha256.toString("hex"), bytes: toml.length };
  const machineConfig = toMachineConfig(config);
  // rates that set-future-epoch-rates gave stay, unless the file has rates of its own
  if (run.state !== null) {
    if (machineConfig.earningRateTotalShared === 0n) machineConfig.earningRateTotalShared = run.state.config.earningRateTotalShared;
    if (machineConfig.slashingRatePerClient === 0n) machineConfig.slashingRatePerClient = run.state.config.slashingRatePerClient;
  }
  const encoded = encodeConfig(machineConfig);
  const isThere =
    run.state !== null && sha256.equals(run.account.configSha256) && Buffer.from(encodeConfig(run.state.config)).equals(encoded);
  if (isThere) return { ...facts, changed: false, signature: null };
  const now = runStateOf(run);
  if (run.state?.pendingPause || (now !== "Uninitialized" && now !== "Paused")) {
    const wait = run.state?.pendingPause ? "it pauses once its last rounds are applied: wait for that" : "use starling set-paused first";
    throw new HostError("chain", `run ${run.runId} is ${now}, and its configuration can only be changed while it is Paused: ${wait}`);
  }
  const staged = run.staged;
  const pieces: number[] = [];
  for (let offset = 0; offset < toml.length; offset += CHAIN_LIMITS.configChunkBytes) {
    const piece = toml.subarray(offset, offset + CHAIN_LIMITS.configChunkBytes);
    if (!Buffer.from(piece).equals(staged.subarray(offset, offset + piece.length))) pieces.push(offset);
  }
  for (const [done, offset] of pieces.entries()) {
    progress(`sending the configuration: piece ${done + 1} of ${pieces.length}`);
    const piece = toml.subarray(offset, offset + CHAIN_LIMITS.configChunkBytes);
    const instruction = await authority.instruct((signer) => writeConfig(run.at, signer, offset, piece));
    await chain.send([instruction], wallet, `send a piece of the configuration at byte ${offset}`);
  }
  const instruction = await authority.instruct((signer) =>
    updateConfigInstruction(run.at, signer, { tomlLen: toml.length, tomlSha256: sha256, machineConfig: encoded }),
  );
  const signature = await chain.send([instruction], wallet, "take the configuration into use");
  return { ...facts, changed: true, signature };
}

function metadataOf(options: UpdateConfigOptions, config: RunConfig | null): Metadata {
  const counted = config === null ? null : countModel(config);
  const metadata: Metadata = {};
  if (options.name !== undefined) metadata.name = options.name;
  if (options.description !== undefined) metadata.description = options.description;
  if (options.clientVersion !== undefined) metadata.clientVersion = options.clientVersion;
  const numParameters = options.numParameters ?? counted?.numParameters;
  if (numParameters !== undefined) metadata.numParameters = BigInt(numParameters);
  const vocabSize = options.vocabSize ?? counted?.vocabSize;
  if (vocabSize !== undefined) metadata.vocabSize = BigInt(vocabSize);
  if (options.joinAuthority !== undefined)
    metadata.joinAuthority = new Uint8Array(getAddressEncoder().encode(options.joinAuthority.trim() as Address));
  if (options.minBond !== undefined) metadata.minBondLamports = parseAmount(options.minBond, SOL_DECIMALS, "--min-bond");
  return metadata;
}

/** Null where only the model's checkpoint tells its size. */
function countModel(config: RunConfig): { numParameters: number; vocabSize: number } | null {
  try {
    const { layouts, llama } = runPlan(config);
    return { numParameters: layouts.reduce((sum, { shape }) => sum + elementCount(shape), 0), vocabSize: llama.vocabSize };
  } catch {
    return null;
  }
}
