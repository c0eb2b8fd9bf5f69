import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FromWatcher, HistoryPoint, RunKey, RunView, ToWatcher } from "./protocol.ts";
import { WatchClient, type WatchPort } from "./watchClient.ts";

class Port implements WatchPort {
  static made: Port[] = [];
  readonly told: ToWatcher[] = [];
  isEnded = false;
  onmessage: WatchPort["onmessage"] = null;
  onerror: WatchPort["onerror"] = null;
  constructor() {
    Port.made.push(this);
  }
  postMessage(message: ToWatcher): void {
    this.told.push(message);
  }
  terminate(): void {
    this.isEnded = true;
  }
  say(message: FromWatcher): void {
    this.onmessage?.({ data: message });
  }
}

const key: RunKey = { source: "localnet", runId: "a" };
const point = (step: number, loss = 1): HistoryPoint => ({
  ...{
    step,
    epoch: null,
    atMs: step * 1_000,
    loss,
    tokensPerSecond: null,
    learningRate: null,
    witnesses: 1,
    signature: null,
    sampleText: null,
  },
});
const info = { isWhole: false, isLoading: false, checked: "", believed: "", text: null };
const make = (): WatchClient => new WatchClient({ clusters: [], coordinators: [] }, () => new Port());

beforeEach(() => {
  vi.useFakeTimers();
  Port.made = [];
});
afterEach(() => void vi.useRealTimers());

test("one Worker while anybody looks, and none a while after", () => {
  const client = make();
  const stops = [client.follow(key, () => {}), client.follow(key, () => {}), client.followList(() => {})];
  expect(Port.made).toHaveLength(1);
  const [port] = Port.made;
  expect(port!.told.map(({ type }) => type)).toEqual(["start", "follow", "list"]);
  stops[0]!();
  expect(port!.told).toHaveLength(3);
  stops[1]!();
  stops[2]!();
  expect(port!.told.map(({ type }) => type)).toEqual(["start", "follow", "list", "unfollow", "unlist"]);
  vi.advanceTimersByTime(5_000);
  // the next page comes in time
  const stop = client.followList(() => {});
  vi.advanceTimersByTime(60_000);
  expect(port!.isEnded).toBe(false);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(port!.isEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("history is put together from what is told, and each change is a new state", () => {
  const client = make();
  const changed = vi.fn();
  client.follow(key, changed);
  const before = client.run(key);
  const [port] = Port.made;
  port!.say({ type: "history", key, isWhole: true, points: [point(1), point(2)], info, transactions: [] });
  port!.say({ type: "history", key, isWhole: false, points: [point(2, 9), point(3)], info, transactions: [] });
  expect(client.run(key).points.map(({ step, loss }) => [step, loss])).toEqual([
    [1, 1],
    [2, 9],
    [3, 1],
  ]);
  expect(client.run(key)).not.toBe(before);
  expect(changed).toHaveBeenCalledTimes(2);
  const points = client.run(key).points;
  port!.say({ type: "history", key, isWhole: false, points: [], info, transactions: [] });
  // charts are not drawn again for nothing
  expect(client.run(key).points).toBe(points);
  // what came before is void
  port!.say({ type: "history", key, isWhole: true, points: [point(7)], info, transactions: [] });
  expect(client.run(key).points.map(({ step }) => step)).toEqual([7]);
});

test("a message about a run that nobody follows any more is no matter", () => {
  const client = make();
  client.follow(key, () => {})();
  Port.made[0]!.say({ type: "run", key, view: null, isSameConfig: false, connection: { kind: "live", text: null } });
  expect(client.run(key).connection.kind).toBe("connecting");
});

test("a Worker that fails is said to be out of date, and replaced; what was known stays", () => {
  const client = make();
  client.follow(key, () => {});
  client.followList(() => {});
  Port.made[0]!.say({ type: "runs", source: "localnet", runs: [], connection: { kind: "live", text: null } });
  Port.made[0]!.say({ type: "history", key, isWhole: true, points: [point(1)], info, transactions: [] });
  Port.made[0]!.onerror?.({ message: "out of memory" });
  expect(Port.made[0]!.isEnded).toBe(true);
  expect(client.run(key).connection).toMatchObject({ kind: "stale", text: expect.stringContaining("out of memory") });
  expect(client.list().connections.get("localnet")?.kind).toBe("stale");
  expect(client.run(key).points).toHaveLength(1);
  vi.advanceTimersByTime(5_000);
  expect(Port.made).toHaveLength(2);
  expect(Port.made[1]!.told.map(({ type }) => type)).toEqual(["start", "follow", "list"]);
});

test("what is wanted between a failure and the next Worker does not make it forget the rest", () => {
  const client = make();
  client.follow(key, () => {});
  Port.made[0]!.onerror?.({ message: "out of memory" });
  const other = { ...key, runId: "another" };
  client.follow(other, () => {});
  expect(Port.made).toHaveLength(2);
  vi.advanceTimersByTime(5_000);
  expect(Port.made).toHaveLength(2);
  expect(Port.made[1]!.told).toContainEqual({ type: "follow", key });
  expect(Port.made[1]!.told).toContainEqual({ type: "follow", key: other });
});

test("a configuration that did not change is not told again, and is the same object for who renders it", () => {
  const client = make();
  client.follow(key, () => {});
  const config = { toml: "a = 1", problem: null, model: null, groups: [] };
  const view = (step: number, own: typeof config | null) => ({ step, config: own }) as unknown as RunView;
  const connection = { kind: "live", text: null } as const;
  Port.made[0]!.say({ type: "run", key, view: view(1, config), isSameConfig: false, connection });
  Port.made[0]!.say({ type: "run", key, view: view(2, null), isSameConfig: true, connection });
  expect(client.run(key).view).toMatchObject({ step: 2 });
  expect(client.run(key).view!.config).toBe(config);
  Port.made[0]!.say({ type: "run", key, view: view(3, null), isSameConfig: false, connection });
  expect(client.run(key).view!.config).toBeNull();
});
