import { describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { clientRows } from "./views/clients.ts";
import { freshModel, lossPoints, reduce, SERVER, speedOf, votesNow, type Model, type TuiInput, type ViewKind } from "./model.ts";

type RoundEvent = Extract<HostEvent, { type: "round" }>["event"];

/** Events at times, told one after the other. */
class Story {
  model: Model;
  atMs = 1_000_000;
  constructor(kind: ViewKind) {
    this.model = freshModel(kind);
  }
  tell(input: TuiInput): this {
    this.model = reduce(this.model, input);
    return this;
  }
  event(node: string, event: HostEvent): this {
    return this.tell({ type: "event", node, event, atMs: this.atMs });
  }
  round(node: string, event: RoundEvent): this {
    return this.event(node, { type: "round", event });
  }
  phase(runState: Extract<HostEvent, { type: "phase" }>["runState"], step: number, node = SERVER): this {
    return this.event(node, {
      type: "phase",
      runState,
      epoch: 1,
      step,
      round: step,
      epochRounds: 10,
      live: 3,
      pending: 3,
      wanted: 2,
      startedAtMs: this.atMs,
      endsAtMs: this.atMs + 20_000,
      roundTokens: 96,
    });
  }
  trained(node: string, step: number, loss: number | null, trainMs = 250): this {
    return this.round(node, { type: "trained", step, loss, tokens: 48, trainMs, payloadBytes: 9 });
  }
  after(ms: number): this {
    this.atMs += ms;
    return this;
  }
  process(node: string, state: "starting" | "ended" | "restarting", why: string | null = null): this {
    return this.tell({ type: "process", node, state, pid: 7, why, atMs: this.atMs });
  }
}

describe("the model of a testnet", () => {
  const twoRounds = () => {
    const story = new Story("testnet");
    story.phase("RoundTrain", 1).after(400).trained("client-1", 1, 5).trained("client-2", 1, 4).after(100).phase("RoundWitness", 1);
    return story.after(500).phase("RoundTrain", 2).after(400).trained("client-1", 2, 3).trained("client-2", 2, null).after(600);
  };

  it("takes the mean loss of a round's batches, also of the round under way", () => {
    const { model } = twoRounds();
    expect(lossPoints(model)).toEqual([
      { x: 1, y: 4.5 },
      { x: 2, y: 3 },
    ]);
    expect(model.tokens).toBe(4 * 48);
  });

  it("measures speed and efficiency between the beginnings of rounds", () => {
    const { model } = twoRounds().phase("Cooldown", 3);
    // both rounds took 1 s, 96 tokens were trained in each, in 250 ms
    expect(speedOf(model)).toMatchObject({ tokensPerSecond: 96, efficiency: 0.25, medianRoundMs: 1000, byRound: [96, 96] });
  });

  it("believes the coordinator's word on the phase, not a client's", () => {
    const story = new Story("testnet").phase("RoundTrain", 4).phase("Warmup", 2, "client-1");
    expect(story.model.phase?.runState).toBe("RoundTrain");
  });

  it("counts restarts, and forgets what the process before was doing", () => {
    const story = new Story("testnet").process("client-1", "starting");
    story.round("client-1", { type: "stranded", epoch: 1, reason: "it missed a record" }).trained("client-1", 3, 2.5);
    expect(story.model.nodes["client-1"]).toMatchObject({ restarts: 0, process: "running", lastLoss: 2.5 });
    story.process("client-1", "ended", "ended: SIGKILL");
    expect(story.model.nodes["client-1"]).toMatchObject({ process: "ended", stage: "ended: SIGKILL", health: "bad" });
    story.process("client-1", "starting");
    expect(story.model.nodes["client-1"]).toMatchObject({ restarts: 1, process: "running", stage: "starts", lastLoss: 2.5, step: 0 });
  });

  it("joins a client's process and its slot of the epoch by the peer's id", () => {
    const story = new Story("testnet").process("client-1", "starting").process("client-2", "starting");
    story.event("client-1", { type: "starting", peerId: "aaaaaaaa11", multiaddrs: [], runId: "test", parameters: 10 });
    const slot = { index: 0, roundsTrained: 3, missedRounds: 0, isWitness: true };
    story.event(SERVER, {
      type: "roster",
      epoch: 1,
      slots: [
        { ...slot, client: "aaaaaaaa", state: "Healthy" },
        { ...slot, client: "cccccccc", index: 1, state: "Dropped" },
      ],
      waiting: ["dddddddd"],
    });
    const rows = clientRows(story.phase("RoundTrain", 1).model);
    expect(rows.map(({ name }) => name)).toEqual(["client-1", "client-2", "cccccccc", "dddddddd"]);
    expect(rows[0]!.slot?.roundsTrained).toBe(3);
    expect(rows[3]!.waits).toBe(true);
    // between epochs nobody has a slot: a withdrawn one of the last epoch is no news
    expect(clientRows(story.phase("Paused", 1).model).every(({ slot }) => slot === null)).toBe(true);
  });

  it("shows votes only while they are those of the running round", () => {
    const votes: HostEvent = { type: "votes", step: 1, of: "results", reported: 1, elected: 3, quorum: 2, missing: ["aaaaaaaa"] };
    const story = new Story("testnet").phase("RoundTrain", 1).event(SERVER, votes);
    expect(votesNow(story.model)?.reported).toBe(1);
    expect(votesNow(story.phase("RoundTrain", 2).model)).toBeNull();
  });

  it("makes rates of a client's growing totals", () => {
    const total = (receivedBytes: number): HostEvent => ({
      type: "traffic",
      peers: [{ peer: "bbbbbbbb", receivedBytes, sentBytes: 0, rttMs: 3 }],
    });
    const story = new Story("testnet").event("client-1", total(1_000)).after(2_000).event("client-1", total(5_000));
    expect(story.model.nodes["client-1"]!.traffic[0]).toMatchObject({ receivedRate: 2_000, sentRate: 0, rttMs: 3 });
    // a new connection counts from zero: no negative rate
    story.after(2_000).event("client-1", total(10));
    expect(story.model.nodes["client-1"]!.traffic[0]!.receivedRate).toBe(0);
  });

  it("follows a model on its way until it is here", () => {
    const story = new Story("testnet").round("client-2", { type: "modelProgress", verifiedBytes: 10, sizeBytes: 100, providers: 2 });
    expect(story.model.nodes["client-2"]!.download).toMatchObject({ verifiedBytes: 10, startedAtMs: story.atMs });
    const began = story.atMs;
    story.after(1_000).round("client-2", { type: "modelProgress", verifiedBytes: 60, sizeBytes: 100, providers: 1 });
    expect(story.model.nodes["client-2"]!.download).toMatchObject({ verifiedBytes: 60, startedAtMs: began });
    story.round("client-2", { type: "modelReceived", parameterHash: "00", sizeBytes: 100 });
    expect(story.model.nodes["client-2"]!.download).toBeNull();
  });
});

describe("the model of a coordinator", () => {
  it("counts the tokens that a round is to train, and the time of rounds", () => {
    const story = new Story("server").phase("RoundTrain", 1).after(1_500).phase("RoundTrain", 2).after(500).phase("Paused", 3);
    expect(story.model.tokens).toBe(192);
    expect(story.model.roundSeconds.points).toEqual([
      { x: 1, y: 1.5 },
      { x: 2, y: 0.5 },
    ]);
  });
});

describe("what is kept", () => {
  it("is bounded, whatever the length of a run", () => {
    const story = new Story("testnet");
    for (let step = 1; step <= 5_000; step++) {
      story
        .phase("RoundTrain", step)
        .after(100)
        .trained("client-1", step, 5 / step);
      story.tell({ type: "line", level: step % 2 ? "warn" : "info", text: `line ${step}`, atMs: story.atMs });
      story.event("client-1", { type: "held-out", step, loss: step, perplexity: Math.exp(step), tokens: 1, parameterHash: "" });
    }
    const { model } = story;
    expect(model.log.length).toBe(1000);
    expect(model.log.at(-1)!.text).toBe("line 5000");
    expect(model.troubles.length).toBe(200);
    expect(model.rounds.length).toBe(64);
    expect(model.heldOut.length).toBe(512);
    expect(model.loss.points.length).toBeLessThan(1024);
    expect(lossPoints(model).at(-1)).toEqual({ x: 5000, y: 5 / 5000 });
    expect(lossPoints(model)[0]!.x).toBe(8); // the mean of the first eight
  });

  it("takes no control characters from anybody", () => {
    const story = new Story("client").tell({ type: "line", level: "info", text: "\u001b[2Ja\u0007b\u202e\tc\nd", atMs: 0 });
    expect(story.model.log[0]!.text).toBe("ab c\nd");
  });
});
