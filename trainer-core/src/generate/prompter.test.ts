import { describe, expect, test } from "vitest";
import type { InferenceAnswer, InferenceRequest } from "../round/ports.ts";
import { idleWorks, prompter, type Sample } from "./prompter.ts";
import { untied } from "./testModel.ts";
import { textModel } from "./textModel.ts";

const text = { ...textModel({ ...untied, vocabSize: 256 }, null), stopTokens: [0] };

/** Answers with the bytes of `line`, token by token. */
function writer(line: string) {
  const asked: (InferenceRequest & { kind: "next" })[] = [];
  const bytes = [...new TextEncoder().encode(line)];
  const infer = async (request: InferenceRequest): Promise<InferenceAnswer> => {
    asked.push(request as InferenceRequest & { kind: "next" });
    return { kind: "next", token: bytes[(asked.length - 1) % bytes.length] };
  };
  return { asked, infer };
}

describe("prompter", () => {
  const make = (samples: Sample[], contextTokens = 100) =>
    prompter({
      ...{ prompts: ["The sea"], text, contextTokens, everyRounds: 3, maxBytes: 20, random: () => 0.5 },
      onSample: (sample) => samples.push(sample),
    });

  test("writes until there is no more room, and again some rounds later", async () => {
    const samples: Sample[] = [];
    const work = make(samples);
    const { asked, infer } = writer(" is blue and wide.");
    let pieces = 0;
    while ((await work.piece(infer, 5)) !== null) pieces++;
    expect(samples).toEqual([{ step: 5, prompt: "The sea", text: " is blue and " }]);
    expect(pieces).toBe(12);
    expect(asked[0]).toMatchObject({ tokens: [...new TextEncoder().encode("The sea")], vocabulary: 256 });
    expect(asked[1].tokens).toHaveLength(8);
    expect(new Set(asked.map(({ chance }) => chance)).size).toBe(13);
    expect(await work.piece(infer, 6)).toBeNull();
    expect(await work.piece(infer, 7)).toBeNull();
    expect(asked).toHaveLength(13);
    expect(await work.piece(infer, 8)).toBe(0);
  });

  test("goes on in the next round where it was interrupted; a stop token ends it; what a terminal obeys is not shown", async () => {
    const samples: Sample[] = [];
    const work = make(samples);
    const { infer } = writer("\u001b[2J\n\0");
    for (let step = 1; samples.length === 0; step++) await work.piece(infer, step);
    expect(samples).toEqual([{ step: 6, prompt: "The sea", text: "\uFFFD[2J\n" }]);
  });

  test("a context that is full ends it; of a prompt that leaves no room the end is taken", async () => {
    const samples: Sample[] = [];
    const work = make(samples, 8);
    const { asked, infer } = writer("abcdefgh");
    while ((await work.piece(infer, 1)) !== null);
    expect(new TextDecoder().decode(Uint8Array.from(asked[0].tokens))).toBe(" sea");
    expect(samples[0].text).toBe("abcde");
  });
});

test("of several works the first with something to do does it", async () => {
  const done: string[] = [];
  const work = (name: string, times: number) => ({
    piece: async () => {
      if (times-- <= 0) return null;
      done.push(name);
      return 0;
    },
  });
  const both = idleWorks([work("a", 1), work("b", 2)]);
  const { infer } = writer("x");
  const waits = [await both.piece(infer, 1), await both.piece(infer, 1), await both.piece(infer, 1), await both.piece(infer, 1)];
  expect([done, waits]).toEqual([
    ["a", "b", "b"],
    [0, 0, 0, null],
  ]);
});
