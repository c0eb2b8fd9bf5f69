import type { ClusterStatus } from "@starling/sdk/solana/clusterClient";
import { expect, test } from "vitest";
import { connectionOf } from "./clusterLink.ts";

const URLS = ["http://one.example/KEY", "http://two.example/KEY"];
const well: ClusterStatus = { url: URLS[0]!, isPrimary: true, reason: null, websocketsOpen: 1, websockets: 1, websocketReasons: [] };

test("all is well", () => expect(connectionOf(well, URLS, 5)).toEqual({ kind: "live", text: null }));

test("nothing was heard yet", () => expect(connectionOf(well, URLS, null)).toMatchObject({ kind: "connecting", isFailing: false }));

test("everything is gone: out of date since the last word, or failing where there was none", () => {
  const gone: ClusterStatus = { ...well, url: null, reason: "one.example cannot be asked", websocketsOpen: 0 };
  expect(connectionOf(gone, URLS, 5)).toMatchObject({ kind: "stale", sinceMs: 5, text: expect.stringContaining("one.example") });
  expect(connectionOf(gone, URLS, null)).toMatchObject({ kind: "connecting", isFailing: true });
});

test("what is made up for is said, and no provider's key with it", () => {
  const cases: ClusterStatus[] = [
    { ...well, url: null, reason: "one.example answers HTTP 500" },
    { ...well, url: URLS[1]!, isPrimary: false, reason: "one.example answers HTTP 500" },
    { ...well, websocketsOpen: 0, websocketReasons: ["one.example hung up"] },
  ];
  for (const status of cases) {
    const connection = connectionOf(status, URLS, 5);
    expect(connection.kind).toBe("live");
    expect(connection.text).toMatch(/one\.example/);
    expect(connection.text).not.toContain("KEY");
  }
});

test("a websocket that is only just opening is no news", () => {
  expect(connectionOf({ ...well, websocketsOpen: 0, websocketReasons: ["not yet open"] }, URLS, 5)).toEqual({ kind: "live", text: null });
});
