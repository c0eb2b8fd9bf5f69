/** `npm run soak -- --histories N`: random histories of the machine, native against wasm, byte for byte after every call. */
import { hasCargo, readHistories, replayInWasm } from "../coordinator/sdk/src/testHistories.node.ts";

const callsOfHistory = 250;
const progressMs = 10_000;

/** 0, or 1 at the first history that differs: its seed, its call and the answers are printed. */
export async function soakHistories(firstSeed: number, histories: number): Promise<number> {
  if (!hasCargo()) {
    console.error("histories come from the native machine, and there is no cargo here; install Rust (rustup or apt)");
    return 1;
  }
  let played = 0;
  let refused = 0;
  const report = (): void =>
    console.log(`${played} of ${histories} histories, ${played * callsOfHistory} calls, ${refused} of them refused`);
  const progress = setInterval(report, progressMs);
  try {
    for await (const history of readHistories(firstSeed, histories, callsOfHistory)) {
      const difference = replayInWasm(history);
      if (difference !== null) {
        console.log(`${difference}\nreplay: npm run soak -- --histories 1 --seed ${history.head.seed}`);
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
