import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE_PROFILES, type BaseProfile } from "@starling/shaders";
import { tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeSparse, encodeTiles, selectTopk } from "@starling/shaders/reference/compress/encode";
import { decodeSigns } from "@starling/shaders/reference/compress/integerDecode";
import { seededRandom } from "@starling/shaders/reference/compress/testSent";
import { tensorRoot } from "../../compress/merkle.ts";
import { decodeResult, type SentResult } from "../../compress/wire.ts";
import type { Device } from "../../device/device.ts";
import { createTestDevice } from "../../device/testDevice.node.ts";
import { ParameterSet } from "../../model/parameterSet.ts";
import { decayFactor, DistroOptimizer, type DistroOptions } from "./distroOptimizer.ts";

const SEED = 2024;
const SHAPES = [
  { name: "b.matrix", shape: [86, 48] },
  { name: "a.vector", shape: [72] },
  { name: "c.wide", shape: [24, 128] },
];
const OPTIONS: DistroOptions = { pipeline: "overlapped", compressionDecay: 0.95, topk: 6, chunk: 64, oneBit: true, weightDecay: 0.1 };
const f = Math.fround;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
/** What a stored value becomes: below 2^-125 nothing is left. */
const canonical = (value: number) => (Math.abs(value) < 2 ** -125 ? 0 : value);

/** Runs `make` as if the adapter could bind no more than `bytes`: what splits a large model into pools. */
function withBindingLimit<T>(device: Device, bytes: number, make: () => T): T {
  const { bindingLimitBytes } = device;
  Object.assign(device, { bindingLimitBytes: bytes });
  try {
    return make();
  } finally {
    Object.assign(device, { bindingLimitBytes });
  }
}

class Client {
  readonly parameters: ParameterSet;
  readonly optimizer: DistroOptimizer;
  private constructor(parameters: ParameterSet, optimizer: DistroOptimizer) {
    this.parameters = parameters;
    this.optimizer = optimizer;
  }
  static async create(device: Device, options: DistroOptions, random: () => number, poolBytes?: number): Promise<Client> {
    const parameters =
      poolBytes === undefined
        ? new ParameterSet(device, SHAPES)
        : withBindingLimit(device, poolBytes, () => new ParameterSet(device, SHAPES));
    for (const { name, elements } of parameters.parameters) {
      parameters.write(
        "master",
        name,
        Float32Array.from({ length: elements }, () => (random() - 0.5) * 2 ** -Math.floor(random() * 8)),
      );
    }
    return new Client(parameters, await DistroOptimizer.create(device, parameters, options));
  }
  setGradient(random: () => number): Float32Array<ArrayBuffer>[] {
    return this.parameters.parameters.map(({ name, elements }) => {
      const gradient = Float32Array.from({ length: elements }, () => random() - 0.5);
      this.parameters.write("grad", name, gradient);
      return gradient;
    });
  }
  all(copy: "master" | "compute"): Promise<Float32Array<ArrayBuffer>[]> {
    return Promise.all(this.parameters.parameters.map((p) => this.parameters.read(copy, p.name)));
  }
  dispose(): void {
    this.optimizer.dispose();
    this.parameters.dispose();
  }
}

/** What `results` step by, tensor by tensor, from the definition. */
function signsOf(layouts: readonly TileLayout[], payloads: readonly Uint8Array[], { oneBit, topk }: DistroOptions): Int8Array[] {
  const results = payloads.map((bytes) => decodeResult(bytes, layouts, { oneBit, topk }));
  let first = 0;
  return layouts.map((layout) => {
    const k = tileTopk(layout, topk);
    const count = layout.tiles * k;
    const joined = (part: (r: SentResult) => Uint32Array) =>
      Uint32Array.from(results.flatMap((r) => [...part(r).subarray(first, first + count)]));
    const sent = { peers: results.length, topk: k, oneBit, index: joined((r) => r.index), valueBits: joined((r) => r.valueBits) };
    first += count;
    return decodeSigns(layout, sent);
  });
}

