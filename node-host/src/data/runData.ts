/** A client's training data and held-out text, from the run's config and this machine's folders. */
import { resolve } from "node:path";
import type { DataLocation, RunConfig } from "@starling/config";
import { heldOutDirectory, resolveDataLocation } from "@starling/config/presets.node";
import type { PeerNetwork } from "@starling/network";
import { heldOutSequences, type DataProvider } from "@starling/trainer-core/data/dataProvider";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import { HostError } from "../errors.ts";
import { openProvider } from "./openProvider.ts";

export interface RunDataOptions {
  dataDir: string | undefined;
  heldOutDir: string | undefined;
  heldOutTokens: number;
}

export interface RunData {
  provider: DataProvider;
  /** null where the run has no held-out text */
  heldOut: (() => Promise<Int32Array[]>) | null;
}

/** Opens the data and looks whether there are any. Errors: HostError bad-option for a local folder, data otherwise. */
export async function openRunData(
  run: { runId: string; runConfig: RunConfig; plan: RunPlan },
  /** this client's own, without faults: by it a data server knows who asks */
  network: PeerNetwork,
  options: RunDataOptions,
  signal: AbortSignal,
): Promise<RunData> {
  const { runConfig, plan, runId } = run;
  const dataDirectory = resolve(options.dataDir ?? ".");
  const open = (location: DataLocation): DataProvider => openProvider(location, plan, { network, runId });
  const provider = open(resolveDataLocation(runConfig, dataDirectory));
  try {
    await provider.check(signal);
  } catch (cause) {
    await provider.close();
    throw whyNone(cause as Error, runConfig, options.dataDir);
  }
  const heldOutFolder = options.heldOutDir === undefined ? heldOutDirectory(runConfig, dataDirectory) : resolve(options.heldOutDir);
  return {
    provider,
    heldOut: heldOutFolder === null ? null : () => heldOutSequences(open({ Local: heldOutFolder }), options.heldOutTokens),
  };
}

function whyNone(cause: Error, runConfig: RunConfig, dataDir: string | undefined): HostError {
  const location = runConfig.model.LLM.data_location;
  const path =
    typeof location === "string"
      ? undefined
      : "Local" in location
        ? location.Local
        : "Preprocessed" in location
          ? location.Preprocessed
          : undefined;
  if (path === undefined) return new HostError("data", `the run's training data cannot be read: ${cause.message}`, { cause });
  const given = dataDir === undefined ? "--data-dir was not given, so the working folder was taken" : `--data-dir is ${dataDir}`;
  return new HostError(
    "bad-option",
    `${cause.message}\nThe run's data path is "${path}", relative to --data-dir; ${given}. Give the folder of the run's config.toml`,
    { cause },
  );
}
