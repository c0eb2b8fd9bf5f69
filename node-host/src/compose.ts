/** The one place where a daemon's parts meet: network, coordinator, engine, data, checkpoints, round client. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseRunConfig, type LlamaConfig, type OptionsOf, type RunConfig, type clientOptions } from "@starling/config";
import { heldOutDirectory, localDataDirectory } from "@starling/config/presets.node";
import { BlobService, toMultiaddr, type PeerNetwork } from "@starling/network";
import { CoordinatorError, connectTcpCoordinator, systemClock, type CoordinatorPort, type Identity } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { modelCodec } from "@starling/trainer-core/checkpoint/modelCodec";
import { readCheckpoint, type LoadedCheckpoint } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { directoryStore } from "@starling/trainer-core/checkpoint/store.node";
import { createDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { heldOutSequences, type DataProvider } from "@starling/trainer-core/data/dataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { elementCount, llamaParameters } from "@starling/trainer-core/model/parameters";
import { RoundClient } from "@starling/trainer-core/round/client";
import type { CheckpointSink, Engine } from "@starling/trainer-core/round/ports";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";
import { RemoteEngine } from "./engine/remoteEngine.ts";
import { HostError } from "./errors.ts";
import type { HostLog } from "./events.ts";
import { faultyNetwork } from "./platform/faultyNetwork.ts";
import { makeWritableFolder } from "./platform/folders.ts";
import { listen } from "./platform/listen.ts";
import type { ChosenAdapter } from "./platform/adapter.ts";

export type ClientOptions = OptionsOf<typeof clientOptions>;

export interface Client {
  identity: Identity;
  network: PeerNetwork;
  coordinator: CoordinatorPort;
  runId: string;
  runConfig: RunConfig;
  plan: RunPlan;
  engine: RemoteEngine;
  round: RoundClient;
  /** null where the run has no held-out text */
  heldOut: (() => Promise<Int32Array[]>) | null;
  /** writes the parameters as they are; resolves to the folder, null when no folder was given */
  saveNow(step: number, epoch: number, agreed: boolean): Promise<string | null>;
  close(): Promise<void>;
}

/**
 * Whatever may be wrong on this machine is looked at before the engine starts, which takes a while.
 * Errors: HostError bad-option, port-in-use, coordinator-unreachable, data, engine; ConfigError; CheckpointError.
 */
export async function composeClient(
  options: ClientOptions,
  identity: Identity,
  adapter: ChosenAdapter,
  log: HostLog,
  signal: AbortSignal,
): Promise<Client> {
  if (options.checkpointDir !== undefined) makeWritableFolder(resolve(options.checkpointDir), "--checkpoint-dir");
  if (options.writeGradientsDir !== undefined) makeWritableFolder(resolve(options.writeGradientsDir), "--write-gradients-dir");
  const plain = await listen({
    seed: identity.secrets().peerSeed,
    host: options.bindHost,
    tcp: { port: options.bindP2pPort, option: "--bind-p2p-port" },
    webSocket: { port: 0, option: "--bind-p2p-port" },
    onWarning: (message) => log({ type: "warning", message }),
  });
  const network = faultyNetwork(plain, { latencyMs: options.faultLatencyMs, loss: options.faultPacketLoss ?? 0, seed: options.faultSeed });
  const clock = systemClock();
  // faults are between clients; what the coordinator hears stays whole
  const coordinator = await reach(options, plain, identity, log, signal);
  const info = await coordinator.runInfo(signal);
  const runConfig = parseRunConfig(info.configToml, { source: "the coordinator's run config" });
  const checkpoint = options.checkpoint === undefined ? null : await readCheckpoint(directoryFiles(resolve(options.checkpoint)), signal);
  const plan = runPlan(runConfig, checkpoint?.config);
  if (checkpoint) sameModel(plan.llama, checkpoint);

  const dataDirectory = resolve(options.dataDir ?? ".");
  const open = (directory: string | null): DataProvider =>
    createDataProvider(directory === null ? runConfig.model.LLM.data_location : { Local: directory }, {
      maxSeqLen: plan.sequenceTokens,
      vocabSize: plan.llama.vocabSize,
      localFiles,
    });
  const data = open(localDataDirectory(runConfig, dataDirectory));
  await firstSequence(data, runConfig, options, signal);

  const parameters = plan.layouts.reduce((sum, layout) => sum + elementCount(layout.shape), 0);
  log({ type: "starting", peerId: toHex(identity.peer.publicKey), multiaddrs: network.multiaddrs(), runId: info.runId, parameters });
  const engine = await RemoteEngine.create({
    runConfig,
    plan,
    profile: options.kernelProfile,
    microBatchSequences: options.microBatchSize,
    onDeath: (error) => log({ type: "warning", message: error.message }),
  });
  if (checkpoint) await engine.importParameters(new Map([...checkpoint.parameters].map(([name, tensor]) => [name, tensor.data])));
  log({ type: "engine", adapter: engine.adapter || adapter.choice, profile: engine.profile, compileMs: engine.compileMs, parameters });

  const heldOutFolder = heldOutDirectory(runConfig, dataDirectory);
  const blobs = new BlobService({ network, capacityBytes: plan.blobCapacityBytes });
  const saver = checkpointSaver(options, info.runId, plan, engine, log);
  const round = new RoundClient(
    {
      runId: info.runId,
      membership: identity.membership(),
      pipeline: plan.pipeline,
      schedule: plan.schedule,
      coldStartWarmupSteps: plan.coldStartWarmupSteps,
      maxPayloadBytes: plan.payloadBytes,
      hashEveryRound: options.hashEachRound,
      onTelemetry: (event) => log({ type: "round", event }),
    },
    {
      coordinator,
      network,
      blobs,
      engine: options.writeGradientsDir === undefined ? engine : writingResults(engine, options.writeGradientsDir),
      data,
      modelCodec: modelCodec(plan.llama),
      signer: identity.peer,
      reveals: identity,
      clock,
      checkpoints: saver.sink,
    },
  );
  return {
    identity,
    network,
    coordinator,
    runId: info.runId,
    runConfig,
    plan,
    engine,
    round,
    heldOut: heldOutFolder === null ? null : () => heldOutSequences(open(heldOutFolder), options.heldOutTokens),
    saveNow: saver.saveNow,
    close: async () => {
      blobs.stop();
      await coordinator.close();
      await network.stop();
      await engine.stop();
    },
  };
}

