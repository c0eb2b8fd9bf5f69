import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cards, freeBytesOf, leastFreeBytes } from "./cards.ts";

const MIB = 2 ** 20;
const TWO =
  "NVIDIA GeForce RTX 4090, 580.95.05, 24564, 24000, 00000000:01:00.0\nNVIDIA RTX A2000, 580.95.05, 6138, 6000, 00000000:4A:00.0\n";

describe("cards", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-cards-"));
    const amd = join(folder, "pci/0000:c1:00.0");
    mkdirSync(amd, { recursive: true });
    writeFileSync(join(amd, "mem_info_vram_total"), `${8 * MIB}\n`);
    writeFileSync(join(amd, "mem_info_vram_used"), `${3 * MIB}\n`);
    mkdirSync(join(folder, "drm/card0"), { recursive: true });
    symlinkSync(amd, join(folder, "drm/card0/device"));
    mkdirSync(join(folder, "drm/card0-HDMI-A-1"));
    // another driver's, which tells no memory
    mkdirSync(join(folder, "pci/0000:00:02.0"));
    mkdirSync(join(folder, "drm/card1"));
    symlinkSync(join(folder, "pci/0000:00:02.0"), join(folder, "drm/card1/device"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are those of which a driver tells what is free", async () => {
    expect(await cards(async () => TWO, join(folder, "drm"))).toEqual([
      { name: "NVIDIA GeForce RTX 4090", pciId: "0000:01:00.0", freeBytes: 24000 * MIB },
      { name: "NVIDIA RTX A2000", pciId: "0000:4a:00.0", freeBytes: 6000 * MIB },
      { name: null, pciId: "0000:c1:00.0", freeBytes: 5 * MIB },
    ]);
    // an older card answers [N/A]
    expect(await cards(async () => "Tesla, 1, [N/A], [N/A], 00000000:01:00.0\n", join(folder, "none"))).toEqual([]);
    expect(await cards(() => Promise.reject(new Error("no nvidia-smi")), join(folder, "none"))).toEqual([]);
  });
});

describe("free memory", () => {
  const large = { name: "NVIDIA GeForce RTX 4090", pciId: "0000:01:00.0", freeBytes: 24 };
  const small = { name: "NVIDIA RTX A2000", pciId: "0000:4a:00.0", freeBytes: 6 };
  const known = [large, small];

  it("is that of the card in its place, else of its model", () => {
    expect(freeBytesOf({ name: "whatever", pciId: "0000:4a:00.0" }, known)).toBe(6);
    expect(freeBytesOf({ name: "nvidia-geforce-rtx-4090", pciId: null }, known)).toBe(24);
    expect(
      freeBytesOf({ name: "nvidia-geforce-rtx-4090", pciId: null }, [...known, { ...large, pciId: "0000:02:00.0", freeBytes: 9 }]),
    ).toBe(9);
    expect(freeBytesOf({ name: "llvmpipe", pciId: null }, known)).toBeNull();
  });

  it("of several adapters is the least; of an unknown one the largest card's", () => {
    expect(leastFreeBytes([large, small], known)).toBe(6);
    expect(leastFreeBytes([large], known)).toBe(24);
    expect(leastFreeBytes([{ name: "", pciId: null }], known)).toBe(24);
    expect(leastFreeBytes([large], [])).toBeNull();
  });
});