/** A residual in double precision, by the order of DESIGN.md section 4. */
class ReferenceResidual {
  readonly delta: Float64Array[];
  readonly #layouts: readonly TileLayout[];
  readonly #options: DistroOptions;
  #owed: Float64Array[] | null = null;
  constructor(layouts: readonly TileLayout[], options: DistroOptions) {
    this.#layouts = layouts;
    this.#options = options;
    this.delta = layouts.map((l) => new Float64Array(l.elements));
  }
  /** Positions of the result, over all tensors. */
  round(gradients: readonly Float32Array[], learningRate: number): number[] {
    const { pipeline, compressionDecay, topk } = this.#options;
    const positions: number[] = [];
    const worth: Float64Array[] = [];
    if (this.#owed) this.#subtract(this.#owed);
    this.#layouts.forEach((layout, t) => {
      const k = tileTopk(layout, topk);
      const delta = this.delta[t];
      delta.forEach((d, at) => (delta[at] = compressionDecay * d + learningRate * gradients[t][at]));
      const coefficients = encodeTiles(layout, delta);
      const index: number[] = [];
      const value: number[] = [];
      for (let tile = 0; tile < layout.tiles; tile++) {
        const own = coefficients.subarray(tile * layout.total, (tile + 1) * layout.total);
        const chosen = selectTopk(own, k);
        index.push(...chosen);
        value.push(...chosen.map((position) => own[position]));
      }
      positions.push(...index);
      worth.push(decodeSparse(layout, k, index, value));
    });
    if (pipeline === "sync") this.#subtract(worth);
    else this.#owed = worth;
    return positions;
  }
  #subtract(worth: readonly Float64Array[]): void {
    worth.forEach((values, t) => values.forEach((v, at) => (this.delta[t][at] -= v)));
  }
}

