import { expect, it } from "vitest";
import type { AdapterListing } from "../../platform/adapters.ts";
import { adapters } from "./adapters.ts";

const gpu: AdapterListing = {
  index: 0,
  name: "NVIDIA RTX A6000",
  pciId: "0000:41:00.0",
  vendor: "nvidia",
  description: "NVIDIA: 560.35",
  isFallbackAdapter: false,
  maxBufferBytes: 2 ** 31 - 4,
  features: ["shader-f16", "chromium-experimental-subgroup-matrix"],
  profile: "tensor",
};
const twin = { ...gpu, index: 1, pciId: "0000:42:00.0" };
const software = { ...gpu, index: 1, name: "llvmpipe", pciId: null, isFallbackAdapter: true, features: [], profile: "software" };
const card = { name: gpu.name, pciId: gpu.pciId!, freeBytes: 40_000 * 2 ** 20 };
const cards = [card, { ...card, pciId: "0000:42:00.0", freeBytes: 0 }];
const look = (list: AdapterListing[], selector?: string) =>
  adapters({ list: async () => list, cards: async () => cards, selector }).run(AbortSignal.timeout(1_000));

it("lists every adapter with what it can, and says which are out of reach or not meant", async () => {
  expect(await look([gpu, software])).toEqual({
    status: "ok",
    found:
      "0: NVIDIA RTX A6000 (0000:41:00.0), 40000 MiB free, buffers up to 2048 MiB, f16, tensor cores, kernels tensor; 1: llvmpipe, software, buffers up to 2048 MiB, no f16, kernels software",
  });
  expect(await look([gpu, twin])).toMatchObject({
    status: "warn",
    found: expect.stringMatching(/1: NVIDIA RTX A6000 \(0000:42:00\.0\), cannot be reached from the same process$/),
    remedy: expect.stringContaining("not adapter 1"),
  });
  expect(await look([gpu, software], "llvm,0")).toMatchObject({
    status: "ok",
    found: expect.stringMatching(/--adapter llvm,0 takes 1 and 0$/),
  });
  expect(await look([gpu, software], "Radeon")).toMatchObject({
    status: "fail",
    found: expect.stringMatching(/no adapter is meant by "Radeon"/),
  });
  expect(await look([])).toMatchObject({ status: "skip" });
});
