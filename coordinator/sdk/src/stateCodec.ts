import { LAYOUT, LIMITS } from "./generated/machineLayout.ts";
import { Struct } from "./struct.ts";
import { CLIENT_STATES, RUN_STATES } from "./types.ts";
import type { ClientSlot, CoordinatorState, MachineConfig, Member, RoundRecord, Settled, WitnessEntry, WitnessMessage } from "./types.ts";

/** Decodes the bytes of a state that the machine has validated. */
export function decodeState(bytes: Uint8Array): CoordinatorState {
  const state = new Struct("State", bytes);
  const run = state.nested("run", "Run");
  const current = run.number("table");
  const table = state.nested("tables", "EpochTable", current);
  const next = state.nested("tables", "EpochTable", 1 - current);
  const roundCount = run.number("rounds_len");
  const oldest = run.number("height") + 1 - roundCount;
  const hasCheckpoint = run.number("checkpoint_epoch") !== LIMITS.NO_EPOCH;
  return {
    runId: text(run.bytes("run_id")),
    runState: RUN_STATES[run.number("run_state")],
    runStateStartedMs: run.bigint("run_state_started_ms"),
    epoch: run.number("epoch"),
    step: run.number("step"),
    epochStartStep: run.number("epoch_start_step"),
    lastStep: run.number("last_step"),
    epochStartMs: run.bigint("epoch_start_ms"),
    epochStartDataIndex: run.bigint("epoch_start_data_index"),
    pendingPause: run.number("pending_pause") !== 0,
    coldStartEpoch: run.number("cold_start_epoch") !== 0,
    clients: Array.from({ length: table.number("len") }, (_, index) => decodeSlot(table.nested("slots", "Slot", index), index)),
    pending: Array.from({ length: run.number("pending_len") }, (_, index) => decodeMember(next.nested("slots", "Slot", index))),
    rounds: Array.from({ length: roundCount }, (_, index) => {
      const place = (oldest + index) % LIMITS.STORED_ROUNDS;
      return decodeRound(run.nested("rounds", "RoundHot", place), state.nested("rounds", "RoundDetail", place));
    }),
    warmupReady: setBits(run.bytes("warmup_ready")),
    parameterHash: run.bytes("parameter_hash"),
    parameterHashEpoch: run.number("parameter_hash_epoch"),
    checkpoint: hasCheckpoint
      ? {
          location: text(run.bytes("checkpoint_location")),
          parameterHash: run.bytes("checkpoint_hash"),
          epoch: run.number("checkpoint_epoch"),
        }
      : null,
    config: decodeConfig(run.nested("config", "Config")),
  };
}

function decodeMember(slot: Struct<"Slot">): Member {
  return {
    owner: slot.bytes("owner"),
    session: slot.bytes("session"),
    peerId: slot.bytes("peer_id"),
    chainHead: slot.bytes("chain_head"),
    expiresMs: slot.bigint("expires_ms"),
  };
}

function decodeSlot(slot: Struct<"Slot">, index: number): ClientSlot {
  return {
    ...decodeMember(slot),
    index,
    state: CLIENT_STATES[slot.number("state")],
    carried: slot.number("carried") !== 0,
    exitedHeight: slot.number("exited_height"),
    roundsTrained: slot.number("rounds_trained"),
    missedRounds: slot.number("missed_rounds"),
    earned: slot.bigint("earned"),
    slashed: slot.bigint("slashed"),
  };
}

const NO_REPORTS = new Struct("RoundDetail", new Uint8Array(LAYOUT.RoundDetail.bytes));

/**
 * Of a round, what every client needs at once lies in the run, and what witnesses sent beside it in a record of its own, which
 * whoever reads a chain need not have: its fields are zero then.
 */
function decodeRound(hot: Struct<"RoundHot">, detail: Struct<"RoundDetail">): RoundRecord {
  const isOfIt = detail.number("height") === hot.number("height") && detail.number("step") === hot.number("step");
  const record = isOfIt ? detail : NO_REPORTS;
  return {
    height: hot.number("height"),
    step: hot.number("step"),
    dataIndex: hot.bigint("data_index"),
    batchSize: hot.number("batch_size"),
    seed: hot.bytes("seed"),
    startedMs: hot.bigint("started_ms"),
    live: setBits(hot.bytes("live")),
    drain: hot.number("drain") !== 0,
    witnesses: Array.from({ length: hot.number("witnesses_len") }, (_, index) =>
      decodeWitness(hot.nested("witnesses", "WitnessHot", index), record.nested("reports", "Report", index)),
    ),
  };
}

function decodeWitness(hot: Struct<"WitnessHot">, report: Struct<"Report">): WitnessEntry {
  return {
    clientIndex: hot.number("client_index"),
    position: hot.number("position"),
    bitmap: report.bytes("bitmap"),
    listRoot: hot.bytes("list_root"),
    reveal: report.bytes("reveal"),
    parameterHash: report.bytes("parameter_hash"),
    listsHeld: hot.number("downloaded") !== 0 ? hot.number("lists_held") : null,
  };
}

