/** Transactions of a run as an RPC node tells them: which calls of our programs they carry, and what witnesses said in them. */
import { getBase58Encoder, type Address } from "@solana/kit";
import * as authorizer from "@starling/sdk/generated/authorizer/index";
import * as coordinator from "@starling/sdk/generated/coordinator/index";
import * as treasurer from "@starling/sdk/generated/treasurer/index";
import { ChainError } from "@starling/sdk/solana/chainError";
import { field, integer, type Json, list, string } from "@starling/sdk/solana/json";
import type { Programs } from "@starling/sdk/solana/pdas";
import { decodeWitnessInstruction } from "@starling/sdk/solana/witnessInstruction";
import type { WitnessReport } from "./historyStore.ts";

/** A line of getSignaturesForAddress. */
export interface SignatureLine {
  signature: string;
  slot: bigint;
  atMs: number | null;
  isOk: boolean;
}

export interface Call {
  program: keyof Programs;
  accounts: string[];
  data: Uint8Array;
}

export interface ReadTransaction {
  /** who pays */
  by: string;
  calls: Call[];
  text: string;
  reports: WitnessReport[];
}

const MAX_INSTRUCTIONS = 64;
const MAX_ACCOUNTS = 128;
/** a transaction has 1,232 bytes */
const MAX_DATA_CHARACTERS = 2_048;

/** @throws ChainError `rpc` */
export function readSignatures(answer: Json): SignatureLine[] {
  return list(answer, "signatures").map((line) => {
    const seconds = field(line, "blockTime");
    return {
      signature: string(field(line, "signature"), "a signature"),
      slot: integer(field(line, "slot"), "a slot"),
      atMs: typeof seconds === "number" ? seconds * 1000 : null,
      isOk: (field(line, "err") ?? null) === null,
    };
  });
}

/**
 * Null where the node does not have it. Reports are those of `run` alone: anyone can name its address in a transaction that reports to
 * another run. @throws ChainError `rpc` for what is no transaction
 */
export function readTransaction(answer: Json, line: SignatureLine, programs: Programs, run: Address): ReadTransaction | null {
  if (answer === null) return null;
  const message = field(field(answer, "transaction"), "message");
  const keys = bounded(list(field(message, "accountKeys"), "a transaction's accounts"), MAX_ACCOUNTS, "accounts").map((key) =>
    string(key, "an account of a transaction"),
  );
  const outer = bounded(list(field(message, "instructions"), "instructions"), MAX_INSTRUCTIONS, "instructions");
  const inner = field(field(answer, "meta"), "innerInstructions");
  const called = [
    ...outer,
    // what the treasurer passes on to the coordinator
    ...(Array.isArray(inner) ? inner.flatMap((one) => list(field(one, "instructions"), "inner instructions")) : []).slice(
      0,
      MAX_INSTRUCTIONS,
    ),
  ];
  const calls = called.flatMap((instruction) => callOf(instruction, keys, programs));
  const reports = line.isOk ? calls.flatMap((call) => reportOf(call, line, run)) : [];
  return { by: keys[0] ?? "", calls, text: textOf(calls), reports };
}

function bounded(values: Json[], most: number, what: string): Json[] {
  if (values.length > most) throw new ChainError("rpc", `a transaction with ${values.length} ${what}, at most ${most} are possible`);
  return values;
}

function callOf(instruction: Json, keys: readonly string[], programs: Programs): Call[] {
  const address = keys[Number(field(instruction, "programIdIndex"))];
  const program = (Object.keys(programs) as (keyof Programs)[]).find((name) => programs[name] === address);
  if (program === undefined) return [];
  const text = string(field(instruction, "data"), "an instruction's data");
  if (text.length > MAX_DATA_CHARACTERS) throw new ChainError("rpc", `an instruction of ${text.length} characters`);
  const accounts = bounded(list(field(instruction, "accounts"), "an instruction's accounts"), MAX_ACCOUNTS, "accounts");
  return [{ program, accounts: accounts.map((index) => keys[Number(index)] ?? ""), data: fromBase58(text) }];
}

function fromBase58(text: string): Uint8Array {
  try {
    return new Uint8Array(getBase58Encoder().encode(text));
  } catch (cause) {
    throw new ChainError("rpc", "an instruction's data is not base58", { cause });
  }
}

function reportOf({ program, accounts, data }: Call, line: SignatureLine, run: Address): WitnessReport[] {
  const [session, reportedTo] = accounts;
  if (program !== "coordinator" || session === undefined || reportedTo !== run || line.atMs === null) return [];
  const round = decodeWitnessInstruction(data);
  if (round === null) return [];
  const { step, bitmap, metadata } = round;
  return [
    {
      ...{ step, epoch: null, atMs: line.atMs, session, signature: line.signature },
      loss: metadata?.loss ?? null,
      // 0: it trained nothing in this round
      tokensPerSecond: metadata === null || metadata.tokensPerSecond === 0 ? null : metadata.tokensPerSecond,
      batches: countBits(bitmap),
      sampleText: metadata?.sampleText ?? null,
      ...(metadata && metadata.evals.length > 0 && { evals: metadata.evals }),
    },
  ];
}

