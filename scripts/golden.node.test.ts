/** The golden runner on folders that are incomplete or broken: what is there is compared, what is wrong fails, the rest still runs. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHfConfig } from "@starling/config";
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { llamaTwin } from "@starling/trainer-core/model/llamaTwin";
import { afterAll, expect, test } from "vitest";

const root = mkdtempSync(join(tmpdir(), "starling-golden-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Data = Float32Array | Int32Array | Int8Array | Uint8Array;
const DTYPES = { Float32Array: "F32", Int32Array: "I32", Int8Array: "I8", Uint8Array: "U8" } as const;

function write(path: string, tensors: Record<string, [shape: number[], data: Data]>): void {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, [shape, data]] of Object.entries(tensors)) {
    header[name] = { dtype: DTYPES[data.constructor.name as keyof typeof DTYPES], shape, data_offsets: [end, (end += data.byteLength)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const bodies = Object.values(tensors).map(([, data]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  writeFileSync(path, Buffer.concat([length, json, ...bodies]));
}

const config: LlamaConfig = {
  vocabSize: 17,
  hiddenSize: 10,
  intermediateSize: 7,
  numLayers: 1,
  numHeads: 5,
  numKvHeads: 1,
  headDim: 2,
  rmsNormEps: 1e-5,
  ropeTheta: 100,
  ropeScaling: null,
  tieWordEmbeddings: true,
  maxPositionEmbeddings: 16,
  bosTokenId: null,
  eosTokenId: null,
};

/** Only tokens and logits, from the twin: no labels, losses, frequencies, grads or AdamW. */
function bareLlama(name: string, spoil: number): void {
  const folder = join(root, "llama", name);
  mkdirSync(folder, { recursive: true });
  const weights = initialWeights(config, 5);
  const sequence = Int32Array.of(3, 1, 4, 1, 5);
  const { logits } = llamaTwin(config, weights, [sequence], [sequence]);
  logits[7] += spoil;
  writeFileSync(join(folder, "config.json"), JSON.stringify(toHfConfig(config)));
  writeFileSync(join(folder, "meta.json"), "{}");
  write(join(folder, "model.safetensors"), Object.fromEntries([...weights].map(([key, { shape, data }]) => [key, [[...shape], data]])));
  write(join(folder, "io.safetensors"), { tokens: [[1, 1, 5], sequence], logits: [[1, 5, 17], Float32Array.from(logits)] });
}

/** One vector of a prime length above 64, so that its tiles are single elements: everything is sent, the step is the gradient's sign. */
function bareDistro(): void {
  const folder = join(root, "distro");
  mkdirSync(folder, { recursive: true });
  const shape = [67];
  const meta = { peers: 1, rounds: 1, topk: 8, chunk: 64, decay: 1, wd: 0, lr: [0.5], tensors: { w: { shape } } };
  writeFileSync(join(folder, "meta.json"), JSON.stringify(meta));
  const gradient = Float32Array.from({ length: 67 }, (_, i) => (i % 5) - 2);
  const sign = Int8Array.from(gradient, Math.sign);
  const round = {
    "r0.p0.w.idx": [[67, 1], new Uint8Array(67)],
    "r0.w.sign": [shape, sign],
    "r0.w.unsure": [[0], new Int32Array(0)],
  } satisfies Record<string, [number[], Data]>;
  write(join(folder, "params0.safetensors"), { w: [shape, new Float32Array(67)] });
  write(join(folder, "grads_f16.safetensors"), { "r0.p0.w": [shape, gradient] });
  write(join(folder, "sync_f32.safetensors"), {
    ...round,
    "r0.p0.w.val": [[67, 1], gradient.map((g) => g / 2)],
    "final.w": [shape, Float32Array.from(sign, (s) => -s / 2)],
  });
  // a value that is not a number, and no final.w
  write(join(folder, "sync_1bit.safetensors"), { ...round, "r0.p0.w.neg": [[67, 1], Uint8Array.from(sign, (s) => (s < 0 ? 1 : 0))] });
}

test("optional parts may be absent, broken ones fail alone, and the exit code says so", async () => {
  bareLlama("bare", 0);
  bareLlama("wrong", Number.NaN);
  mkdirSync(join(root, "llama", "unreadable"));
  writeFileSync(join(root, "llama", "unreadable", "io.safetensors"), "no safetensors");
  bareDistro();
  mkdirSync(join(root, "matformer"));
  const script = join(import.meta.dirname, "golden.ts");
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(process.execPath, [script, root], (error, out) => resolve({ code: error?.code ?? 0, stdout: out }));
  });
  const lines = stdout.split("\n").filter((line) => /^(ok|FAIL|skip)/.test(line));
  expect(lines.map((line) => line.replace(/(\/[^/:]+|matformer):.*/, "$1"))).toEqual([
    "ok   llama/bare/logits",
    "ok   llama/bare/logits of generation",
    "FAIL llama/unreadable/run",
    "FAIL llama/wrong/logits",
    "ok   llama/wrong/logits of generation",
    "ok   distro/sync_f32/indices",
    "ok   distro/sync_f32/values",
    "ok   distro/sync_f32/signs applied",
    "ok   distro/sync_f32/final parameters",
    "FAIL distro/sync_1bit/run",
    "FAIL matformer/run",
  ]);
  expect(stdout).toContain("the golden tensor final.w should have 67 elements, has none");
  expect(stdout.trimEnd().split("\n").at(-1)).toBe("7 passed, 4 failed, 0 skipped");
  expect(code).toBe(1);
});
