import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HostEvent } from "../../events.ts";
import { timelineHtml } from "./html.ts";
import { timelineJson } from "./json.ts";
import { timelineText } from "./text.ts";
import { buildTimeline, median, type Timeline } from "./timeline.ts";

const START_MS = Date.parse("2026-11-21T12:00:00Z");
const ROUND_MS = 1_000;
const ROUNDS = 20;
/** this round takes four times as long, because of client-2 */
const SLOW_STEP = 8;
/** client-2's clock is ahead */
const AHEAD_MS = 90_000;
/** client-1 is killed in this round and trains again five later */
const KILLED_STEP = 12;
/** client-3 stands still after this one */
const FROZEN_STEP = 15;

type Written = HostEvent & { atMs: number };

/** A node's file; `seq` as the writer gives it. */
function write(folder: string, node: string, events: readonly Written[], startMs = START_MS, extra = ""): void {
  mkdirSync(join(folder, node), { recursive: true });
  const lines = events.map((event, i) => `${JSON.stringify({ ...event, seq: i + 1, node })}\n`);
  writeFileSync(join(folder, node, `events-${startMs}-1.jsonl`), lines.join("") + extra);
}

const roundStart = (step: number) => START_MS + 5_000 + (step - 1) * ROUND_MS + (step > SLOW_STEP ? 3 * ROUND_MS : 0);

function phases(offsetMs: number, from = 1, to = ROUNDS): Written[] {
  const phase = (step: number, runState: "RoundTrain" | "RoundWitness" | "Cooldown", atMs: number): Written => ({
    atMs: atMs + offsetMs,
    type: "phase",
    runState,
    epoch: step > 10 ? 1 : 0,
    step,
    round: step,
    epochRounds: 10,
    live: 3,
    pending: 3,
    wanted: 3,
    startedAtMs: atMs,
    endsAtMs: null,
    roundTokens: 300,
  });
  const out: Written[] = [];
  for (let step = from; step <= to; step++) {
    out.push(phase(step, "RoundTrain", roundStart(step)), phase(step, "RoundWitness", roundStart(step + 1) - 200));
  }
  return [...out, phase(to + 1, "Cooldown", roundStart(to + 1))];
}

function trains(offsetMs: number, step: number, lateMs = 0): Written[] {
  const at = (ms: number) => ({ atMs: roundStart(step) + offsetMs + ms, type: "round" as const });
  return [
    { ...at(10), event: { type: "roundBegan", step, appliedStep: step - 2, batches: [0, 1, 2], learningRate: 0.1 } },
    { ...at(300 + lateMs), event: { type: "trained", step, loss: 5 - step / 10, tokens: 100, trainMs: 250, payloadBytes: 9 } },
    { ...at(320 + lateMs), event: { type: "announced", step, batch: 0, commitment: "c" } },
    { ...at(600 + lateMs), event: { type: "witnessSent", step, batches: 3, assigned: 3, listRoot: "r", parameterHash: null } },
    { ...at(700 + lateMs), event: { type: "parameterHash", step, parameterHash: `hash-of-${step}` } },
  ];
}

const inOrder = (events: Written[]): Written[] => events.sort((a, b) => a.atMs - b.atMs);

function client(offsetMs: number, { lateIn = 0, from = 1, to = ROUNDS }: { lateIn?: number; from?: number; to?: number }): Written[] {
  const events = phases(offsetMs, from, to);
  for (let step = from; step <= to; step++) events.push(...trains(offsetMs, step, step === lateIn ? 3_000 : 0));
  for (let ms = roundStart(from); ms < roundStart(to + 1); ms += 2_000) events.push({ atMs: ms + offsetMs, type: "peers", connected: 2 });
  return inOrder(events);
}

