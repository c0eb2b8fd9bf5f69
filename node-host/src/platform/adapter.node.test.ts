import { describe, expect, it } from "vitest";
import { chooseAdapter, probeSystemAdapter } from "./adapter.ts";

describe("chooseAdapter", () => {
  it("takes a GPU where the machine has one, refuses to do without where one was demanded, and always has the software adapter", async () => {
    const found = await probeSystemAdapter();
    const auto = await chooseAdapter("auto");
    if (found === null) {
      await expect(chooseAdapter("gpu")).rejects.toMatchObject({ code: "no-adapter" });
      expect(auto).toMatchObject({ choice: "software", sentence: expect.stringMatching(/^no GPU found/) });
    } else {
      expect((await chooseAdapter("gpu")).choice).toBe("gpu");
      if (!found.isFallbackAdapter) expect(auto.choice).toBe("gpu");
    }
    expect(await chooseAdapter("software")).toMatchObject({ choice: "software", sentence: expect.stringMatching(/^--device software/) });
  });
});
