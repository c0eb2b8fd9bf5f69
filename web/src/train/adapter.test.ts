import { describe, expect, it } from "vitest";
import { judgeAdapter, type BrowserFacts } from "./adapter.ts";

const fine: BrowserFacts = {
  isSecure: true,
  hasWebGpu: true,
  adapter: { name: "Some GPU", isSoftware: false, bindingBytes: 2 ** 27, bufferBytes: 2 ** 28 },
  error: null,
  memoryGiB: 8,
};
const small = { adapterBytes: 2 ** 20, hostBytes: 2 ** 20, bindingBytes: 2 ** 20 };

describe("judgeAdapter", () => {
  it("says why there is none", () => {
    const title = (change: Partial<BrowserFacts>) => {
      const verdict = judgeAdapter({ ...fine, ...change }, small);
      return verdict.kind === "fine" ? null : `${verdict.title} ${verdict.text}`;
    };
    expect(title({ isSecure: false, hasWebGpu: false, adapter: null })).toMatch(/https/);
    expect(title({ hasWebGpu: false, adapter: null })).toMatch(/no WebGPU.*Chrome/);
    expect(title({ adapter: null })).toMatch(/no graphics adapter.*acceleration.*chrome:\/\/gpu/);
    expect(title({ adapter: null, error: "blocked here" })).toMatch(/blocked here/);
  });

  it("says by numbers what is too small", () => {
    const tensor = judgeAdapter(fine, { ...small, bindingBytes: 2 ** 28 });
    expect(tensor).toMatchObject({
      kind: "too-small",
      text: expect.stringMatching(/256 MiB in one piece; Some GPU binds at most 128 MiB/),
    });
    const memory = judgeAdapter({ ...fine, memoryGiB: 4 }, { ...small, adapterBytes: 5 * 2 ** 30 });
    expect(memory).toMatchObject({ kind: "too-small", text: expect.stringMatching(/5,121 MiB.*4 GiB/) });
    // browsers say 8 for all that is more
    expect(judgeAdapter(fine, { ...small, adapterBytes: 16 * 2 ** 30 }).kind).toBe("fine");
  });

  it("takes a software adapter, and says so", () => {
    const verdict = judgeAdapter({ ...fine, adapter: { ...fine.adapter!, isSoftware: true } }, null);
    expect(verdict).toMatchObject({ kind: "fine", notes: [expect.stringContaining("software")] });
    expect(judgeAdapter(fine, small)).toMatchObject({ kind: "fine", notes: [] });
  });
});
