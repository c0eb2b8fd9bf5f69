/** The one place where a daemon's parts meet: network, coordinator, engine, data, checkpoints, round client. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseRunConfig, type LlamaConfig, type OptionsOf, type RunConfig, type clientOptions } from "@starling/config";
import { portOrNone } from "@starling/config/programs/shared";
import { BlobService, type PeerNetwork } from "@starling/network";
import { systemClock, type CoordinatorPort, type Identity, type Snapshot } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";
import { toHex } from "@starling/sdk/bytes";
import { CheckpointError } from "@starling/trainer-core/checkpoint/checkpointError";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readCheckpoint, type LoadedCheckpoint } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { readTierCheckpoint, readTierOrigin } from "@starling/trainer-core/checkpoint/matformerTiers";
import { BehindWatch, patienceMs } from "@starling/trainer-core/member/behindWatch";
import { giveUpSlot } from "@starling/trainer-core/member/giveUpSlot";
import { tierConfig } from "@starling/trainer-core/model/matformer";
import { elementCount, llamaParameters } from "@starling/trainer-core/model/parameters";
import { RoundClient } from "@starling/trainer-core/round/client";
import type { Engine } from "@starling/trainer-core/round/ports";
import { TrainError } from "@starling/trainer-core/train/errors";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";
import { ResilientEngine } from "@starling/trainer-core/train/resilientEngine";
import { openRunData } from "./data/runData.ts";
import { engineSettings } from "./engine/engineSettings.ts";
import { checkTier, importCheckpoint, matformerStart } from "./engine/matformerStart.ts";
import { tierFacts } from "./engine/tierFacts.ts";
import { offerFor } from "./engine/memoryOffer.ts";
import { RemoteEngine } from "./engine/remoteEngine.ts";
import { HostError } from "./errors.ts";
import type { HostLog } from "./events.ts";
import { openIdleWork } from "./inference/idleWork.ts";
import { OwnCheckpoints } from "./platform/checkpoints.ts";
import { fileModelCache } from "./platform/modelCache.ts";
import { faultyNetwork } from "./platform/faultyNetwork.ts";
import { makeWritableFolder } from "./platform/folders.ts";
import type { LoadedIdentity } from "./platform/identityFile.ts";
import { listen } from "./platform/listen.ts";
import type { ChosenAdapter } from "./platform/adapter.ts";

/** What everyone who trains may be told; `client` and `train` each add how they find their coordinator. */
export type TrainingOptions = Omit<OptionsOf<typeof clientOptions>, "serverAddr" | "identitySecretKeyPath">;

/** Finds this client's coordinator; `network` is the plain one: faults are between clients, what the coordinator hears stays whole. */
export type ReachCoordinator = (at: { network: PeerNetwork; log: HostLog; signal: AbortSignal }) => Promise<CoordinatorPort>;

/** The score that comes first where there is no room for all: the perplexity of the held-out text. */
export const HELD_OUT = "heldout";
const BEHIND_EVERY_MS = 1_000;

export interface ClientParts {
  options: TrainingOptions;
  keys: Pick<LoadedIdentity, "identity" | "save">;
  adapter: ChosenAdapter;
  /** multiaddrs told to others in the place of those listened on */
  announce?: string[];
  reach: ReachCoordinator;
  log: HostLog;
  signal: AbortSignal;
}

export interface Client {
  identity: Identity;
  network: PeerNetwork;
  coordinator: CoordinatorPort;
  runId: string;
  runConfig: RunConfig;
  /** `runConfig` as the coordinator has it */
  configToml: string;
  plan: RunPlan;
  engine: ResilientEngine<RemoteEngine>;
  round: RoundClient;
  /** null where the run has no held-out text */
  heldOut: (() => Promise<Int32Array[]>) | null;
  /** writes the parameters as they are; resolves to the folder, null when no folder was given */
  saveNow(step: number, epoch: number, agreed: boolean): Promise<string | null>;
  /** whether a checkpoint here holds the parameters with this hash (hex) */
  isKept(parameterHash: string): Promise<boolean>;
  /** tells displays a score, beside the next report as a witness */
  showEval(name: string, score: number): void;
  close(): Promise<void>;
}

/**
 * Whatever may be wrong on this machine is looked at before the engine starts, which takes a while.
 * Errors: HostError bad-option, port-in-use, coordinator-unreachable, data, engine; ConfigError; CheckpointError.
 */
