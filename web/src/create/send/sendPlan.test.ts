import { expect, test } from "vitest";
import { newDraft, valuesOfToml, type Draft } from "../drafts/draft.ts";
import { sendPlan } from "./sendPlan.ts";

const draft: Draft = newDraft({ id: "a", nowMs: 0, origin: "", cluster: "localnet", config: valuesOfToml('run_id = "r"', "test") });
const ids = (change: Partial<Draft>, wallet = "me"): string[] => sendPlan({ ...draft, ...change }, wallet).map(({ id }) => id);

test("what is sent follows from what was chosen", () => {
  expect(ids({})).toEqual(["run", "config", "grant", "start"]);
  expect(ids({ startNow: false, access: { ...draft.access, mode: "private", grantees: "a b a" } })).toEqual([
    "run",
    "config",
    "grant:a",
    "grant:b",
  ]);
  const rewards = { ...draft.rewards, mode: "new-mint" as const, topUp: "0.5" };
  expect(ids({ rewards })).toEqual(["mint", "run", "config", "grant", "top-up", "start"]);
  expect(ids({ rewards: { ...rewards, mode: "mint", topUp: "0" } })).toEqual(["run", "config", "grant", "start"]);
});

test("grants are given by the join authority alone", () => {
  const access = { ...draft.access, joinAuthority: "other" };
  expect(ids({ access })).toEqual(["run", "config", "start"]);
  expect(ids({ access }, "other")).toContain("grant");
});
