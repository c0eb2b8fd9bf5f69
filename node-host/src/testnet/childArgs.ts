/** The command lines of the local testnet's processes. */
import { join } from "node:path";
import type { localTestnetOptions, OptionsOf } from "@starling/config";
import type { LoadedRun } from "@starling/config/presets.node";
import { usefulSequences } from "@starling/trainer-core/train/microBatch";
import type { ServedRun } from "./dataServerProcess.ts";

export type LocalTestnetOptions = OptionsOf<typeof localTestnetOptions>;

interface RunArgs {
  loaded: LoadedRun;
  options: LocalTestnetOptions;
  /** where the run keeps its files */
  folder: string;
}

interface ServerRunArgs extends RunArgs {
  tcpPort: number;
  webSocketPort: number;
}

interface ClientRunArgs extends RunArgs {
  device: "gpu" | "software";
  served: ServedRun | null;
  /** the verb of a client, and how it finds its coordinator */
  found: { verb: string; args: readonly string[] };
}

export function serverArgs({ loaded, options, folder, tcpPort, webSocketPort }: ServerRunArgs): string[] {
  return [
    "server",
    "--config-path",
    loaded.configPath,
    "--run-id",
    loaded.runId,
    "--server-port",
    String(tcpPort),
    "--server-ws-port",
    String(webSocketPort),
    "--save-state-dir",
    folder,
    ...eventsArgs(options),
  ];
}

/** Of client `number`, from 1 on. */
export function clientArgs(number: number, run: ClientRunArgs): string[] {
  const { loaded, options, folder, device, served, found } = run;
  const name = `client-${number}`;
  return [
    found.verb,
    ...found.args,
    // a testnet stays on this machine
    "--bind-host",
    "127.0.0.1",
    "--identity-secret-key-path",
    join(folder, `${name}.identity.json`),
    "--data-dir",
    loaded.dataDirectory,
    "--checkpoint-dir",
    join(options.clientCheckpointDir ?? join(folder, "checkpoints"), name),
    "--keep-steps",
    String(options.clientKeepSteps),
    "--device",
    device,
    "--evaluate-each-epoch",
    String(number === widestClient(options)),
    // one shows what the model writes; the variable still decides
    ...(number === 1 || process.env["PROMPTS"] ? [] : ["--prompts", "none"]),
    "--hash-each-round",
    "true",
    // the share is known here better than to a client, to whom others may come or go; the variable still decides
    ...(process.env["MICRO_BATCH_SIZE"] ? [] : ["--micro-batch-size", String(microBatchSequences(run))]),
    // always: what measures the loss and what was checked go by it
    "--matformer-tier",
    String(tierOf(options, number)),
    ...eventsArgs(options),
    ...(served?.heldOutDir ? ["--held-out-dir", served.heldOutDir] : []),
    ...(options.writeDistroData === undefined ? [] : ["--write-gradients-dir", join(options.writeDistroData, name)]),
    // a run's first epoch has no agreed parameters yet: all begin with these
    ...(options.firstClientCheckpoint !== undefined ? ["--checkpoint", options.firstClientCheckpoint] : []),
    ...(options.faultLatencyMs === undefined ? [] : ["--fault-latency-ms", options.faultLatencyMs]),
    ...(options.faultPacketLoss === undefined ? [] : ["--fault-packet-loss", String(options.faultPacketLoss)]),
    "--fault-seed",
    String(options.faultSeed + number),
  ];
}

/** MatFormer tier of client `number`, from 1 on. */
export function tierOf({ clientMatformerTiers: tiers }: LocalTestnetOptions, number: number): number {
  return tiers[(number - 1) % tiers.length];
}

/** The first client of the widest tier: what it measures is the model's loss, as far as anybody here has the whole model. */
export function widestClient(options: LocalTestnetOptions): number {
  const numbers = Array.from({ length: options.numClients }, (_, i) => i + 1);
  return numbers.reduce((widest, number) => (tierOf(options, number) < tierOf(options, widest) ? number : widest));
}

function microBatchSequences({ loaded: { config }, options, device }: ClientRunArgs): number {
  const share = Math.ceil(config.config.global_batch_size_end / options.numClients);
  return usefulSequences(config.model.LLM.max_seq_len, share, device === "software");
}

export function eventsArgs({ eventsDir, keepEventFiles, eventFileMib }: LocalTestnetOptions): string[] {
  if (eventsDir === undefined) return [];
  return ["--events-dir", eventsDir, "--keep-event-files", String(keepEventFiles), "--event-file-mib", String(eventFileMib)];
}