export async function composeClient({ options, keys, adapter, announce, reach, log, signal }: ClientParts): Promise<Client> {
  const { identity } = keys;
  if (options.checkpointDir !== undefined) makeWritableFolder(resolve(options.checkpointDir), "--checkpoint-dir");
  if (options.writeGradientsDir !== undefined) makeWritableFolder(resolve(options.writeGradientsDir), "--write-gradients-dir");
  const plain = await listen({
    seed: identity.secrets().peerSeed,
    host: options.bindHost,
    tcp: { port: options.bindP2pPort, option: "--bind-p2p-port" },
    webSocket: { port: portOrNone(options.bindWsPort), option: "--bind-ws-port" },
    webRtcPort: portOrNone(options.bindWebrtcPort),
    isRelay: true,
    announce,
    log,
  });
  const network = faultyNetwork(plain, { latencyMs: options.faultLatencyMs, loss: options.faultPacketLoss ?? 0, seed: options.faultSeed });
  const clock = systemClock();
  let onCoordinator: (isHere: boolean) => void = () => undefined;
  const tell: HostLog = (event) => {
    if (event.type === "coordinator") onCoordinator(event.connected);
    log(event);
  };
  const coordinator = await reach({ network: plain, log: tell, signal });
  const info = await coordinator.runInfo(signal);
  const runConfig = parseRunConfig(info.configToml, { source: "the coordinator's run config" });
  const { part, checkpoint } = await matformerStart(options);
  const plan = await planOf(runConfig, checkpoint, signal);
  checkTier(plan, part.tier);

  const data = await openRunData({ runId: info.runId, runConfig, plan }, plain, options, signal);
  const evals = new Map<string, number>();
  const showEval = (name: string, score: number): void => {
    evals.set(name, score);
    round.show({ evals: [...evals].sort(([a], [b]) => Number(b === HELD_OUT) - Number(a === HELD_OUT)) });
  };
  const atStep = (): number => round.state.view?.state.step ?? 0;
  const idle = await openIdleWork(options, plan, {
    onSample: (sample) => {
      log({ type: "sample", ...sample });
      round.show({ sampleText: sample.prompt + sample.text });
    },
    onTask: (result) => {
      log({ type: "task", step: atStep(), ...result });
      showEval(result.name, result.accNorm);
    },
  });

  const parameters = plan.layouts.reduce((sum, layout) => sum + elementCount(layout.shape), 0);
  log({ type: "starting", peerId: toHex(identity.peer.publicKey), multiaddrs: network.multiaddrs(), runId: info.runId, parameters });
  const warn = (message: string): void => log({ type: "warning", message });
  const importStart = checkpoint === undefined ? undefined : (into: Engine) => importCheckpoint(into, checkpoint, plan);
  let chosen = null as Pick<RemoteEngine, "memory" | "precision"> | null;
  const engine = await ResilientEngine.create({
    start: async (onDeath) => {
      const offer = await offerFor(adapter, runConfig, plan);
      const started = await RemoteEngine.create({
        runConfig,
        plan,
        settings: { ...engineSettings(options), adapters: adapter.adapters, offer, matformer: part },
        onDeath,
      });
      chosen = started;
      await importStart?.(started);
      return started;
    },
    importStart,
    onWarning: warn,
    advice: "Look at the driver's log (dmesg; nvidia-smi) and start this client again",
  });
  const parameterBytes = 4 * parameters;
  const own =
    options.checkpointDir === undefined || engine.holdsPart
      ? null
      : new OwnCheckpoints({
          directory: options.checkpointDir,
          keepSteps: options.keepSteps,
          runId: info.runId,
          llama: plan.llama,
          engine,
          log,
        });
  // a checkpoint takes the place of the run's start, whose hash could not be told afterwards
  const runStartHash = own === null ? null : await engine.parameterHash();
  const resumed = own && (await own.resume(await agreedHash(coordinator, signal), signal));
  if (resumed)
    log({ type: "resumed", path: resumed.location, epoch: resumed.epoch, step: resumed.step, parameterHash: resumed.parameterHash });
  const tier = tierFacts(plan, part);
  log({
    type: "engine",
    adapter: engine.adapter || adapter.choice,
    profile: engine.profile,
    precision: chosen!.precision,
    compileMs: engine.compileMs,
    parameters,
    memory: chosen!.memory,
    ...(tier && { matformer: tier }),
  });

  const behind = new BehindWatch(patienceMs(runConfig.config.max_round_train_time));
  onCoordinator = (isHere) => behind.coordinator(isHere);
  let givingUp: Promise<void> | null = null;
  const giveUp = (): void => {
    givingUp ??= giveUpSlot({ coordinator, network, keys, onWarning: warn, signal }).finally(() => (givingUp = null));
  };
  const behindTimer = setInterval(() => {
    if (!behind.isHopeless()) return;
    log({
      type: "warning",
      message: "no other member holds what this client lacks: it gives up its slot and takes part in the next epoch",
    });
    giveUp();
  }, BEHIND_EVERY_MS);
  const blobs = new BlobService({ network, capacityBytes: plan.blobCapacityBytes });
  const round = new RoundClient(
    {
      runId: info.runId,
      membership: identity.membership(),
      pipeline: plan.pipeline,
      schedule: plan.schedule,
      coldStartWarmupSteps: plan.coldStartWarmupSteps,
      maxPayloadBytes: plan.payloadBytes,
      hashEveryRound: options.hashEachRound,
      ...(runStartHash !== null && { runStartHash }),
      onTelemetry: (event) => {
        log({ type: "round", event });
        behind.heard(event);
        if (event.type === "stranded") giveUp();
      },
    },
    {
      coordinator,
      network,
      blobs,
      engine: options.writeGradientsDir === undefined ? engine : writingResults(engine, options.writeGradientsDir),
      data: data.provider,
      tensors: plan.tensors,
      signer: identity.peer,
      reveals: identity,
      clock,
      checkpoints: own && own.sink,
      modelCache: options.checkpointDir === undefined ? null : fileModelCache(join(options.checkpointDir, "download"), parameterBytes),
      ...(idle && { idle }),
    },
  );
  engine.onReset = (reason) => round.engineReset(reason);
  return {
    identity,
    network,
    coordinator,
    runId: info.runId,
    runConfig,
    configToml: info.configToml,
    plan,
    engine,
    round,
    heldOut: data.heldOut,
    saveNow: async (step, epoch, agreed) => own && own.saveNow(step, epoch, agreed),
    showEval,
    isKept: async (parameterHash) => own !== null && (await own.holds(parameterHash)),
    close: async () => {
      clearInterval(behindTimer);
      blobs.stop();
      await data.provider.close();
      await coordinator.close();
      await network.stop();
      await engine.stop();
    },
  };
}