async function reach(
  options: ClientOptions,
  network: PeerNetwork,
  identity: Identity,
  log: HostLog,
  signal: AbortSignal,
): Promise<CoordinatorPort> {
  try {
    return await connectTcpCoordinator({
      network,
      coordinator: toMultiaddr(options.serverAddr),
      session: identity.session,
      grant: (runId) => identity.grant(runId, Date.now()),
      signal,
      onStatus: ({ connected, error }) => {
        if (!connected && error) log({ type: "warning", message: `the coordinator is out of reach (${error.message}); trying again` });
      },
    });
  } catch (cause) {
    if (cause instanceof CoordinatorError && cause.code !== "unreachable" && cause.code !== "timeout") throw cause;
    throw new HostError(
      "coordinator-unreachable",
      `no coordinator answers at ${options.serverAddr}: is "starling server" running there, and is its port open? (${(cause as Error).message})`,
      { cause },
    );
  }
}

/** Reads one sequence, to learn now whether there are any. Errors: HostError bad-option for a local folder, data otherwise. */
async function firstSequence(data: DataProvider, runConfig: RunConfig, options: ClientOptions, signal: AbortSignal): Promise<void> {
  try {
    await data.getSequences(0n, 0n, signal);
  } catch (cause) {
    const location = runConfig.model.LLM.data_location;
    const { message } = cause as Error;
    if (typeof location === "string" || !("Local" in location))
      throw new HostError("data", `the run's training data cannot be read: ${message}`, { cause });
    const given =
      options.dataDir === undefined ? "--data-dir was not given, so the working folder was taken" : `--data-dir is ${options.dataDir}`;
    throw new HostError(
      "bad-option",
      `${message}\nThe run's data path is "${location.Local}", relative to --data-dir; ${given}. Give the folder of the run's config.toml`,
      { cause },
    );
  }
}

function sameModel(llama: LlamaConfig, checkpoint: LoadedCheckpoint): void {
  for (const { name, shape } of llamaParameters(llama)) {
    const have = checkpoint.parameters.get(name)?.shape;
    if (have?.join() !== shape.join()) {
      throw new HostError(
        "bad-option",
        `--checkpoint holds another model than the run's: ${name} must be [${shape.join(", ")}], is ${have ? `[${have.join(", ")}]` : "missing"}`,
      );
    }
  }
}

function checkpointSaver(options: ClientOptions, runId: string, plan: RunPlan, engine: Engine, log: HostLog) {
  const store =
    options.checkpointDir === undefined ? null : directoryStore(resolve(options.checkpointDir), { keepSteps: options.keepSteps });
  const shapes = llamaParameters(plan.llama);
  const save = async (
    values: ReadonlyMap<string, Float32Array>,
    step: number,
    epoch: number,
    hash: Uint8Array,
    agreed: boolean,
  ): Promise<string> => {
    const parameters = new Map(shapes.map(({ name, shape }) => [name, { shape, data: values.get(name) as Float32Array<ArrayBuffer> }]));
    const state = { runId, step, epoch, parameterHash: toHex(hash), created: new Date().toISOString() };
    const { location, notDeleted } = await store!.save({ config: plan.llama, parameters, state });
    if (notDeleted.length > 0)
      log({ type: "warning", message: `old checkpoints could not be deleted, the disk will fill: ${notDeleted.join(", ")}` });
    log({ type: "saved", path: location, step, parameterHash: state.parameterHash, agreed });
    return location;
  };
  const sink: CheckpointSink | null = store && {
    save: ({ parameters, step, epoch, parameterHash }) => save(parameters, step, epoch, parameterHash, true),
  };
  return {
    sink,
    saveNow: async (step: number, epoch: number, agreed: boolean) =>
      store ? save(await engine.exportParameters(), step, epoch, await engine.parameterHash(), agreed) : null,
  };
}

/** An engine that also keeps every result it applies as a file, for looking into (`--write-gradients-dir`). */
function writingResults(engine: Engine, directory: string): Engine {
  const folder = resolve(directory);
  let applied = 0;
  return new Proxy(engine, {
    get(target, key) {
      if (key !== "beginRound") {
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (round: Parameters<Engine["beginRound"]>[0]) => {
        if (round.results.length > 0) applied++;
        round.results.forEach((bytes, i) =>
          writeFileSync(join(folder, `result-${String(applied).padStart(6, "0")}-batch${i}.distro`), bytes),
        );
        return target.beginRound(round);
      };
    },
  });
}
