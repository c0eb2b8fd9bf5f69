/** `starling predownload`: fetches what a run needs before it is joined, as far as there is anything to fetch. */
import { resolve } from "node:path";
import { parseRunConfig, variantOf, type OptionsOf, type RunConfig, type predownloadOptions } from "@starling/config";
import { loadRunConfig, resolveDataLocation } from "@starling/config/presets.node";
import { planOf } from "../compose.ts";
import { print } from "../chain/print.ts";
import { readRunToml } from "../chain/readRunToml.ts";
import { openProvider } from "../data/openProvider.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { listenForStop } from "../platform/parent.ts";

type PredownloadOptions = OptionsOf<typeof predownloadOptions>;

export async function predownload(options: PredownloadOptions): Promise<number> {
  const { signal } = listenForStop();
  const { config, dataDirectory } = await configOf(options);
  const plan = await planOf(config, options.checkpoint, signal);
  const model = describeModel(config);
  const data = options.model ? null : await lookAtData(config, dataDirectory, plan, signal);
  print(options.json, { model, data }, [model.sentence, ...(data === null ? [] : [data.sentence])]);
  return EXIT_CODES.ok;
}

async function configOf(options: PredownloadOptions): Promise<{ config: RunConfig; dataDirectory: string }> {
  const folder = options.dataDir === undefined ? null : resolve(options.dataDir);
  if (options.configPath !== undefined) {
    const { config, dataDirectory } = loadRunConfig(options.configPath, process.cwd());
    return { config, dataDirectory: folder ?? dataDirectory };
  }
  if (options.runId === undefined) throw new HostError("bad-option", "give --config-path, or --run-id of a run on the chain");
  const toml = await readRunToml({ ...options, runId: options.runId });
  return { config: parseRunConfig(toml, { source: `the config of run ${options.runId}` }), dataDirectory: folder ?? process.cwd() };
}

function describeModel({ model }: RunConfig): { kind: string; fetched: false; sentence: string } {
  const { kind } = variantOf(model.LLM.checkpoint);
  const sentence =
    kind === "Random"
      ? "model: nothing to fetch; its start is computed from the run's seed, and later parameters come from other members, checked against the agreed hash"
      : `model: nothing was fetched; the run starts from a ${kind} checkpoint, whose folder every client names with --checkpoint, and later parameters come from other members`;
  return { kind, fetched: false, sentence };
}

/** Opens the data as training will: what cannot be had is found out now. Errors: HostError data. */
async function lookAtData(
  config: RunConfig,
  dataDirectory: string,
  plan: Parameters<typeof openProvider>[1],
  signal: AbortSignal,
): Promise<{ kind: string; sequences: number | null; sentence: string }> {
  const location = resolveDataLocation(config, dataDirectory);
  const { kind } = variantOf(location);
  if (kind === "Server")
    return { kind, sequences: null, sentence: "data: nothing to fetch; the run's data server gives each member its own batches" };
  const provider = openProvider(location, plan);
  try {
    await provider.check(signal);
    const sequences = await provider.sequenceCount(signal);
    await provider.getSequences(0n, 0n, signal);
    const where =
      kind === "Local" || kind === "Preprocessed" ? "on this machine" : "fetched piece by piece while training; nothing is kept";
    return { kind, sequences, sentence: `data: ${sequences} sequences of ${plan.sequenceTokens} tokens (${kind}), ${where}` };
  } catch (cause) {
    throw new HostError("data", `the run's data cannot be had: ${(cause as Error).message}`, { cause });
  } finally {
    await provider.close();
  }
}
