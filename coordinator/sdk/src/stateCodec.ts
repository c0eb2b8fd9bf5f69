import { LAYOUT, LIMITS } from "./generated/machineLayout.ts";
import { Struct } from "./struct.ts";
import { CLIENT_STATES, RUN_STATES } from "./types.ts";
import type { ClientSlot, CoordinatorState, MachineConfig, Membership, RoundRecord, WitnessEntry, WitnessMessage } from "./types.ts";

/** Decodes the bytes of a state that the machine has validated. */
export function decodeState(bytes: Uint8Array): CoordinatorState {
  const run = new Struct("Coordinator", bytes);
  const clients = Array.from({ length: run.number("clients_len") }, (_, index) =>
    decodeClient(run.nested("clients", "Client", index), index),
  );
  const roundCount = run.number("rounds_len");
  const oldest = run.number("height") + 1 - roundCount;
  const rounds = Array.from({ length: roundCount }, (_, index) =>
    decodeRound(run.nested("rounds", "Round", (oldest + index) % LIMITS.STORED_ROUNDS)),
  );
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
    clients,
    rounds,
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

function decodeClient(client: Struct<"Client">, index: number): ClientSlot {
  return {
    index,
    owner: client.bytes("owner"),
    session: client.bytes("session"),
    peerId: client.bytes("peer_id"),
    chainHead: client.bytes("chain_head"),
    state: CLIENT_STATES[client.number("state")],
    exitedHeight: client.number("exited_height"),
    roundsTrained: client.number("rounds_trained"),
    missedRounds: client.number("missed_rounds"),
    earned: client.bigint("earned"),
    slashed: client.bigint("slashed"),
  };
}

function decodeRound(round: Struct<"Round">): RoundRecord {
  return {
    height: round.number("height"),
    step: round.number("step"),
    dataIndex: round.bigint("data_index"),
    batchSize: round.number("batch_size"),
    seed: round.bytes("seed"),
    startedMs: round.bigint("started_ms"),
    live: setBits(round.bytes("live")),
    drain: round.number("drain") !== 0,
    witnesses: Array.from({ length: round.number("witnesses_len") }, (_, index) =>
      decodeWitness(round.nested("witnesses", "Witness", index)),
    ),
  };
}

function decodeWitness(witness: Struct<"Witness">): WitnessEntry {
  return {
    clientIndex: witness.number("client_index"),
    position: witness.number("position"),
    bitmap: witness.bytes("bitmap"),
    listRoot: witness.bytes("list_root"),
    reveal: witness.bytes("reveal"),
    parameterHash: witness.bytes("parameter_hash"),
    listsHeld: witness.number("downloaded") !== 0 ? witness.number("lists_held") : null,
  };
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

/** Writes a membership at `base` of `target`. */
export function encodeMembership(member: Membership, target: Uint8Array, base: number): void {
  const struct = new Struct("Membership", target, base);
  struct.setBytes("owner", member.owner);
  struct.setBytes("session", member.session);
  struct.setBytes("peer_id", member.peerId);
  struct.setBytes("chain_head", member.chainHead);
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
