import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { testModel } from "@starling/trainer-core/checkpoint/testCheckpoint";
import type { Sample } from "@starling/trainer-core/generate/prompter";
import type { InferenceRequest } from "@starling/trainer-core/round/ports";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openIdleWork, type IdleOptions } from "./idleWork.ts";

const tokenizer = fileURLToPath(new URL("../../../trainer-core/src/tokenizer/fixtures/llama3Style.json", import.meta.url));

describe("openIdleWork", () => {
  let folder = "";
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "starling-idle-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const samples: Sample[] = [];
  const open = (change: Partial<IdleOptions>, vocabSize = 256) => {
    const options = { prompts: "builtin", promptEveryRounds: 8, evalFewshot: 0, ...change };
    const listeners = { onSample: (sample: Sample) => samples.push(sample), onTask: () => undefined };
    return openIdleWork(options, { llama: { ...testModel, vocabSize }, sequenceTokens: 32 }, listeners);
  };

  it("prompts a model of bytes; one whose tokenizer nobody tells only where it is asked for", async () => {
    expect(await open({})).toBeDefined();
    expect(await open({ prompts: "none" })).toBeUndefined();
    expect(await open({}, 4096)).toBeUndefined();
    expect(await open({ tokenizer: "bytes" }, 4096)).toBeDefined();
    expect(await open({ tokenizer }, 4096)).toBeDefined();
    const path = join(folder, "some.txt");
    writeFileSync(path, "One\n\nTwo\r\n");
    await expect(open({ prompts: path }, 4096)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringContaining("--tokenizer"),
    });
    copyFileSync(tokenizer, join(folder, "tokenizer.json"));
    expect(await open({ prompts: path, checkpoint: folder }, 4096)).toBeDefined();
  });

  it("takes the prompts of a file, one a line", async () => {
    const path = join(folder, "prompts.txt");
    writeFileSync(path, "Only this\r\n\n");
    const work = (await open({ prompts: path }))!;
    const infer = async (request: InferenceRequest) => ({ kind: "next", token: 65 + (request.tokens.length % 3) }) as const;
    while ((await work.piece(infer, 1)) !== null);
    expect(samples).toMatchObject([{ step: 1, prompt: "Only this", text: expect.stringMatching(/^[ABC]+$/) }]);
  });

  it("refuses prompts of the operator's that need tokens the model does not have, and leaves out its own", async () => {
    const path = join(folder, "beyond.txt");
    writeFileSync(path, "A long way\n");
    await expect(open({ prompts: path, tokenizer }, 20)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(/beyond\.txt: the tokenizer spells "A long way" with tokens beyond the model's 20/),
    });
    expect(await open({ tokenizer }, 20)).toBeUndefined();
  });

  it("says what is wrong with a file", async () => {
    await expect(open({ prompts: join(folder, "none") })).rejects.toThrow(/--prompts .*none cannot be read/);
    const path = join(folder, "empty.txt");
    writeFileSync(path, "\n \n");
    await expect(open({ prompts: path })).rejects.toThrow(/holds no prompt/);
    await expect(open({ tokenizer: join(folder, "none") })).rejects.toThrow(/--tokenizer .*none cannot be read/);
    await expect(open({ evalTasks: [`piqa=${join(folder, "none")}`] })).rejects.toThrow(/--eval-tasks piqa=.* cannot be read/);
    await expect(open({ evalTasks: [`piqa=${path}`] })).rejects.toMatchObject({ name: "EvaluateError" });
  });
});
