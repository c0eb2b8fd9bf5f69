import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseAdapter } from "./adapter.ts";
import { listAdapters } from "./listAdapters.ts";
import { pciDevices } from "./pciDevices.ts";

describe("chooseAdapter", () => {
  it("takes a GPU where the machine has one, refuses to do without where one was demanded, and always has the software adapter", async () => {
    const [found] = await listAdapters("system");
    const auto = await chooseAdapter("auto");
    if (found === undefined) {
      await expect(chooseAdapter("gpu")).rejects.toMatchObject({ code: "no-adapter" });
      expect(auto).toMatchObject({ choice: "software", sentence: expect.stringMatching(/^no GPU found/), adapters: [] });
    } else {
      expect((await chooseAdapter("gpu")).choice).toBe("gpu");
      if (!found.isFallbackAdapter) expect(auto.choice).toBe("gpu");
    }
    expect(await chooseAdapter("software")).toMatchObject({ choice: "software", sentence: expect.stringMatching(/^--device software/) });
  });

  it("lists the bundled software adapter and takes it by index and by name, and lists what there is for any other", async () => {
    const [swiftShader, ...others] = await listAdapters("software");
    expect(others).toEqual([]);
    expect(swiftShader).toMatchObject({ index: 0, vendor: "google", isFallbackAdapter: true, pciId: null, profile: "software" });
    expect(swiftShader.maxBufferBytes).toBeGreaterThan(2 ** 27);
    expect(swiftShader.features).toContain("subgroups");
    expect((await chooseAdapter("software", { selector: "0" })).adapters).toEqual([swiftShader.name]);
    expect((await chooseAdapter("software", { selector: "swiftshader" })).adapters).toEqual([swiftShader.name]);
    await expect(chooseAdapter("software", { selector: "GeForce" })).rejects.toThrow(
      /no adapter is meant by "GeForce"; there are 0: SwiftShader/,
    );
  });
});

it("reads graphics devices off the PCI bus, with the model where NVIDIA's driver tells it", () => {
  const root = mkdtempSync(join(tmpdir(), "starling-pci-"));
  const put = (path: string, text: string) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  };
  const device = (id: string, kind: string, vendor: string) => {
    put(`sys/bus/pci/devices/${id}/class`, kind);
    put(`sys/bus/pci/devices/${id}/vendor`, vendor);
  };
  device("0000:41:00.0", "0x030200", "0x10de");
  device("0000:00:1f.0", "0x060100", "0x8086");
  device("0000:00:02.0", "0x030000", "0x8086");
  put("proc/driver/nvidia/gpus/0000:41:00.0/information", "Model: \t\t NVIDIA H200\nIRQ:   \t\t 107");
  expect(pciDevices(root)).toEqual([
    { id: "0000:00:02.0", vendorId: 0x8086, model: null },
    { id: "0000:41:00.0", vendorId: 0x10de, model: "NVIDIA H200" },
  ]);
  expect(pciDevices(join(root, "nowhere"))).toEqual([]);
  rmSync(root, { recursive: true });
});
