import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { newDraft, valuesOfToml, type Draft, type Rewards } from "./draft.ts";
import { checkDraft, granteesOf } from "./draftProblems.ts";

const toml = readFileSync(new URL("../../../../config/runs/test/config.toml", import.meta.url), "utf8");
const draft = (change: Partial<Draft> = {}): Draft => ({
  ...newDraft({ id: "a", nowMs: 0, origin: "test", cluster: "localnet", config: valuesOfToml(toml, "test") }),
  ...change,
});
const rewards = (change: Partial<Rewards>): Draft => draft({ rewards: { ...draft().rewards, ...change } });
const MINT = "So11111111111111111111111111111111111111112";

describe("checkDraft", () => {
  test("a preset is ready, also for a server", () => {
    expect(checkDraft(draft(), null).problems).toEqual([]);
    expect(checkDraft(draft({ cluster: null }), null).config?.run_id).toBe("test");
  });

  test("rates are typed in tokens, and the config has the smallest units", () => {
    const { config } = checkDraft(rewards({ mode: "mint", mint: MINT, earning: "12.5", slashing: "1" }), 6);
    expect(config?.config).toMatchObject({ earning_rate_total_shared: 12_500_000, slashing_rate_per_client: 1_000_000 });
    const points = checkDraft(rewards({ earning: "70" }), null);
    expect(points.config?.config.earning_rate_total_shared).toBe(70);
  });

  test("there is no config while the token's decimals are not known", () => {
    expect(checkDraft(rewards({ mode: "mint", mint: MINT, earning: "1" }), null)).toEqual({ config: null, problems: [] });
  });

  test.each<[Partial<Rewards>, string, string]>([
    [{ earning: "0.5" }, "rewards.earning", "it must be a whole number, and this has 1"],
    [{ mode: "new-mint", slashing: "0.1234567" }, "rewards.slashing", "it can be divided to 6 decimals, and this has 7"],
    [{ mode: "new-mint", earning: "99999999999" }, "rewards.earning", "must be at most 9007199254.740991"],
    [{ mode: "new-mint", supply: "5", topUp: "6" }, "rewards.topUp", "must be at most the 5 tokens that are made"],
    [{ mode: "new-mint", decimals: "12" }, "rewards.decimals", "must be an integer from 0 to 9"],
    [{ mode: "mint", mint: "" }, "rewards.mint", "is required: the address of a token's mint"],
    [{ mode: "mint", mint: "0x12" }, "rewards.mint", "must be: the address of a token's mint"],
  ])("%j", (change, path, rule) => {
    expect(checkDraft(rewards(change), 6).problems).toMatchObject([{ step: "rewards", path, rule }]);
  });

  test("access", () => {
    const access = { ...draft().access, mode: "private" as const, grantees: `${MINT}, nobody\n${MINT}`, minBond: "x" };
    expect(granteesOf(access.grantees)).toEqual([MINT, "nobody"]);
    expect(checkDraft(draft({ access }), null).problems.map(({ path }) => path)).toEqual(["access.grantees", "access.minBond"]);
    // nobody asks a server's run for them
    expect(checkDraft(draft({ access, cluster: null }), null).problems).toEqual([]);
  });

  test("a run needs an id, and its texts have room", () => {
    const nameless = draft({ config: { ...draft().config, run_id: "" }, name: "é".repeat(33) });
    expect(checkDraft(nameless, null).problems).toMatchObject([
      { step: "run", path: "run_id", isMissing: true },
      { step: "run", path: "name", rule: "must be at most 64 bytes, and this has 66" },
    ]);
  });
});