/** Of the machine's Run. */
export function configOf(run: Uint8Array): MachineConfig {
  return decodeConfig(new Struct("Run", run).nested("config", "Config"));
}

function decodeConfig(config: Struct<"Config">): MachineConfig {
  return {
    warmupMs: config.bigint("warmup_ms"),
    cooldownMs: config.bigint("cooldown_ms"),
    maxRoundTrainMs: config.bigint("max_round_train_ms"),
    roundWitnessMs: config.bigint("round_witness_ms"),
    epochMs: config.bigint("epoch_ms"),
    waitingForMembersExtraMs: config.bigint("waiting_for_members_extra_ms"),
    globalBatchSizeWarmupTokens: config.bigint("global_batch_size_warmup_tokens"),
    roundsPerEpoch: config.number("rounds_per_epoch"),
    totalSteps: config.number("total_steps"),
    initMinClients: config.number("init_min_clients"),
    minClients: config.number("min_clients"),
    witnessNodes: config.number("witness_nodes"),
    globalBatchSizeStart: config.number("global_batch_size_start"),
    globalBatchSizeEnd: config.number("global_batch_size_end"),
    maxSeqLen: config.number("max_seq_len"),
    coldStartWarmupSteps: config.number("cold_start_warmup_steps"),
    verificationPercent: config.number("verification_percent"),
    resultShareBps: config.number("result_share_bps"),
    stragglerGraceBps: config.number("straggler_grace_bps"),
    earningRateTotalShared: config.bigint("earning_rate_total_shared"),
    slashingRatePerClient: config.bigint("slashing_rate_per_client"),
  };
}

/** Throws `BadArgument` for a value that does not fit its field. */
export function encodeConfig(config: MachineConfig): Uint8Array {
  const bytes = new Uint8Array(LAYOUT.Config.bytes);
  const struct = new Struct("Config", bytes);
  struct.setInteger("warmup_ms", config.warmupMs);
  struct.setInteger("cooldown_ms", config.cooldownMs);
  struct.setInteger("max_round_train_ms", config.maxRoundTrainMs);
  struct.setInteger("round_witness_ms", config.roundWitnessMs);
  struct.setInteger("epoch_ms", config.epochMs);
  struct.setInteger("waiting_for_members_extra_ms", config.waitingForMembersExtraMs);
  struct.setInteger("global_batch_size_warmup_tokens", config.globalBatchSizeWarmupTokens);
  struct.setInteger("rounds_per_epoch", config.roundsPerEpoch);
  struct.setInteger("total_steps", config.totalSteps);
  struct.setInteger("init_min_clients", config.initMinClients);
  struct.setInteger("min_clients", config.minClients);
  struct.setInteger("witness_nodes", config.witnessNodes);
  struct.setInteger("global_batch_size_start", config.globalBatchSizeStart);
  struct.setInteger("global_batch_size_end", config.globalBatchSizeEnd);
  struct.setInteger("max_seq_len", config.maxSeqLen);
  struct.setInteger("cold_start_warmup_steps", config.coldStartWarmupSteps);
  struct.setInteger("verification_percent", config.verificationPercent);
  struct.setInteger("result_share_bps", config.resultShareBps);
  struct.setInteger("straggler_grace_bps", config.stragglerGraceBps);
  struct.setInteger("earning_rate_total_shared", config.earningRateTotalShared);
  struct.setInteger("slashing_rate_per_client", config.slashingRatePerClient);
  return bytes;
}

export function encodeMember(member: Member): Uint8Array {
  const bytes = new Uint8Array(LAYOUT.Membership.bytes);
  const struct = new Struct("Membership", bytes);
  struct.setBytes("owner", member.owner);
  struct.setBytes("session", member.session);
  struct.setBytes("peer_id", member.peerId);
  struct.setBytes("chain_head", member.chainHead);
  struct.setInteger("expires_ms", member.expiresMs);
  return bytes;
}

export function decodeSettled(bytes: Uint8Array): Settled {
  const settled = new Struct("Settled", bytes);
  return { earned: settled.bigint("earned"), slashed: settled.bigint("slashed"), ejected: settled.number("ejected") !== 0 };
}

export function encodeWitnessMessage(message: WitnessMessage): Uint8Array {
  const bytes = new Uint8Array(LAYOUT.WitnessMessage.bytes);
  const struct = new Struct("WitnessMessage", bytes);
  struct.setBytes("bitmap", message.bitmap);
  struct.setBytes("list_root", message.listRoot);
  struct.setBytes("reveal", message.reveal);
  struct.setBytes("parameter_hash", message.parameterHash);
  struct.setInteger("step", message.step);
  return bytes;
}

/** Indices of the set bits, least significant first. */
export function setBits(bitmap: Uint8Array): number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < bitmap.length * 8; bit += 1) {
    if ((bitmap[bit >> 3] >> (bit & 7)) & 1) bits.push(bit);
  }
  return bits;
}

/** UTF-8 up to the zero padding. */
function text(padded: Uint8Array): string {
  const end = padded.indexOf(0);
  return new TextDecoder().decode(end === -1 ? padded : padded.subarray(0, end));
}
