/** What WebGPU promises at least, a browser without asking for more has: no kernel may need more, whatever the adapter here has. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const STORAGE_BUFFERS = 8;
const WORKGROUP_BYTES = 16384;
const INVOCATIONS = 256;
const ELEMENT_BYTES: Record<string, number> = { f32: 4, u32: 4, i32: 4, "vec4<f32>": 16, "vec4<u32>": 16 };

const folder = join(import.meta.dirname, "generated");
const families = await Promise.all(
  readdirSync(folder).map(async (file) => ({
    family: file.slice(0, -".ts".length),
    ...((await import(join(folder, file))) as { wgsl: Record<string, string> }),
  })),
);
const kernels = families.flatMap(({ family, wgsl }) => Object.entries(wgsl).map(([name, text]) => [`${family}/${name}`, text] as const));

/** Of arrays whose length is a number; tiles of products, whose length is not, are held by `tileFits`. */
function workgroupBytes(text: string): number {
  const arrays = text.matchAll(/^var<workgroup> \w+: array<(.+), (\d+)>;/gm);
  return [...arrays].reduce((sum, [, element, length]) => sum + ELEMENT_BYTES[element] * Number(length), 0);
}

test.each(kernels)("%s keeps WebGPU's least limits", (_, text) => {
  expect([...text.matchAll(/var<storage\b/g)].length).toBeLessThanOrEqual(STORAGE_BUFFERS);
  expect(workgroupBytes(text)).toBeLessThanOrEqual(WORKGROUP_BYTES);
  for (const [, threads] of text.matchAll(/^(?:const|override) (?:WORKGROUP_SIZE|THREADS)(?:: u32)? = (\d+)u;/gm)) {
    expect(Number(threads)).toBeLessThanOrEqual(INVOCATIONS);
  }
});

test("and the check sees what there is", () => {
  const attention = kernels.find(([name]) => name === "attention/backwardKeysGpu")![1];
  expect(workgroupBytes(attention)).toBe(14336);
  expect([...attention.matchAll(/var<storage\b/g)].length).toBe(8);
  expect(kernels.length).toBeGreaterThan(50);
});
