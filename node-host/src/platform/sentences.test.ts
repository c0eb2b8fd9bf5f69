import { beforeEach, describe, expect, it } from "vitest";
import type { HostEvent } from "../events.ts";
import { Sentences } from "./sentences.ts";

const phase = (runState: Extract<HostEvent, { type: "phase" }>["runState"], step = 12): HostEvent => ({
  type: "phase",
  runState,
  epoch: 1,
  step,
  round: 2,
  epochRounds: 10,
  live: 2,
  pending: 1,
  wanted: 3,
  startedAtMs: 0,
  endsAtMs: null,
  roundTokens: 0,
});

const resources = (lagP99Ms: number): HostEvent => ({
  type: "resources",
  rssBytes: 1,
  heapBytes: 1,
  openFiles: null,
  cpuSeconds: 1,
  lagP99Ms,
});

describe("Sentences", () => {
  let sentences: Sentences;
  beforeEach(() => {
    sentences = new Sentences(() => 0);
  });

  it("says where a run goes on when nobody holds what was agreed", () => {
    expect(sentences.of({ type: "went-back", lostEpoch: 5, toEpoch: 4 })).toBe(
      "nobody holds the parameters agreed at epoch 5; the run goes back to those of epoch 4",
    );
    expect(sentences.of({ type: "round", event: { type: "wentBack", lostEpoch: 0, toEpoch: null } })).toBe(
      "nobody holds the parameters agreed at epoch 0; the run goes back to its own start",
    );
  });

  it("names an address that other machines can dial, where there is one", () => {
    const listening = (multiaddrs: string[]): HostEvent => ({ type: "listening", peerId: "ab", runId: "r", multiaddrs });
    expect(sentences.of(listening(["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/2/ws", "/ip4/10.0.0.2/tcp/1"]))).toMatch(
      /--server-addr \/ip4\/10\.0\.0\.2\/tcp\/1$/,
    );
    expect(sentences.of(listening(["/ip4/127.0.0.1/tcp/5/ws", "/ip4/127.0.0.1/tcp/4"]))).toMatch(/\/tcp\/4$/);
  });

  it("says the number of peers when it changes", () => {
    const peers = [0, 2, 2, 1].map((connected) => sentences.of({ type: "peers", connected }));
    expect(peers).toEqual(["connected to 0 other clients", "connected to 2 other clients", null, "connected to 1 other client"]);
  });

  it("has one line a round at the coordinator, none at a client", () => {
    expect(sentences.of(phase("RoundTrain"))).toBeNull();
    sentences.of({ type: "listening", peerId: "ab", runId: "r", multiaddrs: [] });
    expect(["RoundTrain", "RoundWitness"].map((s) => sentences.of(phase(s as "RoundTrain")))).toEqual([
      "epoch 1 round 2/10 step 12  clients 2",
      null,
    ]);
    expect(sentences.of(phase("WaitingForMembers"))).toBe("epoch 1: waits for 2 more members, 1 of 3 are here");
    expect(sentences.of(phase("WaitingForMembers", 13))).toBeNull(); // the same again
  });

  it("says a warning that comes again and again once", () => {
    const warn = () => sentences.of({ type: "warning", message: "the disk is slow" });
    expect([warn(), warn()]).toEqual(["warning: the disk is slow", null]);
  });

  it("keeps quiet about an event loop that runs, and speaks of one that does not", () => {
    expect(sentences.of(resources(20))).toBeNull();
    expect(sentences.of(resources(900.4))).toMatch(/900 ms/);
    expect(sentences.of(resources(800))).toBeNull(); // every 10 s would be too often
  });
});
