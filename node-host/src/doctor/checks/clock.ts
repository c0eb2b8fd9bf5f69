/** This machine's clock: against the coordinator's, and whether it jumps. */
import { fail, ok, warn, type Check } from "../check.ts";
import type { Contact } from "../contact.ts";

/** The coordinator refuses signed requests of a clock further off (ReplayGuard of @starling/network). */
const REFUSED_MS = 300_000;
const WORTH_SAYING_MS = 2_000;
const WATCHED_MS = 500;
/** The clock may be slewed by 500 ppm, and a busy machine is late: more than this is a jump. */
const JUMP_MS = 50;

const SET = "Set the clock, and keep it set (timedatectl set-ntp true, or chrony).";

export function clock(contact: (signal: AbortSignal) => Promise<Contact | null>, nowMs: () => number = Date.now): Check {
  return {
    id: "clock",
    title: "Clock",
    timeoutMs: 30_000,
    run: async (signal) => {
      const jumpMs = await watchJump(nowMs);
      const jumped = Math.abs(jumpMs) > JUMP_MS ? `it jumped by ${Math.round(jumpMs)} ms within ${WATCHED_MS / 1000} s` : null;
      const found = await contact(signal).catch(() => null);
      const offsetMs = found?.clockOffsetMs ?? null;
      const now = new Date(nowMs()).toISOString();
      if (offsetMs === null)
        return jumped ? warn(`${now}; ${jumped}`, SET) : ok(`${now}, steady; there is no coordinator's to compare it with`);
      const off = `${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${offsetMs > 0 ? "ahead of" : "behind"} the coordinator's`;
      if (Math.abs(offsetMs) > REFUSED_MS) return fail(off, `${SET} Beyond ${REFUSED_MS / 1000} s the coordinator refuses every request.`);
      if (Math.abs(offsetMs) > WORTH_SAYING_MS) return warn(off, SET);
      if (jumped) return warn(`${off}; ${jumped}`, SET);
      return ok(off);
    },
  };
}

/** How far the clock of the day moved against the one that only goes forward, ms. */
async function watchJump(nowMs: () => number): Promise<number> {
  const [wall, steady] = [nowMs(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
  return nowMs() - wall - (performance.now() - steady);
}
