/**
 * Random histories of the machine, printed by coordinator/crates/history as the native machine lives them, and their replay
 * in wasm: after every call the answer and all bytes of the state must be the same. Needs cargo.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { LIMITS } from "./generated/machineLayout.ts";
import { machineModule } from "./machineModule.ts";
import type { MachineModule } from "./machineModule.ts";

const COORDINATOR = resolve(import.meta.dirname, "../..");

/** The first line of a history: a run just created. */
export interface HistoryHead {
  seed: number;
  /** hex */
  runId: string;
  /** hex of a `Config` */
  config: string;
  now: number;
  /** of the whole `State`, after `create` */
  sha256: string;
}

/** One call, its time in whole seconds, and what the native machine answered. */
export interface HistoryCall {
  call: string;
  now: number;
  /** hex: the method's parameters packed little-endian, without state and time */
  args: string;
  /** "ok:" and numbers, or "err:" and the number of the refusal */
  result: string;
  /** of the whole `State` after the call; left out where the call was refused, which leaves the state as it was */
  sha256?: string;
}

export interface History {
  head: HistoryHead;
  calls: HistoryCall[];
}

export function hasCargo(): boolean {
  return spawnSync("cargo", ["--version"], { stdio: "ignore" }).status === 0;
}

/** Builds the generator where it is not built yet. Throws what cargo says. */
export async function* readHistories(firstSeed: number, histories: number, calls: number): AsyncGenerator<History> {
  const numbers = [firstSeed, histories, calls].map(String);
  const child = spawn("cargo", ["run", "--quiet", "--locked", "-p", "starling-history", "--", ...numbers], {
    cwd: COORDINATOR,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4_000)));
  const ended = new Promise<number | null>((done) => child.once("close", done));
  try {
    let history: History | null = null;
    for await (const line of createInterface({ input: child.stdout })) {
      const entry = JSON.parse(line) as HistoryHead | HistoryCall;
      if ("call" in entry) {
        history?.calls.push(entry);
        continue;
      }
      if (history !== null) yield history;
      history = { head: entry, calls: [] };
    }
    const code = await ended;
    if (code !== 0) throw new Error(`starling-history ended with code ${String(code)}: ${errors}`);
    if (history !== null) yield history;
  } finally {
    child.kill();
    await ended;
  }
}

/** Replays a history in this thread's wasm machine. Null, or where and how it differs from the native one. */
export function replayInWasm(history: History): string | null {
  const module = machineModule();
  const { head } = history;
  const runId = Buffer.from(head.runId, "hex");
  module.input.fill(0, 0, LIMITS.RUN_ID_BYTES);
  module.input.set(runId);
  module.input.set(Buffer.from(head.config, "hex"), LIMITS.RUN_ID_BYTES);
  module.call.create(runId.length, BigInt(head.now));
  let sha256 = head.sha256;
  if (hashOf(module) !== sha256) return `seed ${head.seed}: another state after create`;
  for (const [index, entry] of history.calls.entries()) {
    const at = `seed ${head.seed}, call ${index} (${entry.call} at ${entry.now})`;
    const answer = replayCall(module, entry);
    if (answer !== entry.result) return `${at}: native ${entry.result}, wasm ${answer}`;
    const invalid = module.call.validate();
    if (invalid !== 0) return `${at}: wasm finds the state unsound: error ${-invalid}`;
    sha256 = entry.sha256 ?? sha256;
    if (hashOf(module) !== sha256) return `${at}: the states differ`;
  }
  return null;
}

const hashOf = (module: MachineModule): string => createHash("sha256").update(module.state).digest("hex");

/** The answer in the words of the native one. */
function replayCall(module: MachineModule, entry: HistoryCall): string {
  const { call } = module;
  const now = BigInt(entry.now);
  const args = Buffer.from(entry.args, "hex");
  /** The arguments from `offset` on are what the export reads from the input region. */
  const input = (offset = 0): number => {
    module.input.set(args.subarray(offset));
    return args.length - offset;
  };
  const say = (status: number): string => (status < 0 ? `err:${-status}` : `ok:${status}`);
  /** An export that says 1 where nothing changed. */
  const sayChanged = (status: number): string => (status < 0 ? `err:${-status}` : `ok:${1 - status}`);
  switch (entry.call) {
    case "start":
      return say(call.start(now));
    case "pause":
      return say(call.pause(now));
    case "resume":
      return say(call.resume(now));
    case "update_config":
      input();
      return say(call.update_config());
    case "set_future_epoch_rates":
      return say(call.set_future_epoch_rates(args.readBigUInt64LE(0), args.readBigUInt64LE(8)));
    case "checkpoint":
      return say(call.checkpoint(input() - 32));
    case "tick":
      input();
      return say(call.tick(now));
    case "join":
      input();
      return sayChanged(call.join(now));
    case "leave":
      input();
      return say(call.leave());
    case "withdraw_carry":
      input();
      return say(call.withdraw_carry());
    case "warmup_witness":
      return sayChanged(call.warmup_witness(args.readUInt16LE(0), now));
    case "witness":
      input(2);
      return say(call.witness(args.readUInt16LE(0), now));
    case "downloaded":
      return say(call.downloaded(args.readUInt16LE(0), args.readUInt32LE(2), args.readUInt32LE(6), now));
    case "health_check":
      return say(call.health_check(args.readUInt16LE(0), input(2) / 2, now));
    case "report_equivocation":
      return say(call.report_equivocation(args.readUInt16LE(0), args.readUInt16LE(2), now));
    case "settle": {
      const status = call.settle(args[0], args.readUInt16LE(1));
      const points = new DataView(module.output.buffer, module.output.byteOffset);
      const settled = [points.getBigUint64(0, true), points.getBigUint64(8, true), points.getUint8(16)];
      return status < 0 ? `err:${-status}` : `ok:${settled.join(",")}`;
    }
    default:
      return `a call named ${entry.call}, which this replay does not know`;
  }
}
