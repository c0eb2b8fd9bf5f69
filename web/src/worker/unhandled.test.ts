import { expect, it } from "vitest";
import { TabError } from "./failure.ts";
import { Unhandled } from "./unhandled.ts";

const named = (name: string, message = "of the network"): Error => Object.assign(new Error(message), { name });

it("says once what failed", () => {
  const unhandled = new Unhandled();
  expect(unhandled.sentence(new TypeError("x is not a function"))).toContain("did not work: x is not a function.");
  expect(unhandled.sentence(new TypeError("x is not a function"))).toBeNull();
  expect(unhandled.sentence(named("ChainError", "the node is gone"))).toContain("the node is gone");
  expect(unhandled.sentence("a text")).toContain("a text");
  expect(unhandled.sentence(undefined)).toContain("undefined");
});

it.each([
  ...["AbortError", "TimeoutError", "StreamResetError", "StreamAbortedError", "StreamStateError", "StreamClosedError", "DialError"],
  ...["MuxerClosedError", "ConnectionClosedError", "ConnectionClosingError", "ConnectionFailedError", "UnexpectedEOFError"],
])("does not frighten anybody with %s", (name) => {
  expect(new Unhandled().sentence(named(name))).toBeNull();
});

it("why a tab stopped is its state's to say", () => {
  expect(new Unhandled().sentence(new TabError("internal", "this tab leaves the run"))).toBeNull();
});

it("does not go on for ever", () => {
  const unhandled = new Unhandled();
  const told = Array.from({ length: 100 }, (_, i) => unhandled.sentence(new Error(`fault ${i}`)));
  expect(told.filter((text) => text !== null)).toHaveLength(20);
  expect(new Unhandled().sentence(new Error("y".repeat(10_000)))!.length).toBeLessThan(500);
});
