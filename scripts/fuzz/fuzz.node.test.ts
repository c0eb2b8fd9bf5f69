/** A short pass over every decoder; `node scripts/fuzz/run.ts` is the long one. */
import { describe, expect, test } from "vitest";
import * as messages from "@starling/trainer-core/protocol/messages";
import { corpusOf, fuzz } from "./fuzz.ts";
import { expectSame, type FuzzTarget } from "./target.ts";
import { targets } from "./targets/index.ts";

const SEED = 1;
const INPUTS = 20_000;
/** Each decoder stops after this long: how many inputs that are depends on the machine, that it is thousands does not. */
const LIMIT_MS = 250;

describe("every decoder", () => {
  test.each(targets.map((target) => [target.name, target] as const))(
    "%s refuses in its own words, quickly, and without much memory",
    async (name, target) => {
      const valid = [...corpusOf(name)].filter(([file]) => file.startsWith("valid-"));
      expect(valid.length).toBeGreaterThan(0);
      // A corpus that no longer decodes would fuzz nothing but the first comparison.
      for (const [file, bytes] of valid)
        expect(await target.decode(bytes), `corpus/${name}/${file}: run scripts/fuzz/makeCorpus.ts`).toBe(true);
      const untilMs = performance.now() + LIMIT_MS;
      let inputs = 0;
      for (let first = 0; first < INPUTS && performance.now() < untilMs; first += 200) {
        const { findings, inputs: tried } = await fuzz(target, { inputs: 200, seed: SEED, first });
        inputs += tried;
        expect(findings.map(({ input, problem }) => `seed ${SEED}, input ${input}: ${problem}`)).toEqual([]);
      }
      expect(inputs).toBeGreaterThan(200);
    },
  );

  test("no message between peers is left out", () => {
    const names = Object.entries(messages).filter(([, value]) => typeof value === "object" && value !== null && "decode" in value);
    const kebab = (name: string): string => name.replace(/Message$/, "").replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
    const fuzzed = new Set(targets.map(({ name }) => name));
    expect(names.map(([name]) => kebab(name)).filter((name) => !fuzzed.has(name))).toEqual([]);
  });
});

describe("the harness", () => {
  const sample = [...corpusOf("subscribe").values()];
  const base: FuzzTarget = {
    name: "subscribe",
    isRefusal: (error) => error instanceof RangeError,
    valid: () => sample,
    decode: () => true,
  };
  const run = (decode: FuzzTarget["decode"]): ReturnType<typeof fuzz> =>
    fuzz({ ...base, decode }, { inputs: 500, seed: SEED, maxFindings: 1, maxMs: 300 });

  test.each<[string, FuzzTarget["decode"], RegExp]>([
    ["another error", (bytes) => (bytes[0] === 0xff ? (null as unknown as { x: boolean }).x : true), /TypeError/],
    ["a refusal without words", (bytes) => { if (bytes.length < 3) throw new RangeError(); return true; }, /without a message/], // prettier-ignore
    ["a value that does not survive", (bytes) => { expectSame(bytes.length, bytes.length & ~1, "length"); return true; }, /Mismatch|length: /], // prettier-ignore
    ["64 MiB for a few bytes", (bytes) => new Uint8Array(bytes.length > 60 ? 80 << 20 : 0).fill(1).length >= 0, /MiB/],
    ["too long for one input", (bytes) => { for (const start = process.threadCpuUsage(); process.threadCpuUsage(start).user < (bytes.length > 80 ? 350_000 : 0); ); return true; }, /took \d+ ms/], // prettier-ignore
  ])("finds %s", async (_what, decode, problem) => {
    const { findings } = await run(decode);
    // on a machine that does other things too, slowness may be found as well
    expect(findings.map((finding) => finding.problem)).toContainEqual(expect.stringMatching(problem));
  });

  test("makes the same input of the same number", async () => {
    const seen: string[] = [];
    const keep = (bytes: Uint8Array): boolean => seen.push(Buffer.from(bytes).toString("hex")) > 0;
    await run(keep);
    const once = seen.splice(0);
    await run(keep);
    expect(seen).toEqual(once);
    expect(new Set(once).size).toBeGreaterThan(400);
  });
});
