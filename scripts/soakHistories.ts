/**
 * `npm run soak -- --histories N`: random histories of the machine, native against wasm, byte for byte after every call; with
 * `--on-chain` against the deployed program in LiteSVM.
 */
import { replayChain, replayInProgram } from "../coordinator/programs/test/historyReplay.ts";
import { type History, hasCargo, readHistories, replayInWasm } from "../coordinator/sdk/src/testHistories.node.ts";

const callsOfHistory = 250;
const progressMs = 10_000;
/** A chain keeps every member that a history made. */
const historiesOfChain = 50;

/** 0, or 1 at the first history that differs: its seed, its call and the answers are printed. */
export async function soakHistories(firstSeed: number, histories: number, onChain: boolean): Promise<number> {
  if (!hasCargo()) {
    console.error("histories come from the native machine, and there is no cargo here; install Rust (rustup or apt)");
    return 1;
  }
  let played = 0;
  let refused = 0;
  let chain = onChain ? replayChain() : null;
  const replay = (history: History): string | null => {
    if (chain === null) return replayInWasm(history);
    if (played % historiesOfChain === historiesOfChain - 1) chain = replayChain();
    return replayInProgram(history, chain);
  };
  const report = (): void =>
    console.log(`${played} of ${histories} histories, ${played * callsOfHistory} calls, ${refused} of them refused`);
  const progress = setInterval(report, progressMs);
  try {
    for await (const history of readHistories(firstSeed, histories, callsOfHistory)) {
      const difference = replay(history);
      if (difference !== null) {
        console.log(`${difference}\nreplay: npm run soak -- --histories 1 --seed ${history.head.seed}${onChain ? " --on-chain" : ""}`);
        return 1;
      }
      played += 1;
      refused += history.calls.filter((entry) => entry.sha256 === undefined).length;
    }
  } finally {
    clearInterval(progress);
  }
  report();
  return 0;
}
