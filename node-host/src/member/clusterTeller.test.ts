import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ClusterStatus } from "@starling/sdk/solana/clusterClient";
import type { HostEvent } from "../events.ts";
import { clusterTeller } from "./clusterTeller.ts";

const well: ClusterStatus = {
  ...{ url: "http://a.example:8899/secret", isPrimary: true, reason: null },
  ...{ websocketsOpen: 2, websockets: 2, websocketReasons: [] },
};
const gone: ClusterStatus = { ...well, url: null, reason: "connection refused" };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("says what lasts, once, and that it is over; not what passes", () => {
  const heard: string[] = [];
  const { tell, stop } = clusterTeller((event: HostEvent) => heard.push(event.type === "warning" ? event.message : event.type));
  tell(well);
  tell(gone);
  vi.advanceTimersByTime(3_000);
  tell(well);
  vi.advanceTimersByTime(60_000);
  expect(heard).toEqual([]);

  tell(gone);
  vi.advanceTimersByTime(6_000);
  tell({ ...gone, reason: "connection refused" });
  vi.advanceTimersByTime(60_000);
  expect(heard).toEqual([expect.stringContaining("no RPC answers (connection refused)")]);

  tell({ ...well, isPrimary: false, reason: "time-out", url: "https://b.example/key-of-a-user" });
  vi.advanceTimersByTime(6_000);
  expect(heard[1]).toContain("goes on over b.example");
  expect(heard[1]).not.toContain("key-of-a-user");
  tell({ ...well, websocketsOpen: 0, websocketReasons: ["closed"] });
  vi.advanceTimersByTime(6_000);
  expect(heard[2]).toContain("no websocket is open (closed)");
  tell(well);
  vi.advanceTimersByTime(6_000);
  expect(heard[3]).toContain("answers again");

  for (let second = 0; second < 8; second++) {
    tell({ ...gone, reason: `the ${second}. reason` });
    vi.advanceTimersByTime(1_000);
  }
  expect(heard[4]).toContain("no RPC answers (the 4. reason)");
  tell(well);
  vi.advanceTimersByTime(6_000);
  expect(heard).toHaveLength(6);

  tell(gone);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(heard).toHaveLength(6);
});
