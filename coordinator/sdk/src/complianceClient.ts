/** A client of a coordinator under test: what it knows through its port, and what an honest one does. */
import { expect } from "vitest";
import { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import type { CoordinatorPort, CoordinatorState, MachineConfig, Snapshot, WitnessReport } from "./types.ts";
import { encodeWitnessMetadata, type WitnessMetadata } from "./witnessMetadata.ts";

/** Phases are long, so that in these tests only quorums end them; the waits between epochs are short. */
export const COMPLIANCE_CONFIG: MachineConfig = {
  warmupMs: 20_000n,
  cooldownMs: 5n,
  maxRoundTrainMs: 20_000n,
  roundWitnessMs: 20_000n,
  epochMs: 600_000n,
  waitingForMembersExtraMs: 1n,
  globalBatchSizeWarmupTokens: 0n,
  roundsPerEpoch: 3,
  totalSteps: 1000,
  initMinClients: 3,
  minClients: 2,
  witnessNodes: 0,
  globalBatchSizeStart: 8,
  globalBatchSizeEnd: 8,
  maxSeqLen: 16,
  coldStartWarmupSteps: 0,
  verificationPercent: 0,
  resultShareBps: 9000,
  stragglerGraceBps: 2500,
  earningRateTotalShared: 0n,
  slashingRatePerClient: 0n,
};

/** A run config whose integers are those of `config`; the model is as small as one can be. */
export function tomlOf(config: MachineConfig): string {
  const seconds = (ms: bigint): number => Number(ms) / 1000;
  return `
[config]
warmup_time = ${seconds(config.warmupMs)}
cooldown_time = ${seconds(config.cooldownMs)}
max_round_train_time = ${seconds(config.maxRoundTrainMs)}
round_witness_time = ${seconds(config.roundWitnessMs)}
epoch_time = ${seconds(config.epochMs)}
waiting_for_members_extra_time = ${seconds(config.waitingForMembersExtraMs)}
global_batch_size_warmup_tokens = ${config.globalBatchSizeWarmupTokens}
rounds_per_epoch = ${config.roundsPerEpoch}
total_steps = ${config.totalSteps}
init_min_clients = ${config.initMinClients}
min_clients = ${config.minClients}
witness_nodes = ${config.witnessNodes}
global_batch_size_start = ${config.globalBatchSizeStart}
global_batch_size_end = ${config.globalBatchSizeEnd}
verification_percent = ${config.verificationPercent}
result_share = ${config.resultShareBps / 10_000}
straggler_grace = ${config.stragglerGraceBps / 10_000}
earning_rate_total_shared = ${config.earningRateTotalShared}
slashing_rate_per_client = ${config.slashingRatePerClient}

[model.LLM]
max_seq_len = ${config.maxSeqLen}
cold_start_warmup_steps = ${config.coldStartWarmupSteps}
architecture = "HfLlama"
data_type = "Pretraining"
data_location = "Dummy"

[model.LLM.checkpoint.Random]
seed = 7

[model.LLM.checkpoint.Random.config]
model_type = "llama"
vocab_size = 256
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 1
rms_norm_eps = 1e-5
rope_theta = 10000.0
max_position_embeddings = ${config.maxSeqLen}
tie_word_embeddings = false

[model.LLM.lr_schedule.Constant]
base_lr = 5e-3
warmup_init_lr = 0.0
warmup_steps = 4

[model.LLM.optimizer.Distro]
compression_decay = 0.999
compression_topk = 8
compression_chunk = 64
quantize_1bit = true
`;
}

/** (32) what the clients here agree on at the end of an epoch */
export const EPOCH_HASH = new Uint8Array(32).fill(0xab);

/** what the clients here say of themselves, besides their loss: 1 + slot */
export const SAID: WitnessMetadata = {
  ...{ loss: 0, tokensPerSecond: 1_000, bandwidthBytesPerSecond: 500, efficiency: 0.5 },
  ...{ sampleText: "once upon a time", evals: [["arc", 0.25]] },
};

export async function rejectedWith(code: CoordinatorErrorCode, call: Promise<unknown>, machineCode: string | null = null): Promise<void> {
  const error: unknown = await call.then(
    () => new Error(`expected the call to be refused with ${code}, it was carried out`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CoordinatorError)) throw error;
  expect({ code: error.code, machineCode: error.machineCode }).toEqual({ code, machineCode });
}

/** One client and what it knows through its port. */
export class ComplianceClient {
  readonly port: CoordinatorPort;
  readonly identity: Identity;
  readonly multiaddrs: string[];
  /** what `behave` has under way */
  readonly #busy = new Set<string>();

  constructor(port: CoordinatorPort, identity: Identity) {
    this.port = port;
    this.identity = identity;
    this.multiaddrs = [`/ip4/127.0.0.1/tcp/${1000 + identity.peer.publicKey[0]}`];
  }

  join(): Promise<void> {
    return this.port.join(this.identity.membership(), this.multiaddrs);
  }

  machine(): Machine {
    return Machine.load(this.port.snapshot()!.bytes);
  }

  async reach(wanted: (state: CoordinatorState) => boolean): Promise<CoordinatorState> {
    const snapshot = await this.reachSnapshot(({ bytes }) => wanted(Machine.load(bytes).state()));
    return Machine.load(snapshot.bytes).state();
  }

  reachSnapshot(wanted: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      let undo = (): void => {};
      let found = false;
      undo = this.port.subscribe((snapshot) => {
        if (found) return;
        try {
          found = wanted(snapshot);
        } catch (error) {
          found = true;
          reject(error as Error);
        }
        if (found) {
          queueMicrotask(() => undo());
          resolve(snapshot);
        }
      });
    });
  }

  witnessMessage(): WitnessReport {
    const machine = this.machine();
    const state = machine.state();
    const round = state.rounds.at(-1)!;
    const slot = state.clients[machine.slotOfSession(this.identity.session.publicKey)!];
    const bitmap = new Uint8Array(32);
    for (const { batch } of machine.assignment(round.height)) bitmap[batch >> 3] |= 1 << (batch & 7);
    const last = round.drain && state.step === state.lastStep - 1;
    return {
      step: round.step,
      bitmap,
      listRoot: new Uint8Array(32).fill(round.step),
      reveal: this.identity.preimageOf(slot.chainHead)!,
      parameterHash: last ? EPOCH_HASH : new Uint8Array(32),
      bloom: new Uint8Array(512).fill(round.step),
      metadata: encodeWitnessMetadata({ ...SAID, loss: 1 + slot.index }),
    };
  }

  /** From now on does what an honest client does. A refusal that comes from being late is no fault. */
  behave(): void {
    this.port.subscribe((snapshot) => {
      const machine = Machine.load(snapshot.bytes);
      const state = machine.state();
      const slot = machine.slotOfSession(this.identity.session.publicKey);
      if (slot === null || state.clients[slot].state !== "Healthy") return;
      if (state.runState === "Warmup" && !state.warmupReady.includes(slot)) {
        this.#once(`warmup ${state.epoch}`, () => this.port.warmupWitness());
      }
      const round = state.rounds.at(-1);
      if (round === undefined) return;
      const mine = round.witnesses.find((entry) => entry.clientIndex === slot);
      if (state.runState === "RoundTrain" && mine === undefined) {
        this.#once(`witness ${state.step}`, () => this.port.witness(this.witnessMessage()));
      }
      if (state.runState === "RoundWitness" && mine !== undefined && mine.listsHeld === null) {
        const lists = round.witnesses.reduce((mask, { position }) => mask | (1 << position), 0) >>> 0;
        this.#once(`downloaded ${state.step}`, () => this.port.downloaded(state.step, lists));
      }
    });
  }

  /** Not while it is under way; again if the next snapshot does not show it: a coordinator that came back may not have it. */
  #once(what: string, act: () => Promise<void>): void {
    if (this.#busy.has(what)) return;
    this.#busy.add(what);
    act()
      .catch((error: unknown) => {
        const harmless = error instanceof CoordinatorError && ["refused", "closed", "unreachable", "timeout"].includes(error.code);
        if (!harmless) throw error;
      })
      .finally(() => this.#busy.delete(what));
  }
}