/** (32) what every member of the coming epoch starts from; zero while nothing was ever agreed. */
async function agreedHash(coordinator: CoordinatorPort, signal: AbortSignal): Promise<Uint8Array> {
  const first = Promise.withResolvers<Snapshot>();
  const undo = coordinator.subscribe(first.resolve);
  const onAbort = () => first.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const { bytes } = await first.promise;
    return Machine.load(bytes).state().parameterHash;
  } finally {
    undo();
    signal.removeEventListener("abort", onAbort);
  }
}

/** What the run's config means for this client, and for its model the folder of `--checkpoint`. Errors: HostError bad-option. */
export async function planOf(runConfig: RunConfig, folder: string | undefined, signal: AbortSignal): Promise<RunPlan> {
  try {
    if (folder === undefined) return runPlan(runConfig);
    const files = directoryFiles(resolve(folder));
    const origin = await readTierOrigin(files);
    if (origin === null) {
      const checkpoint = await readCheckpoint(files, signal);
      const plan = runPlan(runConfig, checkpoint.config);
      sameModel(plan.llama, checkpoint, 0);
      return plan;
    }
    const part = await readTierCheckpoint(files, signal);
    const plan = runPlan(runConfig, part.base);
    sameModel(plan.llama, part, part.tier);
    return plan;
  } catch (cause) {
    if (cause instanceof CheckpointError) throw new HostError("bad-option", `--checkpoint ${cause.message}`, { cause });
    if (cause instanceof TrainError) throw new HostError("bad-option", `this run cannot be trained here: ${cause.message}`, { cause });
    throw cause;
  }
}

function sameModel(llama: LlamaConfig, checkpoint: LoadedCheckpoint, tier: number): void {
  if (llama.intermediateSize % 2 ** tier !== 0)
    throw new HostError(
      "bad-option",
      `--checkpoint holds tier ${tier} of another model than the run's, which has intermediate_size ${llama.intermediateSize}`,
    );
  for (const { name, shape } of llamaParameters(tierConfig(llama, tier))) {
    const have = checkpoint.parameters.get(name)?.shape;
    if (have?.join() !== shape.join()) {
      throw new HostError(
        "bad-option",
        `--checkpoint holds another model than the run's: ${name} must be [${shape.join(", ")}], is ${have ? `[${have.join(", ")}]` : "missing"}`,
      );
    }
  }
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
