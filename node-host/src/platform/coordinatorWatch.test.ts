import { CoordinatorError } from "@starling/sdk";
import { describe, expect, it } from "vitest";
import { CoordinatorWatch, coordinatorSentence } from "./coordinatorWatch.ts";

describe("CoordinatorWatch", () => {
  const gone = { connected: false, error: new CoordinatorError("unreachable", "connection refused") };
  const back = { connected: true, error: null };

  it("says that the coordinator is away, now and then for how long, and that it is back; nothing else", () => {
    let nowMs = 0;
    const watch = new CoordinatorWatch(() => nowMs);
    const said: string[] = [];
    const hear = (status: Parameters<typeof watch.next>[0]) => {
      const event = watch.next(status);
      if (event) said.push(coordinatorSentence(event));
    };
    hear(back);
    for (; nowMs < 100_000; nowMs += 5_000) hear(gone);
    hear(back);
    hear(back);
    expect(said).toEqual([
      expect.stringMatching(/out of reach \(connection refused\): .*the next one waits/),
      expect.stringMatching(/away for 30 s/),
      expect.stringMatching(/away for 90 s/),
      "the coordinator is back after 100 s",
    ]);
  });

  it("names the likely reason where another process signs with the same keys", () => {
    const refused = { connected: true, error: new CoordinatorError("replayed", "join with sequence 7 is too old") };
    expect(coordinatorSentence(new CoordinatorWatch(() => 0).next(refused)!)).toMatch(
      /too old: does another client run with the same identity file/,
    );
  });

  it("passes on a refusal in the coordinator's own words, once", () => {
    const watch = new CoordinatorWatch(() => 0);
    const refused = { connected: true, error: new CoordinatorError("ejected", "this owner was ejected from the run") };
    expect(coordinatorSentence(watch.next(refused)!)).toMatch(/does not take this client in: this owner was ejected/);
    expect(watch.next(refused)).toBe(null);
    expect(watch.next(back)).toBe(null);
    expect(watch.next(refused)).not.toBe(null);
  });
});
