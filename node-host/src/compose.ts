/** The one place where a daemon's parts meet: network, coordinator, engine, data, checkpoints, round client. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseRunConfig, type LlamaConfig, type OptionsOf, type RunConfig, type clientOptions } from "@starling/config";
import { heldOutDirectory, localDataDirectory } from "@starling/config/presets.node";
import { BlobService, toMultiaddr, type PeerNetwork } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { CoordinatorError, connectTcpCoordinator, systemClock, type CoordinatorPort, type Identity } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { modelCodec } from "@starling/trainer-core/checkpoint/modelCodec";
import { readCheckpoint, type LoadedCheckpoint } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { directoryStore } from "@starling/trainer-core/checkpoint/store.node";
import { createDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { heldOutSequences, type DataProvider } from "@starling/trainer-core/data/dataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { llamaParameters } from "@starling/trainer-core/model/parameters";
import { RoundClient } from "@starling/trainer-core/round/client";
import type { CheckpointSink, Engine } from "@starling/trainer-core/round/ports";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";
import { RemoteEngine } from "./engine/remoteEngine.ts";
import { HostError } from "./errors.ts";
import type { HostLog } from "./events.ts";
import { faultyNetwork } from "./platform/faultyNetwork.ts";
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

/** Errors: HostError coordinator-unreachable, engine; ConfigError; DataError; CheckpointError. */
export async function composeClient(options: ClientOptions, identity: Identity, adapter: ChosenAdapter, log: HostLog, signal: AbortSignal): Promise<Client> {
  const { bindHost, bindP2pPort } = options;
  const ip = bindHost.includes(":") ? "ip6" : "ip4";
  const plain = await createNodeNetwork({
    seed: identity.secrets().peerSeed,
    listen: [`/${ip}/${bindHost}/tcp/${bindP2pPort}`, `/${ip}/${bindHost}/tcp/0/ws`],
    onError: (error) => log({ type: "warning", message: `network: ${(error as Error).message}` }),
  });
  const network = faultyNetwork(plain, { latencyMs: options.faultLatencyMs, loss: options.faultPacketLoss ?? 0, seed: options.faultSeed });
  const clock = systemClock();
  const coordinator = await reach(options, network, identity, log, signal);
  const info = await coordinator.runInfo(signal);
  const runConfig = parseRunConfig(info.configToml, { source: "the coordinator's run config" });
  const checkpoint = options.checkpoint === undefined ? null : await readCheckpoint(directoryFiles(resolve(options.checkpoint)), signal);
  const plan = runPlan(runConfig, checkpoint?.config);
  if (checkpoint) sameModel(plan.llama, checkpoint);

  const engine = await RemoteEngine.create({
    runConfig,
    plan,
    profile: options.kernelProfile,
    microBatchSequences: options.microBatchSize,
    onDeath: (error) => log({ type: "warning", message: error.message }),
  });
  if (checkpoint) await engine.importParameters(new Map([...checkpoint.parameters].map(([name, tensor]) => [name, tensor.data])));
  const parameters = plan.layouts.reduce((sum, layout) => sum + layout.shape.reduce((a, b) => a * b, 1), 0);
  log({ type: "engine", adapter: engine.adapter || adapter.choice, profile: engine.profile, compileMs: engine.compileMs, parameters });

  const dataDirectory = resolve(options.dataDir ?? ".");
  const open = (directory: string | null): DataProvider =>
    createDataProvider(directory === null ? runConfig.model.LLM.data_location : { Local: directory }, {
      maxSeqLen: plan.sequenceTokens,
      vocabSize: plan.llama.vocabSize,
      localFiles,
    });
  const heldOutFolder = heldOutDirectory(runConfig, dataDirectory);
  const blobs = new BlobService({ network });
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
      data: open(localDataDirectory(runConfig, dataDirectory)),
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

async function reach(options: ClientOptions, network: PeerNetwork, identity: Identity, log: HostLog, signal: AbortSignal): Promise<CoordinatorPort> {
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
    throw new HostError("coordinator-unreachable", `no coordinator answers at ${options.serverAddr}: is "starling server" running there, and is its port open? (${(cause as Error).message})`, { cause });
  }
}

function sameModel(llama: LlamaConfig, checkpoint: LoadedCheckpoint): void {
  for (const { name, shape } of llamaParameters(llama)) {
    const have = checkpoint.parameters.get(name)?.shape;
    if (have?.join() !== shape.join()) {
      throw new HostError("bad-option", `--checkpoint holds another model than the run's: ${name} must be [${shape.join(", ")}], is ${have ? `[${have.join(", ")}]` : "missing"}`);
    }
  }
}

function checkpointSaver(options: ClientOptions, runId: string, plan: RunPlan, engine: Engine, log: HostLog) {
  const store = options.checkpointDir === undefined ? null : directoryStore(resolve(options.checkpointDir), { keepSteps: options.keepSteps });
  const shapes = llamaParameters(plan.llama);
  const save = async (values: ReadonlyMap<string, Float32Array>, step: number, epoch: number, hash: Uint8Array, agreed: boolean): Promise<string> => {
    const parameters = new Map(shapes.map(({ name, shape }) => [name, { shape, data: values.get(name) as Float32Array<ArrayBuffer> }]));
    const state = { runId, step, epoch, parameterHash: toHex(hash), created: new Date().toISOString() };
    const { location, notDeleted } = await store!.save({ config: plan.llama, parameters, state });
    if (notDeleted.length > 0) log({ type: "warning", message: `old checkpoints could not be deleted, the disk will fill: ${notDeleted.join(", ")}` });
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
  mkdirSync(folder, { recursive: true });
  let applied = 0;
  return new Proxy(engine, {
    get(target, key) {
      if (key !== "beginRound") {
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (round: Parameters<Engine["beginRound"]>[0]) => {
        if (round.results.length > 0) applied++;
        round.results.forEach((bytes, i) => writeFileSync(join(folder, `result-${String(applied).padStart(6, "0")}-batch${i}.distro`), bytes));
        return target.beginRound(round);
      };
    },
  });
}
