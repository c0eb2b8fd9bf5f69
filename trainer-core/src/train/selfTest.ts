/**
 * Whether this adapter computes the arithmetic that all replicas share (DESIGN.md section 4) as its definition says: decode, step,
 * decay and leaf hashes on some ten thousand values against their TypeScript twins, bit for bit. A driver that deviates would give
 * this client other parameters than everyone else; here it is found before it joins. The pipelines are those of training.
 */
import { linearGrid, type KernelSpec } from "@starling/shaders";
import { columnStep, decay, mergeSent, rowPass } from "@starling/shaders/kernels/compress/index";
import { decodeSigns, mergeTile, rowSums, type SentTensor } from "@starling/shaders/reference/compress/integerDecode";
import { seededRandom, testSent, type SentStyle } from "@starling/shaders/reference/compress/testSent";
import { Decoder, type DecodeKernels } from "../compress/decoder.ts";
import { hostRootHasher, kernelRootHasher } from "../compress/rootHasher.ts";
import { TilePlan } from "../compress/tilePlan.ts";
import type { Device } from "../device/device.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { canonicalizeInPlace } from "../model/parameters.ts";
import { decayFactor } from "../optim/distro/distroOptimizer.ts";

const SEED = 2026;
const PEERS = 5;
const TOPK = 16;
const LEARNING_RATE = Math.fround(4e-4);
const WEIGHT_DECAY = 0.1;

/** Whole tiles, cut tiles, an odd side, a vector, and one smaller than a workgroup. */
const SHAPES = [
  { name: "a", shape: [128, 64] },
  { name: "b", shape: [86, 72] },
  { name: "c", shape: [63, 45] },
  { name: "d", shape: [640] },
  { name: "e", shape: [2, 6] },
] as const;

const ROUNDS: readonly { oneBit: boolean; style: SentStyle }[] = [
  { oneBit: true, style: "random" },
  { oneBit: false, style: "wild" },
  { oneBit: false, style: "cancelling" },
];

export type ExactOperation = "decode and step" | "decay" | "leaf hash";

export interface Deviation {
  operation: ExactOperation;
  /** how many of the values compared are not those of the twin */
  different: number;
  /** the first of them */
  example: string;
}

export interface SelfTestReport {
  /** values compared */
  compared: number;
  /** empty on a good adapter */
  deviations: Deviation[];
  milliseconds: number;
}

export interface SelfTestOptions {
  /** replaceable, so that tests can prove that a wrong kernel is noticed */
  kernels?: Partial<DecodeKernels> & { decay?: KernelSpec };
  /** default: as training does it, on the device unless it is a software adapter */
  hashOnDevice?: boolean;
}

/** A fraction of a second beyond compiling, which training needs anyway. Leaves nothing on the device. Errors: DeviceError. */
export async function selfTest(
  device: Device,
  { kernels = {}, hashOnDevice = device.profile !== "software" }: SelfTestOptions = {},
): Promise<SelfTestReport> {
  const startedMs = performance.now();
  const random = seededRandom(SEED);
  const parameters = new ParameterSet(device, SHAPES);
  const plan = new TilePlan(device, parameters, { chunk: 64, topk: TOPK });
  const master = parameters.pools("master");
  const decoder = await Decoder.create(plan, master, { mergeSent, rowPass, columnStep, ...kernels });
  const decaying = await decayOver(device, kernels.decay ?? decay, parameters);
  const report = new Comparison();
  try {
    const expected = new Map(parameters.parameters.map(({ name, elements }) => [name, startValues(elements, random)]));
    for (const [name, values] of expected) parameters.write("master", name, values.slice());
    const factor = decayFactor(LEARNING_RATE, WEIGHT_DECAY);
    device.write(decaying.uniform, Float32Array.of(factor));
    for (const { oneBit, style } of ROUNDS) {
      const sent = plan.layouts.map((layout) => testSent(layout, style, { peers: PEERS, topk: TOPK, oneBit, random }));
      await decoder.apply(byPeer(plan, sent), { oneBit, learningRate: LEARNING_RATE });
      for (const { name, index } of parameters.parameters) {
        const values = expected.get(name)!;
        decodeSigns(plan.layouts[index], sent[index]).forEach((sign, at) => (values[at] -= sign * LEARNING_RATE));
        canonicalizeInPlace(values);
        report.compare("decode and step", `${name} (${style})`, values, await parameters.read("master", name));
        // fresh ones: what one operation got wrong is not held against the next, and steps leave no values near 2^-125
        expected.set(name, startValues(values.length, random));
        parameters.write("master", name, expected.get(name)!.slice());
      }
      await compareSums(plan, decoder, sent, report);
      device.run(decaying.dispatches);
      for (const { name } of parameters.parameters) {
        const values = expected.get(name)!;
        for (let at = 0; at < values.length; at++) values[at] *= factor;
        canonicalizeInPlace(values);
        report.compare("decay", name, values, await parameters.read("master", name));
        parameters.write("master", name, values.slice());
      }
    }
    if (hashOnDevice) await compareRoots(plan, master, report);
  } finally {
    decoder.dispose();
    plan.dispose();
    parameters.dispose();
    decaying.uniform.destroy();
  }
  return { compared: report.compared, deviations: [...report.deviations.values()], milliseconds: performance.now() - startedMs };
}

