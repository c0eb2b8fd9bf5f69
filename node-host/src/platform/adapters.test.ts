import { describe, expect, it } from "vitest";
import { isReachable, namesInRefusal, selectAdapters, usableGpus, withPciIds } from "./adapters.ts";

const known = [
  { index: 0, name: "NVIDIA GeForce RTX 4070 Ti", pciId: "0000:01:00.0" },
  { index: 1, name: "NVIDIA GeForce RTX 4070", pciId: "0000:02:00.0" },
  { index: 2, name: "NVIDIA RTX A6000", pciId: "0000:41:00.0" },
  { index: 3, name: "NVIDIA RTX A6000", pciId: "0000:42:00.0" },
  { index: 4, name: "llvmpipe (LLVM 15.0.6, 256 bits)", pciId: null },
];
const indexes = (selector: string) => selectAdapters(selector, known).map(({ index }) => index);
const refusal = (selector: string) => expect(() => indexes(selector));

describe("adapters", () => {
  it("reads the names that Dawn lists", () => {
    const message =
      "no suitable backends found\nAvailable adapters:\n * backend: 'vulkan', name: 'SwiftShader Device (Subzero)'\n * backend: 'vulkan', name: 'llvmpipe (LLVM 15.0.6, 256 bits)'\n";
    expect(namesInRefusal(message)).toEqual(["SwiftShader Device (Subzero)", "llvmpipe (LLVM 15.0.6, 256 bits)"]);
    expect(namesInRefusal("no suitable backends found")).toEqual([]);
  });

  it("selects by index, PCI id, and part of a name, in the selector's order", () => {
    expect(indexes("4, 0")).toEqual([4, 0]);
    expect(indexes("41:00.0")).toEqual([2]);
    expect(indexes("0000:01:00.0")).toEqual([0]);
    expect(indexes("00000000:01:00.0")).toEqual([0]);
    expect(indexes("LLVM")).toEqual([4]);
    expect(indexes("4070 ti")).toEqual([0]);
  });

  it("says what there is where a selector means none, several, the same twice, or one that Dawn does not give", () => {
    refusal("7").toThrow(/no adapter is meant by "7"; there are 0: NVIDIA GeForce RTX 4070 Ti \(0000:01:00.0\); 1: .*; 4: llvmpipe/);
    refusal("A6000").toThrow(/"A6000" means 2 adapters: give an index or a PCI id; there are 0:/);
    refusal("0,4070 Ti").toThrow(/adapter 0 is named twice/);
    refusal("0,,1").toThrow(/is empty/);
    refusal("3").toThrow(/bears the name of one before it.*--gpus device=3.*DRI_PRIME=pci-0000_42_00_0/);
    // the name of the Ti contains that of the 4070
    expect(isReachable(known, 1)).toBe(false);
    expect(() => selectAdapters("0", [])).toThrow(/there are none here/);
  });

  it("takes GPUs before the software adapter that stands first, and none that gives no device or hides behind a namesake", () => {
    const adapter = (name: string, isFallbackAdapter: boolean, maxBufferBytes: number) => ({ name, isFallbackAdapter, maxBufferBytes });
    const listed = [
      adapter("llvmpipe (LLVM 15.0.6, 256 bits)", true, 2 ** 27),
      adapter("Intel(R) UHD Graphics", false, 0),
      adapter("NVIDIA H200", false, 2 ** 31 - 4),
      adapter("NVIDIA H200", false, 2 ** 31 - 4),
    ];
    expect(usableGpus(listed)).toEqual([listed[2]]);
    expect(usableGpus(listed.slice(0, 2))).toEqual([]);
  });

  it("finds PCI ids by the model, in the order of the bus, or where one device of a vendor is meant by one adapter", () => {
    const adapter = (name: string, vendor: string, isFallbackAdapter = false) => ({ name, vendor, isFallbackAdapter });
    const devices = [
      { id: "0000:00:02.0", vendorId: 0x8086, model: null },
      { id: "0000:41:00.0", vendorId: 0x10de, model: "NVIDIA RTX A6000" },
      { id: "0000:42:00.0", vendorId: 0x10de, model: "NVIDIA RTX A6000" },
    ];
    const adapters = [
      adapter("NVIDIA RTX A6000", "nvidia"),
      adapter("NVIDIA RTX A6000", "nvidia"),
      adapter("Intel(R) UHD Graphics", "intel"),
      adapter("llvmpipe", "mesa", true),
    ];
    expect(withPciIds(adapters, devices).map(({ pciId }) => pciId)).toEqual(["0000:41:00.0", "0000:42:00.0", "0000:00:02.0", null]);
    // one of two cards is hidden from Vulkan: which one cannot be told
    expect(withPciIds(adapters.slice(1), devices)[0].pciId).toBeNull();
  });
});
