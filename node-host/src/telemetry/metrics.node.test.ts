import { createServer, type AddressInfo } from "node:net";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { PANELS } from "./dashboard.ts";
import { METRICS } from "./metricTable.ts";
import { Metrics, UP } from "./metrics.ts";
import { MetricsExporter } from "./telemetry.ts";

const phase = (step: number, runState: "RoundTrain" | "RoundWitness" | "Cooldown" = "RoundTrain"): HostEvent => ({
  type: "phase",
  runState,
  epoch: 1,
  step,
  round: step,
  epochRounds: 10,
  live: 3,
  pending: 4,
  wanted: 2,
  startedAtMs: 0,
  endsAtMs: null,
  roundTokens: 600,
});
const trained = (loss: number | null): HostEvent => ({
  type: "round",
  event: { type: "trained", step: 1, loss, tokens: 200, trainMs: 1500, payloadBytes: 10 },
});

/** The sample of exactly this series, null when there is none. */
async function sample(metrics: Metrics, series: string): Promise<number | null> {
  const line = (await metrics.text()).split("\n").find((l) => l.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

describe("the metric table", () => {
  it("keeps Prometheus' rules: names once, base units, counters in _total", () => {
    const names = METRICS.map((m) => m.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help, labels = [] } of METRICS) {
      expect(name).toMatch(/^starling_[a-z0-9]+(_[a-z0-9]+)*$/);
      expect(name.endsWith("_total")).toBe(type === "counter" || type === "total");
      expect(name).not.toMatch(/(_ms|_milliseconds|_mib|_minutes)/);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });

  it("is all that the dashboard asks for", () => {
    const series = new Set<string>([UP.name]);
    for (const { name, type } of METRICS) {
      series.add(name);
      if (type === "histogram") for (const end of ["_bucket", "_sum", "_count"]) series.add(name + end);
    }
    const asked = PANELS.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)));
    expect(asked.length).toBeGreaterThan(30);
    for (const expr of asked) {
      const used = expr.match(/starling_[a-z0-9_]+/g) ?? [];
      expect(used).not.toEqual([]);
      for (const name of used) expect([...series]).toContain(name);
    }
  });
});

describe("Metrics", () => {
  it("follows the run and counts what was trained, by node", async () => {
    const metrics = new Metrics();
    metrics.observe("a", phase(1), 1_000);
    metrics.observe("a", phase(1, "RoundWitness"), 2_500);
    metrics.observe("a", phase(2), 3_000);
    metrics.observe("b", phase(2), 3_000);
    metrics.observe("a", trained(2.5));
    metrics.observe("a", trained(null));
    expect(await sample(metrics, 'starling_phase{node="a",state="RoundTrain"}')).toBe(1);
    expect(await sample(metrics, 'starling_phase{node="a",state="RoundWitness"}')).toBe(0);
    expect(await sample(metrics, 'starling_rounds_total{node="a"}')).toBe(1);
    expect(await sample(metrics, 'starling_rounds_total{node="b"}')).toBeNull();
    expect(await sample(metrics, 'starling_round_seconds_sum{node="a"}')).toBe(2);
    expect(await sample(metrics, 'starling_tokens_per_second{node="a"}')).toBe(300);
    expect(await sample(metrics, 'starling_tokens_total{node="a"}')).toBe(400);
    expect(await sample(metrics, 'starling_loss{node="a"}')).toBe(2.5); // a batch without a loss leaves the last one
    expect(await sample(metrics, 'starling_train_seconds_count{node="a"}')).toBe(2);
    expect(await sample(metrics, 'starling_members{node="b"}')).toBe(4);
  });

  it("does not count rounds that it did not see, nor a pause as a round", async () => {
    const metrics = new Metrics();
    metrics.observe("a", phase(1), 1_000);
    metrics.observe("a", phase(5), 9_000);
    metrics.observe("a", phase(6, "Cooldown"), 9_500);
    metrics.observe("a", phase(6), 60_000);
    metrics.observe("a", phase(7), 61_000);
    expect(await sample(metrics, 'starling_round_seconds_count{node="a"}')).toBe(2);
    expect(await sample(metrics, 'starling_round_seconds_sum{node="a"}')).toBe(1.5);
  });

  it("adds up traffic over reconnections, and forgets peers that are gone", async () => {
    const metrics = new Metrics();
    const traffic = (peers: Record<string, number>): HostEvent => ({
      type: "traffic",
      peers: Object.entries(peers).map(([peer, bytes]) => ({ peer, receivedBytes: bytes, sentBytes: 1, rttMs: 2 })),
    });
    const received = (peer: string) => sample(metrics, `starling_peer_received_bytes_total{node="a",peer="${peer}"}`);
    metrics.observe("a", traffic({ x: 100, y: 5 }));
    metrics.observe("a", traffic({ x: 250 }));
    expect(await received("x")).toBe(250);
    expect(await received("y")).toBeNull();
    metrics.observe("a", traffic({ x: 30 })); // connected again
    expect(await received("x")).toBe(280);
    for (let n = 0; n < 3000; n++) metrics.observe("a", { type: "limit", limit: `made-up-${n}`, who: "x", count: 1 });
    const series = (await metrics.text()).split("\n").filter((l) => l.startsWith("starling_limits_hit_total{"));
    expect(series.length).toBe(1024);
  });

  it("sorts failures by what failed, without steps and batches in labels", async () => {
    const metrics = new Metrics();
    const failed = (action: string): HostEvent => ({ type: "round", event: { type: "error", action, message: "no" } });
    for (const action of [
      "coordinator: witness",
      "coordinator: witness",
      "join",
      "save the checkpoint",
      "fetch a result of step 12",
      "fetch a result of step 13",
    ]) {
      metrics.observe("a", failed(action));
    }
    expect(await sample(metrics, 'starling_coordinator_calls_failed_total{node="a",call="witness"}')).toBe(2);
    expect(await sample(metrics, 'starling_coordinator_calls_failed_total{node="a",call="join"}')).toBe(1);
    expect(await sample(metrics, 'starling_checkpoints_failed_total{node="a"}')).toBe(1);
    expect(await sample(metrics, 'starling_errors_total{node="a",action="fetch a result of step N"}')).toBe(2);
  });

  it("tells which nodes are up", async () => {
    const metrics = new Metrics();
    metrics.observe("a", phase(1));
    metrics.observe("b", phase(1));
    metrics.observe("a", { type: "stopped", reason: "SIGINT" });
    metrics.down("c");
    expect(await Promise.all(["a", "b", "c"].map((node) => sample(metrics, `starling_up{node="${node}"}`)))).toEqual([0, 1, 0]);
  });
});