/** One sentence for the operator; null for a good adapter. */
export function deviationSentence({ deviations, compared }: SelfTestReport): string | null {
  if (deviations.length === 0) return null;
  const what = deviations
    .map(({ operation, different, example }) => `${operation}: ${different} values differ, such as ${example}`)
    .join("; ");
  return `this adapter does not compute the shared arithmetic exactly (${compared} values compared; ${what})`;
}

/** Values of weights' size, and some at the edge of what is kept: 2^-125 and around. */
function startValues(elements: number, random: () => number): Float32Array<ArrayBuffer> {
  const values = Float32Array.from({ length: elements }, (_, at) => {
    const sign = random() < 0.5 ? -1 : 1;
    if (at % 16 === 0) return sign * LEARNING_RATE * (1 + (random() - 0.5) * 2 ** -22);
    return sign * (at % 16 === 1 ? 2 ** (random() < 0.5 ? -125 : -125 + 3 * random()) : 0.2 * random());
  });
  canonicalizeInPlace(values);
  return values;
}

/** The sent tensors, each (peers, tiles, topk), as one result a peer over all of them. */
function byPeer(plan: TilePlan, sent: readonly SentTensor[]) {
  return Array.from({ length: PEERS }, (_, peer) => {
    const part = (of: (tensor: SentTensor) => Uint32Array<ArrayBuffer>) =>
      Uint32Array.from(
        sent.flatMap((tensor, i) => {
          const each = plan.layouts[i].tiles * tensor.topk;
          return [...of(tensor).subarray(peer * each, (peer + 1) * each)];
        }),
      );
    return { index: part((t) => t.index), valueBits: part((t) => t.valueBits) };
  });
}

async function decayOver(device: Device, spec: KernelSpec, parameters: ParameterSet) {
  const uniform = device.uniform("self-test decay", 16);
  const dispatches = await Promise.all(
    parameters
      .pools("master")
      .map((pool, i) => device.dispatch(spec, { WORKGROUP_SIZE: 64 }, [uniform, pool], linearGrid(parameters.poolBytes[i] / 16, 64))),
  );
  return { uniform, dispatches };
}

/** A step is only a sign: a wrong sum may give the right one here and the wrong one in a run, so the sums are compared too. */
async function compareSums(plan: TilePlan, decoder: Decoder, sent: readonly SentTensor[], report: Comparison): Promise<void> {
  const { device } = plan;
  const tiles = plan.pools[0].tileCount;
  const [head, slot, sums] = await Promise.all([
    device.read(decoder.buffers.head, tiles * 16),
    device.read(decoder.buffers.slot, tiles * 256),
    device.read(decoder.buffers.rowSums),
  ]);
  const [heads, slots, got] = [new Uint32Array(head), new Uint32Array(slot), new Int32Array(sums)];
  let tileOfPool = 0;
  let dense = 0;
  plan.layouts.forEach((layout, tensor) => {
    for (let tile = 0; tile < layout.tiles; tile++) {
      const merged = mergeTile(layout, sent[tensor], tile);
      const where = `${parameterName(plan, tensor)} tile ${tile}`;
      const expected = rowSums(layout, merged);
      const [entries, , rows, deadZone] = heads.subarray(4 * tileOfPool);
      report.compareIntegers(`${where} head`, [merged.q.length, merged.rows.length, Number(merged.deadZone)], [entries, rows, deadZone]);
      for (let s = 0; s < merged.rows.length; s++) {
        const row = slots[tileOfPool * 64 + s] & 63;
        report.compareIntegers(
          `${where} row ${row}`,
          [...(expected.get(row) ?? [NaN])],
          [...got.subarray(dense + s * layout.width, dense + (s + 1) * layout.width)],
        );
      }
      dense += layout.height * layout.width;
      tileOfPool++;
    }
  });
}

function parameterName(plan: TilePlan, tensor: number): string {
  return plan.parameters.parameters[tensor].name;
}

async function compareRoots(plan: TilePlan, master: readonly GPUBuffer[], report: Comparison): Promise<void> {
  const onDevice = await kernelRootHasher(plan, master);
  try {
    const [got, expected] = [await onDevice.root(), await hostRootHasher(plan, master).root()];
    report.compare("leaf hash", "the root", new Float32Array(expected.buffer), new Float32Array(got.buffer));
  } finally {
    onDevice.dispose();
  }
}

class Comparison {
  compared = 0;
  readonly deviations = new Map<ExactOperation, Deviation>();

  compareIntegers(where: string, expected: readonly number[], got: readonly number[]): void {
    this.compared += expected.length;
    expected.forEach((value, at) => {
      if (value !== got[at]) this.#differs("decode and step", `${where}[${at}] = ${got[at]} instead of ${value}`);
    });
  }

  /** Bit by bit: NaN equals itself, and -0 is not +0. */
  compare(operation: ExactOperation, where: string, expected: Float32Array<ArrayBuffer>, got: Float32Array<ArrayBuffer>): void {
    const [e, g] = [expected, got].map((values) => new Uint32Array(values.buffer, values.byteOffset, values.length));
    this.compared += e.length;
    for (let at = 0; at < e.length; at++) {
      if (e[at] === g[at]) continue;
      this.#differs(operation, `${where}[${at}] = 0x${g[at].toString(16)} instead of 0x${e[at].toString(16)}`);
    }
  }

  #differs(operation: ExactOperation, example: string): void {
    const known = this.deviations.get(operation);
    if (known) known.different++;
    else this.deviations.set(operation, { operation, different: 1, example });
  }
}
