/** What it remembers, repeats and gives up, over an engine that dies when it is told to. `resilientEngine.node.test.ts` has real devices. */
import { describe, expect, test } from "vitest";
import type { BeginRound, InferenceAnswer, Trained } from "../round/ports.ts";
import type { EngineState } from "./engineState.ts";
import { ResilientEngine } from "./resilientEngine.ts";
import type { MortalEngine } from "./steadyEngine.ts";

const round: BeginRound = {
  results: [],
  applyLearningRate: null,
  decayLearningRate: null,
  pipeline: "overlapped",
  lookaheadLearningRate: null,
};
const batch = { sequences: [new Int32Array(1)], learningRate: 1 };
const died = Object.assign(new Error("the thread died"), { code: "engine" });

/** "closes": it ends as one that is stopped in its midst, without a word of death. */
type Fate = "dies" | "lives" | "closes";

/** Counts the changes made to it: all that it holds. */
class CountingEngine implements MortalEngine {
  readonly adapter = "none";
  readonly profile = "software";
  readonly compileMs = 0;
  count = 0;
  /** calls made, by name */
  readonly calls: string[] = [];
  readonly #fate: (call: string) => Fate;
  readonly #onDeath: (error: Error) => void;

  constructor(onDeath: (error: Error) => void, fate: (call: string) => Fate = () => "lives") {
    this.#onDeath = onDeath;
    this.#fate = fate;
  }

  async #did<T>(call: string, value: T, changes = 0): Promise<T> {
    this.calls.push(call);
    const fate = this.#fate(call);
    if (fate === "closes") throw Object.assign(new Error("closed while in use"), { code: "device-lost" });
    if (fate === "dies") {
      this.#onDeath(died);
      throw died;
    }
    this.count += changes;
    return value;
  }

  checkPayload(): void {}
  startEpoch = (): Promise<void> => this.#did("startEpoch", undefined, 1);
  beginRound = (): Promise<void> => this.#did("beginRound", undefined, 1);
  train = (): Promise<Trained> =>
    this.#did("train", { loss: 1, payload: new Uint8Array(), residualRoot: new Uint8Array(32), trainMs: 1, tokens: 1 }, 1);
  parameterHash = async (): Promise<Uint8Array> => Uint8Array.of(await this.#did("hash", this.count));
  parameterLeaves = (): Promise<Uint8Array> => this.#did("leaves", new Uint8Array());
  evaluate = (): Promise<number> => this.#did("evaluate", 1);
  exportParameters = (): Promise<Map<string, Float32Array>> => this.#did("export", new Map());
  importParameters = (): Promise<void> => this.#did("import", undefined, 1);
  importStart = (): Promise<void> => this.#did("importStart", undefined, 1);
  infer = (): Promise<InferenceAnswer> => this.#did("infer", { kind: "more" } as const);
  exportState = (): Promise<EngineState> =>
    this.#did("exportState", {
      master: new Map([["count", Float32Array.of(this.count)]]),
      partOf: null,
      lossScale: null,
      optimizer: { residual: new Map(), owed: null },
    });
  async importState({ master }: EngineState): Promise<void> {
    await this.#did("importState", undefined);
    this.count = master.get("count")![0];
  }
  async stop(): Promise<void> {}
}

async function over(fate: (engine: number, call: string) => Fate, nowMs?: () => number) {
  const started: CountingEngine[] = [];
  const resets: string[] = [];
  const engine = await ResilientEngine.create<CountingEngine>({
    start: async (onDeath) => {
      const n = started.length;
      started.push(new CountingEngine(onDeath, (call) => fate(n, call)));
      return started[n];
    },
    onWarning: () => undefined,
    advice: "",
    copyEveryRounds: 2,
    nowMs,
  });
  engine.onReset = (reason) => resets.push(reason);
  return { engine, started, resets };
}

describe("ResilientEngine", () => {
  test("rounds that train nothing are not remembered for ever, and none is lost", async () => {
    let isOver = false;
    const { engine, started, resets } = await over((n, call) => (n === 0 && isOver && call === "hash" ? "dies" : "lives"));
    for (let n = 0; n < 11; n++) await engine.beginRound(round);
    expect(engine.copyFigures.copies).toBe(2); // before the fifth and the ninth
    isOver = true;
    expect([...(await engine.parameterHash())]).toEqual([11]);
    expect(started[1].calls).toEqual(["importState", "beginRound", "beginRound", "beginRound", "hash"]);
    expect(resets).toEqual([]);
  });

  test("an engine that dies of idle work is replaced, and not asked the same", async () => {
    const { engine, started } = await over((_, call) => (call === "infer" ? "dies" : "lives"));
    await engine.startEpoch();
    await expect(engine.infer({ kind: "score", tokens: [1, 2], from: 1 })).rejects.toBe(died);
    await engine.beginRound(round);
    expect([...(await engine.parameterHash())]).toEqual([2]);
    expect(started.map(({ calls }) => calls)).toEqual([
      ["startEpoch", "infer"],
      ["startEpoch", "beginRound", "hash"],
    ]);
  });

  test("a call of which every engine dies fails, however rarely they do; what was before it stays", async () => {
    let hours = 0;
    const { engine, started } = await over(
      (_, call) => (call === "train" ? "dies" : "lives"),
      () => ++hours * 3_600_000,
    );
    await engine.beginRound(round);
    await expect(engine.train(batch)).rejects.toBe(died);
    expect(started).toHaveLength(5);
    expect([...(await engine.parameterHash())]).toEqual([1]);
  });

  test("when it is given up every call fails at once, and nothing is called reset", { timeout: 5_000 }, async () => {
    const { engine, started, resets } = await over((_, call) => (call === "train" ? "dies" : "lives"));
    const given: string[] = [];
    engine.onGivenUp = ({ code }) => given.push(code);
    await engine.beginRound(round);
    await expect(engine.train(batch)).rejects.toBe(died);
    await expect(engine.parameterHash()).rejects.toMatchObject({ code: "engine-lost" });
    expect([started.length, given, resets]).toEqual([4, ["engine-lost"], []]);
  });

  test(
    "stopped while a new engine is brought to where the last one was, it ends at once and resets nothing",
    { timeout: 5_000 },
    async () => {
      let toldOfIt = (): void => undefined;
      const closed = new Promise<void>((resolve) => (toldOfIt = resolve));
      const { engine, resets } = await over((n, call) => {
        if (n === 0) return call === "train" ? "dies" : "lives";
        toldOfIt();
        return "closes";
      });
      await engine.beginRound(round);
      const trained = engine.train(batch);
      const rejected = expect(trained).rejects.toMatchObject({ code: "device-lost" });
      await closed;
      await new Promise((resolve) => setTimeout(resolve, 5));
      await engine.stop();
      await rejected;
      expect(resets).toEqual([]);
    },
  );
});
