import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRunConfig } from "@starling/config/presets.node";
import { fromHex, toHex } from "@starling/sdk/bytes";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { OwnCheckpoints } from "./checkpoints.ts";

describe("OwnCheckpoints", () => {
  const { llama } = runPlan(loadRunConfig("test", "/").config);
  const signal = new AbortController().signal;
  let folder: string;
  let events: HostEvent[];
  let held: ReadonlyMap<string, Float32Array>;
  let own: OwnCheckpoints;

  /** Holds and hashes parameters as an engine does, without a device. */
  const engine = {
    exportParameters: async () => new Map(held),
    importParameters: async (values: ReadonlyMap<string, Float32Array>) => void (held = new Map(values)),
    parameterHash: async () => {
      const hash = createHash("sha256");
      for (const name of [...held.keys()].sort()) hash.update(held.get(name)!);
      return new Uint8Array(hash.digest());
    },
  };
  const weights = (seed: number) => new Map([...initialWeights(llama, BigInt(seed))].map(([name, { data }]) => [name, data]));
  const warnings = () => events.flatMap((event) => (event.type === "warning" ? [event.message] : []));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-own-"));
    events = [];
    own = new OwnCheckpoints({ directory: folder, keepSteps: 3, runId: "test", llama, engine, log: (event) => events.push(event) });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function save(seed: number, step: number): Promise<Uint8Array> {
    held = weights(seed);
    await own.saveNow(step, 0, true);
    return engine.parameterHash();
  }

  it("puts back the agreed parameters, also when others were saved after them", async () => {
    const agreed = await save(1, 10);
    await save(2, 12);
    expect(await own.resume(agreed, signal)).toMatchObject({ step: 10, parameterHash: toHex(agreed) });
    expect(toHex(await engine.parameterHash())).toBe(toHex(agreed));
    expect(warnings()).toEqual([]);
  });

  it("leaves the engine alone where no checkpoint here holds them", async () => {
    await save(1, 10);
    held = weights(3);
    const before = toHex(await engine.parameterHash());
    expect(await own.resume(fromHex("ab".repeat(32), 32)!, signal)).toBe(null);
    expect(toHex(await engine.parameterHash())).toBe(before);
    expect(warnings()).toEqual([]);
  });

  it("finds older parameters later on, for a run that goes back to them, and leaves the engine alone", async () => {
    const wanted = await save(1, 10);
    await save(2, 12);
    await save(1, 14);
    truncateSync(join(folder, "test-step14", "model.safetensors"), 5_000);
    const found = await own.sink.parametersOf!(toHex(wanted));
    expect(found).toEqual(new Map(weights(1)));
    expect(warnings()).toEqual([expect.stringMatching(/test-step14 is not used/)]);
    expect(await own.sink.parametersOf!("ab".repeat(32))).toBe(null);
  });

  it("begins a new run anew, and says which checkpoint it does not use", async () => {
    await save(1, 10);
    expect(await own.resume(new Uint8Array(32), signal)).toBe(null);
    expect(warnings()).toEqual([expect.stringMatching(/no agreed parameters.*test-step10.*--checkpoint/)]);
  });

  it.each<[string, (location: string) => void, RegExp]>([
    ["a changed byte", (at) => flip(join(at, "model.safetensors"), -5), /damaged: its parameters hash to/],
    ["a file cut short", (at) => truncateSync(join(at, "model.safetensors"), 5_000), /not used/],
    ["a missing file", (at) => rmSync(join(at, "model.safetensors")), /not used/],
    ["a config of another model", (at) => writeFileSync(join(at, "config.json"), "{}"), /not used/],
  ])("passes over a checkpoint with %s and takes the other one of the same parameters", async (_, damage, says) => {
    const agreed = await save(1, 10);
    await save(1, 12);
    damage(join(folder, "test-step12"));
    expect(await own.resume(agreed, signal)).toMatchObject({ step: 10 });
    expect(toHex(await engine.parameterHash())).toBe(toHex(agreed));
    expect(warnings()).toEqual([expect.stringMatching(says)]);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  function flip(path: string, at: number): void {
    const bytes = readFileSync(path);
    bytes[bytes.length + at] ^= 1;
    writeFileSync(path, bytes);
  }
});
