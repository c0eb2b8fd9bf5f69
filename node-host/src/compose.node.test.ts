import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunConfig } from "@starling/config";
import { loadRunConfig } from "@starling/config/presets.node";
import { describe, expect, it } from "vitest";
import { planOf } from "./compose.ts";

describe("planOf", () => {
  const { config } = loadRunConfig("test", process.cwd());
  const { signal } = new AbortController();

  it("says in one sentence what a run wants that is not here, as what the operator can mend", async () => {
    const hub: RunConfig = structuredClone(config);
    hub.model.LLM.checkpoint = { Hub: { repo_id: "someone/llama" } };
    await expect(planOf(hub, undefined, signal)).rejects.toMatchObject({
      name: "HostError",
      code: "bad-option",
      message: expect.stringMatching(/^this run cannot be trained here: .*name the folder with --checkpoint$/),
    });
    const folder = mkdtempSync(join(tmpdir(), "starling-compose-"));
    try {
      await expect(planOf(hub, folder, signal)).rejects.toMatchObject({
        name: "HostError",
        code: "bad-option",
        message: `--checkpoint ${folder}: config.json is missing; is this a checkpoint?`,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
