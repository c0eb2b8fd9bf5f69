/** `starling update-config`: the run's configuration and what is shown of it. Started again it goes on where it stopped. */
import type { Address } from "@solana/kit";
import type { OptionsOf, RunConfig, updateConfigOptions } from "@starling/config";
import { loadRunConfig } from "@starling/config/presets.node";
import { parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { updateConfig as update, whyNotOnChain, type RunMetadata } from "@starling/sdk/actions/updateConfig";
import { elementCount } from "@starling/trainer-core/model/parameters";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print, tellProgress } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";

type UpdateConfigOptions = OptionsOf<typeof updateConfigOptions>;

export async function updateConfig(options: UpdateConfigOptions): Promise<number> {
  refuseWhatIsNot(options);
  const { runId, configPath } = options;
  const config = configPath === undefined ? undefined : loadForChain(configPath, runId);
  const metadata = metadataOf(options);
  if (config === undefined && Object.keys(metadata).length === 0)
    throw new HostError("bad-option", "nothing to do: give --config-path, or something of the run to change, such as --name");
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const counted = config === undefined ? null : countModel(config);
    const done = await update(chain, wallet, { runId, config, counted, metadata }, tellProgress);
    const { config: applied, metadata: shown, metadataSignature, isFirst } = done;
    print(options.json, { runId, config: applied, metadata: shown, metadataSignature }, [
      ...(applied === null
        ? []
        : [
            `run ${runId} has the configuration ${applied.sha256.slice(0, 16)}... (${applied.bytes} bytes${applied.changed ? "" : ", as before"})`,
          ]),
      ...(applied === null && metadataSignature === null ? [`nothing to do: run ${runId} is shown so already`] : []),
      ...(metadataSignature === null ? [] : [`run ${runId} is shown with the new ${Object.keys(shown).join(", ")}`]),
      ...(isFirst ? [`next: starling set-paused --run-id ${runId} --resume`] : []),
    ]);
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

/** Every rule is looked at before anything is sent. Errors: ConfigError; HostError bad-option. */
function loadForChain(path: string, runId: string): RunConfig {
  const config: RunConfig = { ...loadRunConfig(path, process.cwd()).config, run_id: runId };
  const issues = whyNotOnChain(config);
  if (issues.length > 0) throw new HostError("bad-option", `--config-path ${path}: ${issues.join("; ")}`);
  return config;
}

function metadataOf(options: UpdateConfigOptions): RunMetadata {
  const { name, description, clientVersion, numParameters, vocabSize, joinAuthority, minBond } = options;
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(clientVersion !== undefined && { clientVersion }),
    ...(numParameters !== undefined && { numParameters: BigInt(numParameters) }),
    ...(vocabSize !== undefined && { vocabSize: BigInt(vocabSize) }),
    ...(joinAuthority !== undefined && { joinAuthority: joinAuthority.trim() as Address }),
    ...(minBond !== undefined && { minBondLamports: parseAmount(minBond, SOL_DECIMALS, "--min-bond") }),
  };
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
