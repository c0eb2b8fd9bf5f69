import { beforeEach, describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { Tally } from "./tally.ts";

type Round = Extract<HostEvent, { type: "round" }>["event"];

describe("Tally", () => {
  let nowMs: number;
  let tally: Tally;
  const round = (client: string, event: Round) => tally.onClientEvent(client, { type: "round", event });
  const began = (client: string, step: number) =>
    round(client, { type: "roundBegan", step, appliedStep: null, batches: [], learningRate: 0 });
  const trained = (client: string, step: number, loss: number | null) =>
    round(client, { type: "trained", step, loss, tokens: 48, trainMs: 5, payloadBytes: 9 });
  const hash = (client: string, step: number, parameterHash: string) => round(client, { type: "parameterHash", step, parameterHash });
  const heldOut = (step: number, loss: number) =>
    tally.onClientEvent("client-1", { type: "held-out", step, loss, perplexity: Math.exp(loss), tokens: 2048, parameterHash: "00" });
  const at = (step: number) => {
    tally.phase = {
      type: "phase",
      runState: "RoundTrain",
      epoch: 2,
      step,
      round: 3,
      epochRounds: 10,
      live: 2,
      pending: 3,
      wanted: 2,
      startedAtMs: 0,
      endsAtMs: null,
      roundTokens: 0,
    };
  };

  beforeEach(() => {
    nowMs = 0;
    tally = new Tally(() => nowMs);
    for (const name of ["client-1", "client-2", "client-3"]) tally.started(name);
  });

  it("says of a round its mean loss, and the speed between the ends of rounds", () => {
    for (const step of [1, 2]) {
      at(step + 1);
      trained("client-1", step, 3);
      trained("client-2", step, 4);
      tally.onClientEvent("client-2", { type: "peers", connected: 1 });
      const line = tally.roundLine(step, step, 10, 0);
      const speed = step === 1 ? "-" : "192"; // 96 tokens in half a second
      expect(line).toBe(`epoch 0 round ${step}/10 step ${step}  loss 3.500  ${speed} tokens/s  clients 2  peers 1`);
      nowMs += 500;
    }
    expect(tally.trainedRounds).toBe(2);
    expect(tally.roundLine(3, 3, 10, 0)).toBeNull(); // nothing was trained in it
  });

  it("gives the result between the first and the last held-out loss, and none before there are two", () => {
    heldOut(0, 5.5);
    expect(tally.result(3)).toBeNull();
    at(2);
    trained("client-1", 1, 5);
    tally.roundLine(1, 1, 10, 0);
    nowMs = 2_000;
    trained("client-1", 2, 5);
    tally.roundLine(2, 2, 10, 0);
    hash("client-1", 2, "aa");
    expect(heldOut(2, 4.5)).toMatch(/4\.500 nats\/token, perplexity 90\.02, on 2,048 tokens after step 2/);
    expect(heldOut(2, 4.5)).toBeNull(); // said already
    tally.onClientEvent("client-1", { type: "saved", path: "/c/step2", step: 2, parameterHash: "aa", agreed: true });
    expect(tally.result(3)).toEqual({
      clients: 3,
      rounds: 2,
      lossFirst: 5.5,
      lossLast: 4.5,
      tokens: 96,
      tokensPerSecond: 48,
      parameterHashes: { "client-1": "aa" },
      checkpoint: "/c/step2",
    });
  });

  it("compares hashes of one round only: different ones of one round stay different", () => {
    for (const client of ["client-1", "client-2"]) hash(client, 9, "nine");
    hash("client-1", 10, "ten");
    expect(tally.hashes()).toEqual({ "client-1": "nine", "client-2": "nine" });
    hash("client-2", 10, "TEN");
    expect(tally.hashes()).toEqual({ "client-1": "ten", "client-2": "TEN" });
  });

  it("leaves out the hashes of clients that died, were started again, or stayed behind", () => {
    hash("client-3", 4, "old");
    for (const client of ["client-1", "client-2"]) hash(client, 30, "x");
    expect(Object.keys(tally.hashes())).toEqual(["client-1", "client-2"]);
    tally.started("client-2");
    expect(Object.keys(tally.hashes())).toEqual(["client-1"]);
    hash("client-2", 30, "x");
    tally.died("client-1");
    expect(Object.keys(tally.hashes())).toEqual(["client-2"]);
  });

  it("knows who took part in the newest round, and who is up", () => {
    at(12);
    began("client-1", 11);
    began("client-2", 10);
    expect(["client-1", "client-2", "client-3"].map((name) => tally.isCurrent(name))).toEqual([true, false, false]);
    expect(tally.isReady("client-1")).toBe(false);
    tally.onClientEvent("client-1", {
      type: "engine",
      adapter: "a",
      profile: "software",
      precision: { precision: "f32", reason: "asked for" },
      compileMs: 1,
      parameters: 1,
    });
    expect(tally.isReady("client-1")).toBe(true);
    tally.started("client-1");
    expect([tally.isReady("client-1"), tally.isCurrent("client-1")]).toEqual([false, false]);
  });

  it("names the newest checkpoint of any client, that of one started again too", () => {
    const saved = (client: string, step: number) =>
      tally.onClientEvent(client, { type: "saved", path: `/${client}/${step}`, step, parameterHash: "", agreed: true });
    expect(tally.checkpoint()).toBeNull();
    saved("client-1", 10);
    saved("client-2", 20);
    tally.started("client-2");
    expect(tally.checkpoint()).toBe("/client-2/20");
  });
});