describe("timeline", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-timeline-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A coordinator and three clients on three machines, with one of each trouble. */
  async function night(): Promise<Timeline> {
    write(folder, "server", [{ atMs: START_MS, type: "listening", peerId: "p", multiaddrs: [], runId: "night" }, ...phases(0)]);
    const killedMs = roundStart(KILLED_STEP) + 100;
    write(
      folder,
      "client-1",
      client(0, {}).filter((e) => e.atMs < killedMs),
      START_MS,
      '{"atMs":1,"seq":',
    );
    write(
      folder,
      "client-1",
      [
        { atMs: killedMs + 2_000, type: "starting", peerId: "q", multiaddrs: [], runId: "night", parameters: 1 },
        { atMs: killedMs + 2_500, type: "warning", message: "peer 0123456789abcdef is away since 12 s" },
        { atMs: killedMs + 2_600, type: "warning", message: "peer fedcba9876543210 is away since 13 s" },
        { atMs: roundStart(KILLED_STEP + 3), type: "round", event: { type: "replay", fromStep: 13, toStep: 15 } },
        { atMs: roundStart(KILLED_STEP + 4), type: "round", event: { type: "caughtUp", step: 16 } },
        ...client(0, { from: KILLED_STEP + 5 }),
      ],
      killedMs + 2_000,
    );
    write(folder, "client-2", client(AHEAD_MS, { lateIn: SLOW_STEP }));
    const frozenMs = roundStart(FROZEN_STEP);
    write(folder, "client-3", [
      ...client(0, {}).filter((e) => e.atMs < frozenMs),
      { atMs: frozenMs + 30_000, type: "round", event: { type: "stranded", epoch: 1, reason: "missed the records of 3 rounds" } },
      { atMs: frozenMs + 30_500, type: "round", event: { type: "parameterHash", step: 3, parameterHash: "another" } },
    ]);
    return (await buildTimeline({ directories: [folder] }))!;
  }

  const sentences = (timeline: Timeline, kind: string) => timeline.findings.filter((f) => f.kind === kind).map((f) => f.sentence);

  it("puts all nodes on the coordinator's clock", async () => {
    const timeline = await night();
    expect(timeline).toMatchObject({ runId: "night", reference: "server" });
    expect(timeline.nodes.map((n) => [n.node, n.clockOffsetMs])).toEqual([
      ["server", 0],
      ["client-1", 0],
      ["client-2", AHEAD_MS],
      ["client-3", 0],
    ]);
    expect(timeline.nodes[2].rounds.get(3)!.trainPhaseMs).toBe(roundStart(3));
    expect(sentences(timeline, "clock")).toEqual(["the clock of client-2 is 1 min 30 s ahead of that of server; aligned here"]);
  });

  it("names the slow round and who was late, deaths and returns, silence, replays, different parameters, warnings by kind, damage", async () => {
    const timeline = await night();
    expect(timeline.rounds).toHaveLength(ROUNDS);
    expect(timeline.medianRoundMs).toBe(ROUND_MS);
    expect(sentences(timeline, "slow-round")).toEqual([
      `step ${SLOW_STEP} (epoch 0) took 4.0 s, 4.0 times the median: client-2 had its result only after 3.3 s`,
    ]);
    expect(sentences(timeline, "node")).toEqual([
      `client-1 was down for 2.1 s, and trained again at step ${KILLED_STEP + 5}, 3.2 s after its start`,
      expect.stringMatching(/^client-3 stood still for 3[01]\.\d s$/),
      "client-1 replayed for 1.0 s: steps 13 to 15",
      "client-3 waited for an epoch: missed the records of 3 rounds",
    ]);
    expect(sentences(timeline, "hash")).toEqual(["step 3: different parameters: client-1, client-2 had hash-of-; client-3 had another"]);
    expect(sentences(timeline, "trouble")).toEqual(["client-1: 2 times warning: peer 0123456789abcdef is away since 12 s"]);
    expect(sentences(timeline, "files")).toEqual(["1 damaged line was skipped"]);
  });

  it("draws a line a node", async () => {
    const lines = timelineText(await night(), 100).split("\n");
    const row = (name: string) => lines.find((l) => l.startsWith(`${name} `))!.slice("client-1  ".length);
    expect(row("client-2")).toBe("███████▓████████████");
    expect(row("client-1")).toBe("███████████xxxr ████");
    expect(row("client-3")).toBe("██████████████zzzzzz");
    expect(row("length").length).toBe(ROUNDS);
    expect(lines.find((l) => l.startsWith("epoch"))).toBe("epoch     0         1");
    // 20 rounds into 12 columns: the worst of each is shown
    expect(
      timelineText(await night(), 22)
        .split("\n")
        .find((l) => l.startsWith("client-2 ")),
    ).toContain("▓");
  });

  it("shows a part, and chosen nodes", async () => {
    await night();
    const part = (await buildTimeline({
      directories: [folder],
      from: "6",
      to: new Date(roundStart(5) + 10).toISOString(),
      nodes: ["server", "client-2"],
    }))!;
    expect(part.nodes.map((n) => n.node)).toEqual(["server", "client-2"]);
    expect(part.rounds.map((r) => r.step)).toEqual([1, 2, 3, 4, 5]);
    expect(await buildTimeline({ directories: [folder], nodes: ["nobody"] })).toBeNull();
    await expect(buildTimeline({ directories: [join(folder, "gone")] })).rejects.toThrow(/ENOENT/);
  });

  it("is plain JSON, and a page that carries it and asks for nothing else", async () => {
    const timeline = await night();
    timeline.runId = "</script><b>";
    const json = timelineJson(timeline);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json.rounds[SLOW_STEP - 1]).toMatchObject({ step: SLOW_STEP, lengthMs: 4 * ROUND_MS, tokens: 300 });
    expect(json.rounds[0].nodes.find((n) => n.node === "client-2")).toMatchObject({
      beganMs: 10,
      trainedMs: 300,
      trainMs: 250,
      behindMs: null,
    });
    const page = timelineHtml(timeline);
    expect(page).not.toMatch(/https?:\/\/|<link|src=/);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    const inside = /id="data">([\s\S]*?)<\/script>/.exec(page)![1];
    expect(JSON.parse(inside).rounds).toHaveLength(ROUNDS);
  });

  it("has a median of nothing", () => {
    expect([median([]), median([3]), median([4, 1]), median([5, 1, 3])]).toEqual([NaN, 3, 2.5, 3]);
  });
});
