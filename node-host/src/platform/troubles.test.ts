import { beforeEach, describe, expect, it } from "vitest";
import { Troubles } from "./troubles.ts";

describe("Troubles", () => {
  let nowMs: number;
  let troubles: Troubles;
  beforeEach(() => {
    nowMs = 0;
    troubles = new Troubles(() => nowMs);
  });
  const fetchAt = (atMs: number) => {
    nowMs = atMs;
    return troubles.failed("fetch a result of step 7", "nobody answers");
  };

  it("says nothing of fetching that ends soon, and says at intervals what goes on", () => {
    expect([0, 1_000, 9_000].map(fetchAt)).toEqual([null, null, null]);
    expect(fetchAt(11_000)).toBe("could not fetch a result of step 7 in 11 s and 4 tries, goes on trying: nobody answers");
    expect([12_000, 40_000].map(fetchAt)).toEqual([null, null]);
    expect(fetchAt(42_000)).toMatch(/in 42 s and 7 tries/);
  });

  it("begins anew when a trouble was over", () => {
    fetchAt(0);
    expect(fetchAt(100_000)).toBeNull();
  });

  it("says other failures at once, then with a count", () => {
    expect(troubles.failed("join", "refused")).toBe("join failed: refused");
    expect(troubles.failed("join", "refused")).toBeNull();
    nowMs = 31_000;
    expect(troubles.failed("join", "refused")).toBe("join failed: refused (and once before)");
    expect(troubles.failed("engine: train", "no memory")).toBe("engine: train failed: no memory");
  });

  it("leaves it to the coordinator's own sentence that it is away, and says what it refuses", () => {
    const call = (message: string) => troubles.failed("coordinator: witness", message);
    expect(call("witness: peer 18ffbf19 does not answer at /ip4/127.0.0.1/tcp/1")).toBeNull();
    expect(troubles.failed("coordinator: healthCheck", "healthCheck: no such slot")).toBe(
      'the coordinator did not take the call "healthCheck": no such slot',
    );
    nowMs = 11_000;
    expect(call("witness: peer 18ffbf19 does not answer")).toMatch(/^could not call the coordinator in 11 s and 2 tries/);
  });

  it("says what comes again and again at intervals, with a count", () => {
    const say = () => troubles.repeated("the disk is full");
    expect([say(), say(), say()]).toEqual(["the disk is full", null, null]);
    nowMs = 30_000;
    expect(say()).toBe("the disk is full (and 2 times before)");
    expect(troubles.repeated("another disk is full")).toBe("another disk is full");
  });

  it("says a reason for refusing once, however many things it was for", () => {
    expect(troubles.rejected("announcement of batch 0", "other parameters")).toBe("rejected announcement of batch 0: other parameters");
    expect(troubles.rejected("announcement of batch 1", "other parameters")).toBeNull();
    expect(troubles.rejected("announcement of batch 1", "bad signature")).not.toBeNull();
    nowMs = 30_000;
    expect(troubles.rejected("announcement of batch 2", "other parameters")).toMatch(/batch 2.*and 1 more/);
  });
});
