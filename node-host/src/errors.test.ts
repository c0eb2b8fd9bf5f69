import { describe, expect, it } from "vitest";
import { EXIT_CODES, exitCodeOf, HostError, isWorthRestarting } from "./errors.ts";

const named = (name: string, code: string): Error => Object.assign(new Error("x"), { name, code });

describe("exitCodeOf", () => {
  it.each([
    [named("ParallelError", "indivisible"), EXIT_CODES.usage],
    [named("TrainError", "unsupported"), EXIT_CODES.usage],
    [named("TrainError", "engine-lost"), EXIT_CODES.failed],
    [named("GenerateError", "bad-prompt"), EXIT_CODES.usage],
    [named("GenerateError", "not-finite"), EXIT_CODES.failed],
    [named("EvaluateError", "bad-task"), EXIT_CODES.usage],
    [named("ServerError", "state-mismatch"), EXIT_CODES.usage],
    [named("ServerError", "storage"), EXIT_CODES.failed],
    [named("ChainError", "bad-argument"), EXIT_CODES.usage],
    [named("ChainError", "unreachable"), EXIT_CODES.unreachable],
    [named("ChainError", "unknown"), EXIT_CODES.unknownOutcome],
    [new HostError("bad-option", "x"), EXIT_CODES.usage],
    [new HostError("engine", "x"), EXIT_CODES.failed],
    [new Error("x"), EXIT_CODES.failed],
    ["a string", EXIT_CODES.failed],
  ])("%s", (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it("a wrong option is no reason to start again, a fault of the moment is", () => {
    expect(isWorthRestarting(exitCodeOf(named("ParallelError", "too-few-devices")))).toBe(false);
    expect(isWorthRestarting(exitCodeOf(named("TrainError", "engine-lost")))).toBe(true);
  });
});
