import { describe, expect, it } from "vitest";
import { COMPLIANCE_CONFIG, tomlOf } from "../complianceClient.ts";
import { CoordinatorError } from "../errors.ts";
import { LAYOUT } from "../generated/machineLayout.ts";
import { encodeConfig } from "../stateCodec.ts";
import type { MachineConfig } from "../types.ts";
import type { RunConfig, RunHeader } from "./accounts.ts";
import { requireOneConfig } from "./oneConfig.ts";

function headerOf(config: MachineConfig): RunHeader {
  const machine = new Uint8Array(LAYOUT.Run.bytes);
  machine.set(encodeConfig(config), LAYOUT.Run.fields.config.offset);
  return { machine } as RunHeader;
}
const textOf = (toml: string): RunConfig => ({ toml }) as RunConfig;

describe("the configuration of a run on chain", () => {
  it("is taken where text and integers are the same, whatever the rates are by now", () => {
    const toml = tomlOf(COMPLIANCE_CONFIG);
    expect(requireOneConfig(headerOf(COMPLIANCE_CONFIG), textOf(toml))).toBe(toml);
    const paid = { ...COMPLIANCE_CONFIG, earningRateTotalShared: 77n, slashingRatePerClient: 5n };
    expect(requireOneConfig(headerOf(paid), textOf(toml))).toBe(toml);
  });

  it.each<[keyof MachineConfig, Partial<MachineConfig>]>([
    ["maxRoundTrainMs", { maxRoundTrainMs: 21_000n }],
    ["globalBatchSizeEnd", { globalBatchSizeEnd: 9 }],
    ["witnessNodes", { witnessNodes: 1 }],
    ["stragglerGraceBps", { stragglerGraceBps: 2_600 }],
  ])("is refused where they differ in %s", (key, change) => {
    const text = textOf(tomlOf(COMPLIANCE_CONFIG));
    expect(() => requireOneConfig(headerOf({ ...COMPLIANCE_CONFIG, ...change }), text)).toThrow(
      new RegExp(`^the run's configuration in force .*: ${key} is ${change[key]}, the text says`),
    );
  });

  it("is refused where the text is none", () => {
    expect(() => requireOneConfig(headerOf(COMPLIANCE_CONFIG), textOf("a = 1\n"))).toThrow(CoordinatorError);
  });
});
