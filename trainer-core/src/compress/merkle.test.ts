import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { seededRandom } from "@starling/shaders/reference/compress/testSent";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { merkleRoot, tensorRoot } from "./merkle.ts";
import { hostRootHasher, kernelRootHasher } from "./rootHasher.ts";
import { TilePlan } from "./tilePlan.ts";

const sha = (...parts: Uint8Array[]) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const node = (left: Uint8Array, right: Uint8Array) => sha(Uint8Array.of(1), left, right);

describe("merkleRoot", () => {
  const leaves = Array.from({ length: 7 }, (_, n) => sha(Uint8Array.of(n)));
  const [a, b, c, d, e, f, g] = leaves;

  it("pairs neighbours and promotes an odd node", () => {
    const root = (n: number) => hex(merkleRoot(Buffer.concat(leaves.slice(0, n))));
    expect(root(1)).toBe(hex(a));
    expect(root(2)).toBe(hex(node(a, b)));
    expect(root(3)).toBe(hex(node(node(a, b), c)));
    expect(root(5)).toBe(hex(node(node(node(a, b), node(c, d)), e)));
    expect(root(6)).toBe(hex(node(node(node(a, b), node(c, d)), node(e, f))));
    expect(root(7)).toBe(hex(node(node(node(a, b), node(c, d)), node(node(e, f), g))));
  });

  it("leaves its input alone and refuses none", () => {
    const input = new Uint8Array(Buffer.concat(leaves));
    const before = hex(input);
    merkleRoot(input);
    expect(hex(input)).toBe(before);
    expect(() => merkleRoot(new Uint8Array(0))).toThrow(RangeError);
    expect(() => merkleRoot(new Uint8Array(33))).toThrow(/33 bytes/);
  });
});

describe("tensorRoot", () => {
  it("hashes a tile as 0x00, tensor u32 LE, tile u32 LE, elements f32 LE row-major", () => {
    const layouts = [tileLayout([2, 4], 2), tileLayout([1], 2)];
    const tensors = [Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), Float32Array.of(-1)];
    const leaf = (tensor: number, tile: number, ...values: number[]) =>
      sha(Uint8Array.of(0, tensor, 0, 0, 0, tile, 0, 0, 0), new Uint8Array(Float32Array.from(values).buffer));
    const expected = node(node(leaf(0, 0, 1, 2, 5, 6), leaf(0, 1, 3, 4, 7, 8)), leaf(1, 0, -1));
    expect(hex(tensorRoot(layouts, tensors))).toBe(hex(expected));
    expect(hex(expected)).toBe("b89a5dd46e379de5ede31f377115b97c4a48f7eda661909904892decf554ca37");
  });
});

describe("roots of what lies on a device", () => {
  let device: Device;
  let parameters: ParameterSet;
  beforeAll(async () => {
    device = await createTestDevice();
    const shapes = [[128, 64], [43], [86, 7], [1], [67, 3], [2, 7], [13], [14], [15]];
    parameters = new ParameterSet(
      device,
      shapes.map((shape, n) => ({ name: `t${n}`, shape })),
    );
  });
  afterAll(() => {
    parameters.dispose();
    device.dispose();
  });

  it("are equal from the kernel, from the host and from plain arrays, whatever the batches; any bit changes them", async () => {
    const random = seededRandom(3);
    const tensors = parameters.parameters.map(({ name, elements }) => {
      const values = Float32Array.from({ length: elements }, () => random() - 0.5);
      parameters.write("master", name, values);
      return values;
    });
    const pools = parameters.pools("master");
    const plan = new TilePlan(device, parameters, { chunk: 64, topk: 1 });
    const small = new TilePlan(device, parameters, { chunk: 64, topk: 1, batchElements: 100 });
    expect(small.batches.length).toBeGreaterThan(3);
    const kernel = await kernelRootHasher(plan, pools);
    const inBatches = await kernelRootHasher(small, pools);
    const expected = hex(tensorRoot(plan.layouts, tensors));
    expect(hex(await kernel.root())).toBe(expected);
    expect(hex(await inBatches.root())).toBe(expected);
    expect(hex(await hostRootHasher(plan, pools).root())).toBe(expected);

    const seen = new Set([expected]);
    for (const [tensor, at] of [
      [0, 0],
      [0, 8191],
      [2, 300],
      [3, 0],
    ]) {
      new Uint32Array(tensors[tensor].buffer)[at] ^= 1;
      parameters.write("master", `t${tensor}`, tensors[tensor]);
      const root = hex(await kernel.root());
      expect(root).toBe(hex(tensorRoot(plan.layouts, tensors)));
      seen.add(root);
    }
    expect(seen.size).toBe(5);
    kernel.dispose();
    inBatches.dispose();
  });
});