function countBits(bytes: ArrayLike<number>): number {
  let count = 0;
  for (let index = 0; index < bytes.length; index++) for (let byte = bytes[index]!; byte !== 0; byte &= byte - 1) count += 1;
  return count;
}

const COORDINATOR: Record<number, string> = {
  [coordinator.CREATE_RUN_DISCRIMINATOR]: "run created",
  [coordinator.ALLOCATE_DISCRIMINATOR]: "room for clients made",
  [coordinator.WRITE_CONFIG_DISCRIMINATOR]: "piece of a configuration",
  [coordinator.UPDATE_CONFIG_DISCRIMINATOR]: "configuration taken into use",
  [coordinator.UPDATE_METADATA_DISCRIMINATOR]: "name or description changed",
  [coordinator.SET_PAUSED_DISCRIMINATOR]: "run paused or resumed",
  [coordinator.SET_FUTURE_EPOCH_RATES_DISCRIMINATOR]: "rates of the coming epochs set",
  [coordinator.OPEN_SESSION_DISCRIMINATOR]: "session opened",
  [coordinator.CLOSE_SESSION_DISCRIMINATOR]: "session closed",
  [coordinator.REFUEL_DISCRIMINATOR]: "session key refuelled",
  [coordinator.JOIN_RUN_DISCRIMINATOR]: "client joined",
  [coordinator.LEAVE_RUN_DISCRIMINATOR]: "client left",
  [coordinator.TICK_DISCRIMINATOR]: "clock tick",
  [coordinator.WARMUP_WITNESS_DISCRIMINATOR]: "client ready to train",
  [coordinator.WITNESS_DISCRIMINATOR]: "witness report",
  [coordinator.DOWNLOADED_DISCRIMINATOR]: "results downloaded",
  [coordinator.HEALTH_CHECK_DISCRIMINATOR]: "lost clients reported",
  [coordinator.REPORT_EQUIVOCATION_DISCRIMINATOR]: "double result reported",
  [coordinator.CHECKPOINT_DISCRIMINATOR]: "checkpoint recorded",
  [coordinator.SETTLE_DISCRIMINATOR]: "points settled",
  [coordinator.ENFORCE_GRANT_DISCRIMINATOR]: "withdrawn grant enforced",
  [coordinator.DEPOSIT_BOND_DISCRIMINATOR]: "bond deposited",
  [coordinator.WITHDRAW_BOND_DISCRIMINATOR]: "bond withdrawn",
  [coordinator.RECORD_CLAIM_DISCRIMINATOR]: "claim recorded",
  [coordinator.CLOSE_RUN_DISCRIMINATOR]: "run closed",
  [coordinator.CLOSE_MEMBER_DISCRIMINATOR]: "membership closed",
};
const TREASURER: Record<number, string> = {
  [treasurer.CREATE_RUN_DISCRIMINATOR]: "treasury made",
  // what it passes on stands beside it
  [treasurer.FORWARD_DISCRIMINATOR]: "",
  [treasurer.CREATE_PARTICIPANT_DISCRIMINATOR]: "account for claims made",
  [treasurer.CLAIM_DISCRIMINATOR]: "reward claimed",
  [treasurer.TOP_UP_DISCRIMINATOR]: "treasury topped up",
  [treasurer.WITHDRAW_SURPLUS_DISCRIMINATOR]: "surplus withdrawn",
  [treasurer.CLOSE_PARTICIPANT_DISCRIMINATOR]: "account for claims closed",
};
const AUTHORIZER: Record<number, string> = {
  [authorizer.CREATE_DISCRIMINATOR]: "grant made",
  [authorizer.SET_ACTIVE_DISCRIMINATOR]: "grant switched",
  [authorizer.SET_DELEGATES_DISCRIMINATOR]: "delegates changed",
  [authorizer.CLOSE_DISCRIMINATOR]: "grant closed",
};
const NAMES: Record<keyof Programs, Record<number, string>> = { coordinator: COORDINATOR, treasurer: TREASURER, authorizer: AUTHORIZER };

function textOf(calls: readonly Call[]): string {
  const counts = new Map<string, number>();
  for (const { program, data } of calls) {
    const name = NAMES[program][data[0] ?? -1] ?? `unknown call ${data[0] ?? ""} of the ${program}`;
    if (name !== "") counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // a tick goes with most reports and says nothing by itself
  if (counts.size > 1) counts.delete("clock tick");
  const words = [...counts].map(([name, count]) => (count > 1 ? `${name} (${count}x)` : name)).join(", ");
  return words === "" ? "Nothing of our programs" : words.charAt(0).toUpperCase() + words.slice(1);
}
