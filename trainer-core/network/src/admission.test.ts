import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Admission } from "./admission.ts";
import type { Socket } from "./guardedTransport.ts";
import { LimitReports } from "./limitReports.ts";
import { connectionLimits } from "./limits.ts";
import { TrafficLedger } from "./traffic.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A socket that says nothing, of one host. */
function socket(port: number, closes = true): Socket & { destroyed: boolean } {
  let onClose = (): void => {};
  return {
    remoteAddress: "10.0.0.1",
    remotePort: port,
    destroyed: false,
    destroy() {
      this.destroyed = true;
      if (closes) onClose();
    },
    once: (_event, listener) => (onClose = listener),
  };
}

test("a socket without a handshake is closed after a while, and leaves its place, even if it was closed before", () => {
  const hits: string[] = [];
  const reports = new LimitReports(({ limit }) => hits.push(limit));
  const admission = new Admission({ traffic: new TrafficLedger(), reports, isNamed: () => false, now: () => 0 });
  const perHost = connectionLimits.upgradesPerHost.value;
  for (const closes of [true, false, true]) {
    const sockets = Array.from({ length: perHost }, (_, port) => socket(port, closes));
    for (const each of sockets) admission.arrived(each);
    expect(sockets.some(({ destroyed }) => destroyed)).toBe(false);
    vi.advanceTimersByTime(connectionLimits.upgradeMs.value);
    expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
  }
  expect(hits).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  const [first, ...others] = Array.from({ length: perHost + 1 }, (_, port) => socket(port));
  for (const each of [first, ...others]) admission.arrived(each);
  expect([first.destroyed, others.some(({ destroyed }) => destroyed)]).toEqual([true, false]);
  expect(hits).toEqual(["upgrades-per-host"]);
});