describe("DistroOptimizer", () => {
  const devices: Partial<Record<BaseProfile, Device>> = {};
  beforeAll(async () => {
    for (const profile of BASE_PROFILES) devices[profile] = await createTestDevice(profile);
  });
  afterAll(() => {
    for (const device of Object.values(devices)) device.dispose();
  });
  const device = () => devices.software!;

  for (const pipeline of ["overlapped", "sync"] as const) {
    for (const oneBit of [true, false]) {
      it(`${pipeline}, ${oneBit ? "1 bit" : "f32"}: every replica holds the bits of the definition after every round (seed ${SEED})`, async () => {
        const options = { ...OPTIONS, pipeline, oneBit };
        const lag = pipeline === "overlapped" ? 2 : 1;
        const learningRates = [0.004, 0.01, 0.02, 0.003, 0.007].map(f);
        const clients: Client[] = [];
        for (const profile of [...BASE_PROFILES, "software"] as const)
          clients.push(await Client.create(devices[profile]!, options, seededRandom(SEED)));
        const [first] = clients;
        const { layouts } = first.optimizer;
        const master = await first.all("master");
        const residuals = clients.map(() => new ReferenceResidual(layouts, options));
        const random = seededRandom(SEED + 1);
        const sent: Uint8Array[][] = [];
        for (let r = 0; r < learningRates.length; r++) {
          const learningRate = learningRates[r];
          const results = sent[r - lag] ?? [];
          const apply = r >= lag;
          const before = await first.optimizer.exportResidual();
          for (const { optimizer } of clients) {
            await optimizer.beginRound({
              results,
              applyLearningRate: apply ? learningRate : null,
              decayLearningRate: learningRate,
              lookaheadLearningRate: pipeline === "overlapped" ? learningRates[Math.max(0, r - 1)] : null,
            });
          }
          const decay = () =>
            master.forEach((w) => w.forEach((v, at) => (w[at] = canonical(f(v * decayFactor(learningRate, options.weightDecay))))));
          if (pipeline === "sync") decay();
          if (apply)
            signsOf(layouts, results, options).forEach((s, t) =>
              s.forEach((sign, at) => (master[t][at] = canonical(f(master[t][at] - learningRate * sign)))),
            );
          const lookahead = pipeline === "overlapped" ? learningRates[Math.max(0, r - 1)] : 0;
          const compute = master.map((w, t) => {
            const delta = before.get(first.parameters.parameters[t].name)!;
            return w.map((v, at) => f(v - lookahead * Math.sign(delta[at])));
          });
          if (pipeline === "overlapped") decay();
          expect(await first.all("master")).toEqual(master);
          expect(await first.all("compute")).toEqual(compute);
          const hash = hex(tensorRoot(layouts, master));
          for (const { optimizer } of clients) expect(hex(await optimizer.parameterHash())).toBe(hash);

          sent.push([]);
          for (const [c, client] of clients.entries()) {
            const gradients = client.setGradient(random);
            const { payload, residualRoot } = await client.optimizer.makeResult({ learningRate });
            sent[r].push(payload);
            client.optimizer.checkPayload(payload);
            expect([...decodeResult(payload, layouts, options).index]).toEqual(residuals[c].round(gradients, learningRate));
            const residual = [...(await client.optimizer.exportResidual()).values()];
            residual.forEach((values, t) => values.forEach((v, at) => expect(Math.abs(v - residuals[c].delta[t][at])).toBeLessThan(1e-7)));
            expect(hex(residualRoot)).toBe(hex(tensorRoot(layouts, residual)));
          }
        }
        for (const client of clients) client.dispose();
      });
    }
  }

  it("steps and decays as Math.fround does, and leaves no value below 2^-125", async () => {
    const client = await Client.create(device(), { ...OPTIONS, pipeline: "sync", weightDecay: 0.5 }, seededRandom(1));
    const random = seededRandom(SEED);
    client.setGradient(random);
    const { payload } = await client.optimizer.makeResult({ learningRate: 1 });
    const signs = signsOf(client.optimizer.layouts, [payload], client.optimizer.options);
    for (const learningRate of [2 ** -10, f(3e-4), 2 ** -126]) {
      const start = client.parameters.parameters.map(({ elements }) =>
        Float32Array.from({ length: elements }, () => canonical(f((random() - 0.5) * 2 ** (random() < 0.5 ? -123 : -8 - 8 * random())))),
      );
      client.parameters.parameters.forEach(({ name }, t) => client.parameters.write("master", name, start[t]));
      await client.optimizer.beginRound({
        results: [payload],
        applyLearningRate: learningRate,
        decayLearningRate: learningRate,
        lookaheadLearningRate: null,
      });
      const factor = decayFactor(learningRate, 0.5);
      const expected = start.map((w, t) => w.map((v, at) => canonical(f(canonical(f(v * factor)) - learningRate * signs[t][at]))));
      expect(await client.all("master")).toEqual(expected);
    }
    client.dispose();
  });

  it("makes a residual root that another process recomputes, and that one flipped bit changes", async () => {
    const client = await Client.create(device(), OPTIONS, seededRandom(SEED));
    client.setGradient(seededRandom(SEED));
    const { residualRoot } = await client.optimizer.makeResult({ learningRate: 0.01 });
    const residual = [...(await client.optimizer.exportResidual()).values()];
    const merkle = fileURLToPath(new URL("../../compress/merkle.ts", import.meta.url));
    const recompute = async () => {
      const script = `
        import { tensorRoot } from ${JSON.stringify(merkle)};
        import { tileLayout } from "@starling/shaders/kernels/compress/tileLayout";
        const { shapes, tensors } = JSON.parse(process.argv[1]);
        const values = tensors.map((base64) => new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer));
        console.log(Buffer.from(tensorRoot(shapes.map((s) => tileLayout(s, 64)), values)).toString("hex"));`;
      const tensors = residual.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString("base64"));
      const shapes = client.parameters.parameters.map((p) => p.shape);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--input-type=module", "-e", script, JSON.stringify({ shapes, tensors })],
        {
          cwd: fileURLToPath(new URL("../../..", import.meta.url)),
        },
      );
      return stdout.trim();
    };
    expect(await recompute()).toBe(hex(residualRoot));
    new Uint32Array(residual[2].buffer)[100] ^= 1;
    expect(await recompute()).not.toBe(hex(residualRoot));
    client.optimizer.importResidual(new Map(client.parameters.parameters.map((p, t) => [p.name, residual[t]])));
    expect(hex(await client.optimizer.residualRoot())).toBe(await recompute());
    client.dispose();
  });

  it("forgets the residual and what was sent when an epoch starts", async () => {
    const fresh = await Client.create(device(), OPTIONS, seededRandom(SEED));
    const used = await Client.create(device(), OPTIONS, seededRandom(SEED));
    used.setGradient(seededRandom(5));
    await used.optimizer.makeResult({ learningRate: 0.01 });
    used.optimizer.startEpoch();
    expect([...(await used.optimizer.exportResidual()).values()].every((v) => v.every((x) => x === 0))).toBe(true);
    for (const client of [fresh, used]) client.setGradient(seededRandom(6));
    expect(await used.optimizer.makeResult({ learningRate: 0.01 })).toEqual(await fresh.optimizer.makeResult({ learningRate: 0.01 }));
    fresh.dispose();
    used.dispose();
  });

  it("counts a gradient element that is not finite as 0", async () => {
    const client = await Client.create(device(), OPTIONS, seededRandom(SEED));
    const [gradient] = client.setGradient(seededRandom(7));
    const { name } = client.parameters.parameters[0];
    client.parameters.write(
      "grad",
      name,
      gradient.map((g, at) => [NaN, Infinity, -Infinity][at] ?? g),
    );
    await client.optimizer.makeResult({ learningRate: 0.5 });
    const residual = (await client.optimizer.exportResidual()).get(name)!;
    expect([...residual]).toEqual([...gradient.map((g, at) => (at < 3 ? 0 : f(0.5 * g)))]);
    client.dispose();
  });

  it("applies more peers than before without another pipeline, and refuses 257", async () => {
    const client = await Client.create(device(), { ...OPTIONS, pipeline: "sync" }, seededRandom(SEED));
    const random = seededRandom(8);
    const payloads: Uint8Array[] = [];
    for (let p = 0; p < 40; p++) {
      client.setGradient(random);
      payloads.push((await client.optimizer.makeResult({ learningRate: 0.01 })).payload);
    }
    const compile = device().gpu.createComputePipelineAsync;
    let compiled = 0;
    device().gpu.createComputePipelineAsync = (...args) => (compiled++, compile.apply(device().gpu, args));
    const master = await client.all("master");
    for (const peers of [3, 40, 1, 17]) {
      const results = payloads.slice(0, peers);
      await client.optimizer.beginRound({ results, applyLearningRate: 0.25, decayLearningRate: null, lookaheadLearningRate: null });
      signsOf(client.optimizer.layouts, results, client.optimizer.options).forEach((s, t) =>
        s.forEach((sign, at) => (master[t][at] = canonical(f(master[t][at] - 0.25 * sign)))),
      );
      expect(await client.all("master")).toEqual(master);
    }
    device().gpu.createComputePipelineAsync = compile;
    expect(compiled).toBe(0);
    const many = {
      results: Array.from({ length: 257 }, () => payloads[0]),
      applyLearningRate: 1,
      decayLearningRate: 0.1,
      lookaheadLearningRate: null,
    };
    await expect(client.optimizer.beginRound(many)).rejects.toThrow(/256 results.*got 257/);
    expect(await client.all("master")).toEqual(master);
    client.dispose();
  });

  it("changes nothing when one of the results is not valid", async () => {
    const client = await Client.create(device(), { ...OPTIONS, pipeline: "sync" }, seededRandom(SEED));
    client.setGradient(seededRandom(9));
    const { payload } = await client.optimizer.makeResult({ learningRate: 0.01 });
    const before = hex(await client.optimizer.parameterHash());
    const round = { results: [payload, payload.slice(1)], applyLearningRate: 0.1, decayLearningRate: 0.1, lookaheadLearningRate: null };
    await expect(client.optimizer.beginRound(round)).rejects.toMatchObject({ name: "WireError" });
    expect(hex(await client.optimizer.parameterHash())).toBe(before);
    expect(() => client.optimizer.checkPayload(payload.slice(0, -1))).toThrow(/bytes/);
    client.dispose();
  });

  it("gives the same bits from several parameter pools as from one", async () => {
    const one = await Client.create(device(), OPTIONS, seededRandom(SEED));
    const many = await Client.create(device(), OPTIONS, seededRandom(SEED), 17_000);
    expect([one.parameters.poolBytes.length, many.parameters.poolBytes.length]).toEqual([1, 3]);
    for (const client of [one, many]) client.setGradient(seededRandom(10));
    const result = await one.optimizer.makeResult({ learningRate: 0.01 });
    expect(await many.optimizer.makeResult({ learningRate: 0.01 })).toEqual(result);
    const round = { results: [result.payload], applyLearningRate: 0.1, decayLearningRate: 0.1, lookaheadLearningRate: 0.1 };
    for (const { optimizer } of [one, many]) await optimizer.beginRound(round);
    expect(await many.all("compute")).toEqual(await one.all("compute"));
    expect(hex(await many.optimizer.parameterHash())).toBe(hex(await one.optimizer.parameterHash()));
    one.dispose();
    many.dispose();
  });

  it("refuses options that the kernels cannot follow", async () => {
    const parameters = new ParameterSet(device(), SHAPES);
    await expect(DistroOptimizer.create(device(), parameters, { ...OPTIONS, chunk: 65 })).rejects.toThrow(/got 65/);
    await expect(DistroOptimizer.create(device(), parameters, { ...OPTIONS, topk: 0 })).rejects.toThrow(/compression_topk.*got 0/);
    parameters.dispose();
  });
});
