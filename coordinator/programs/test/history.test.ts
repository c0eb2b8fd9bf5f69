import { hasCargo, type History, readHistories } from "@starling/sdk/testHistories.node";
import { expect, test } from "vitest";
import { replayChain, replayInProgram } from "./historyReplay.ts";

/** `npm run soak -- --histories 10000 --on-chain` plays more of them; 500 take some four minutes of CPU. */
const HISTORIES = Number(process.env["STARLING_HISTORIES"] ?? 20);
const CALLS = 200;
const TIMEOUT_MS = 3_600_000;

test.skipIf(!hasCargo())(
  `${HISTORIES} random histories are the same, byte for byte, in the native machine and in the deployed program`,
  async () => {
    const firstSeed = Number(process.env["STARLING_SEED"] ?? 1 + Math.floor(Math.random() * 1_000_000_000));
    console.log(`seeds ${firstSeed} to ${firstSeed + HISTORIES - 1}`);
    const seen = new Set<string>();
    let played = 0;
    let chain = replayChain();
    for await (const history of readHistories(firstSeed, HISTORIES, CALLS)) {
      if (played % 50 === 49) chain = replayChain();
      expect(replayInProgram(history, chain)).toBeNull();
      for (const { call, result } of history.calls) seen.add(`${call} ${result.slice(0, 2)}`);
      played += 1;
    }
    expect(played).toBe(HISTORIES);
    expect(seen.size, [...seen].toSorted().join(", ")).toBeGreaterThanOrEqual(25); // of 16 calls, each accepted and refused
  },
  TIMEOUT_MS,
);

test.skipIf(!hasCargo())("a replay notices another state", async () => {
  let history: History | null = null;
  for await (const each of readHistories(7, 1, 40)) history = each;
  if (history === null) throw new Error("no history came");
  const last = history.calls.findLastIndex((entry) => entry.sha256 !== undefined);
  const calls = history.calls.map((entry, index) => (index === last ? { ...entry, sha256: "00".repeat(32) } : entry));
  expect(replayInProgram({ head: history.head, calls }, replayChain())).toContain("the states differ");
});
