import { expect, test } from "vitest";
import { hasCargo, readHistories, replayInWasm } from "./testHistories.node.ts";
import type { History } from "./testHistories.node.ts";

const HISTORIES = 200;
const CALLS = 250;
/** with the build of the generator, on a busy machine */
const TIMEOUT_MS = 600_000;

// The histories come from the native machine, so they need Rust; `npm run soak -- --histories 10000` plays more of them.
test.skipIf(!hasCargo())(
  `${HISTORIES} random histories are the same, byte for byte, in the native machine and in wasm`,
  async () => {
    const firstSeed = 1 + Math.floor(Math.random() * 1_000_000_000);
    console.log(`seeds ${firstSeed} to ${firstSeed + HISTORIES - 1}`);
    const seen = new Set<string>();
    let played = 0;
    for await (const history of readHistories(firstSeed, HISTORIES, CALLS)) {
      expect(replayInWasm(history)).toBeNull();
      expect(history.calls).toHaveLength(CALLS);
      for (const { call, result } of history.calls) seen.add(`${call} ${result.slice(0, 2)}`);
      played += 1;
    }
    expect(played).toBe(HISTORIES);
    expect(seen.size, `16 calls, each accepted and refused: ${[...seen].toSorted().join(", ")}`).toBe(32);
  },
  TIMEOUT_MS,
);

test.skipIf(!hasCargo())(
  "a replay notices a different answer, and a different state",
  async () => {
    let history: History | null = null;
    for await (const each of readHistories(7, 1, 60)) history = each;
    if (history === null) throw new Error("no history came");
    expect(replayInWasm(history)).toBeNull();
    const last = history.calls.findLastIndex((entry) => entry.sha256 !== undefined);
    const changed = (change: object): History => ({
      head: history.head,
      calls: history.calls.map((entry, index) => (index === last ? { ...entry, ...change } : entry)),
    });
    expect(replayInWasm(changed({ sha256: "00".repeat(32) }))).toContain("the states differ");
    expect(replayInWasm(changed({ result: "err:1" }))).toContain("native err:1, wasm ok:");
  },
  TIMEOUT_MS,
);