describe("MetricsExporter", () => {
  const open: MetricsExporter[] = [];
  afterEach(async () => {
    for (const exporter of open.splice(0)) await exporter.close();
  });
  const start = async (port = 0) => {
    const said: HostEvent[] = [];
    const exporter = new MetricsExporter(port, "127.0.0.1", (event) => said.push(event));
    open.push(exporter);
    return { exporter, said, url: await exporter.url() };
  };

  it("serves all nodes' metrics and health, and nothing else", async () => {
    const { exporter, url, said } = await start();
    expect(said).toEqual([{ type: "metrics", url }]);
    exporter.observe("a", phase(1));
    exporter.observe("b", phase(1));
    const scraped = await fetch(url!);
    expect(scraped.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await scraped.text()).toMatch(/^# TYPE starling_step gauge\nstarling_step\{node="a"\} 1\nstarling_step\{node="b"\} 1$/m);
    const base = url!.replace(/\/metrics$/, "");
    const healthy = await fetch(`${base}/healthz`);
    expect([healthy.status, await healthy.json()]).toMatchObject([200, { ok: true, nodes: { a: { ok: true, step: 1 } } }]);
    exporter.down("b");
    const sick = await fetch(`${base}/healthz`);
    expect([sick.status, await sick.json()]).toMatchObject([
      503,
      { ok: false, nodes: { a: { ok: true }, b: { ok: false, reason: expect.stringContaining("ended") } } },
    ]);
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(url!, { method: "POST" })).status).toBe(405);
  });

  it("says that its port is taken, and takes events all the same", async () => {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, "127.0.0.1", done));
    const { port } = holder.address() as AddressInfo;
    const { exporter, said, url } = await start(port);
    expect(url).toBeNull();
    expect(said).toMatchObject([
      { type: "warning", message: expect.stringContaining(`--metrics-local-port ${port} on 127.0.0.1 is in use`) },
    ]);
    exporter.observe("a", phase(1));
    await new Promise((done) => holder.close(done));
  });

  it("closes although a scraper hangs on", async () => {
    const { exporter, url } = await start();
    const socket = connect(Number(new URL(url!).port), "127.0.0.1");
    await new Promise((done) => socket.once("connect", done));
    const closed = new Promise((done) => socket.once("close", done));
    await exporter.close();
    open.length = 0;
    await closed;
  });
});
