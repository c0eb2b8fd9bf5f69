/** What the page sees of its computer and a Worker cannot: whether somebody looks, and where the current comes from. */
import type { Conditions } from "../worker/protocol.ts";

type Seen = Omit<Conditions, "paused">;

interface Battery extends EventTarget {
  readonly charging: boolean;
}

/** Only browsers on Chromium's engine say. */
export const canSeeBattery = "getBattery" in navigator;

async function battery(): Promise<Battery | null> {
  try {
    return canSeeBattery ? await (navigator as unknown as { getBattery(): Promise<Battery> }).getBattery() : null;
  } catch {
    return null; // a policy of the page's host forbids it
  }
}

export async function readConditions(): Promise<Seen> {
  return { hidden: document.hidden, pluggedIn: (await battery())?.charging ?? null };
}

/** Tells every change; returns how to stop. */
export function watchConditions(tell: (seen: Seen) => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const look = (): void => {
    void readConditions().then((seen) => {
      if (!signal.aborted) tell(seen);
    });
  };
  document.addEventListener("visibilitychange", look, { signal });
  void battery().then((found) => found?.addEventListener("chargingchange", look, { signal }));
  return () => ending.abort();
}
