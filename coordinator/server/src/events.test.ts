import { parseRunConfig, toMachineConfig } from "@starling/config";
import type { CoordinatorState } from "@starling/sdk";
import { LIMITS } from "@starling/sdk/generated/machineLayout";
import { Machine } from "@starling/sdk/machine";
import { expect, test } from "vitest";
import { wentBack } from "./events.ts";
import { TEST_TOML } from "./testRun.ts";

const state = Machine.create("run", toMachineConfig(parseRunConfig(TEST_TOML, { source: "test" })), 1n).state();
const at = (runState: CoordinatorState["runState"], parameterHashEpoch: number): CoordinatorState => ({
  ...state,
  runState,
  parameterHashEpoch,
});

test("a failed warm-up that changed the agreed parameters went back to older ones", () => {
  expect(wentBack(at("Warmup", 4), at("WaitingForMembers", 3))).toEqual({ type: "went-back", lostEpoch: 4, toEpoch: 3 });
  expect(wentBack(at("Warmup", 0), at("WaitingForMembers", LIMITS.NO_EPOCH))).toEqual({ type: "went-back", lostEpoch: 0, toEpoch: null });
  expect(wentBack(at("Warmup", 4), at("WaitingForMembers", 4))).toBe(null);
  expect(wentBack(at("RoundWitness", 4), at("Cooldown", 5))).toBe(null);
});
