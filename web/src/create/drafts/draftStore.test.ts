import { describe, expect, test } from "vitest";
import { changedRewards, hasSent, importToml, newDraft, newDraftId, readDraft, valuesOfToml } from "./draft.ts";
import { draftStore, withSent } from "./draftStore.ts";

const TOML = `[config]\nwarmup_time = 30\nearning_rate_total_shared = 500\n`;
const draft = (id: string, nowMs = 1000) =>
  newDraft({ id, nowMs, origin: "a test", cluster: "localnet", config: valuesOfToml(TOML, "test") });

/** What a browser's Storage does, with a limit. */
function fakeStorage(maxCharacters = Infinity): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (i) => [...items.keys()][i] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem(key, text) {
      if (text.length > maxCharacters) throw new DOMException("full", "QuotaExceededError");
      items.set(key, text);
    },
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
}

describe("drafts", () => {
  test("come back as they were, newest first", () => {
    const storage = fakeStorage();
    const store = draftStore(storage);
    const [old, young] = [draft("a", 1000), { ...draft("b", 2000), sent: { owner: "me", mint: "m", done: ["create-run"] } }];
    expect([store.write(old, null), store.write(young, null)]).toEqual([{ kind: "kept" }, { kind: "kept" }]);
    storage.setItem("starling.theme", "dark");
    storage.setItem("starling.draft.broken", "{");
    expect(draftStore(storage).list()).toEqual([young, old]);
    store.remove("a");
    expect(store.read("a")).toBeNull();
    expect(storage.getItem("starling.draft.broken")).toBe("{");
  });

  test.each([
    ["full", fakeStorage(10)],
    ["refused", null],
  ])("where storage is %s the page keeps them, and says so", (_, storage) => {
    const store = draftStore(storage);
    expect(store.write(draft("a"), null)).toEqual({ kind: "not-kept" });
    expect(store.read("a")).toEqual(draft("a"));
    expect(store.list()).toHaveLength(1);
  });

  test("two tabs on one draft: the later one is told and overwrites nothing, until it says so", () => {
    const storage = fakeStorage();
    const [one, two] = [draftStore(storage), draftStore(storage)];
    one.write(draft("a", 1000), null);
    const first = { ...draft("a", 2000), name: "first" };
    expect(one.write(first, 1000)).toEqual({ kind: "kept" });
    const second = { ...draft("a", 3000), name: "second" };
    expect(two.write(second, 1000)).toEqual({ kind: "overtaken", theirs: first });
    expect(two.read("a")).toEqual(first);
    expect(two.write(second, 2000)).toEqual({ kind: "kept" });
    expect(one.write({ ...first, updatedMs: 4000 }, 2000)).toEqual({ kind: "overtaken", theirs: second });
    // one that was deleted meanwhile hinders nobody
    two.remove("a");
    expect(one.write(first, 2000)).toEqual({ kind: "kept" });
  });

  test("what either tab has sent is remembered, whoever's words stay", () => {
    const theirs = { ...draft("a", 5000), name: "theirs", sent: { owner: "me", mint: null, done: ["mint", "run"] } };
    const merged = withSent(theirs, { owner: null, mint: "m", done: ["mint"] }, 4000);
    expect(merged).toEqual({ ...theirs, sent: { owner: "me", mint: "m", done: ["mint", "run"] }, updatedMs: 5001 });
    expect([draft("a"), theirs, merged].map(hasSent)).toEqual([false, true, true]);
    // a step has several transactions: with the first it has begun
    expect(hasSent({ ...draft("a"), sent: { owner: "me", mint: null, done: [] } })).toBe(true);
  });

  test("of another version keep what fits", () => {
    const text = JSON.stringify({ ...draft("a"), name: 7, access: { mode: "nobody", minBond: "2" }, rewards: null, sent: "no", extra: 1 });
    const read = readDraft(text);
    expect(read).toMatchObject({
      id: "a",
      name: "",
      access: { mode: "public", minBond: "2" },
      rewards: { mode: "none" },
      sent: { done: [] },
    });
    expect(read).not.toHaveProperty("extra");
    expect(readDraft("[]")).toBeNull();
    expect(readDraft("null")).toBeNull();
  });

  test("say what of a file has no place in the form", () => {
    const toml = `${TOML}warmup_tiem = 3\n[model.LLM.checkpoint.Random]\nseed = 1\nconfig = "llama/config.json"\n`;
    const { values, notes } = importToml(toml, "test");
    expect(values["config"]).toMatchObject({ warmup_time: "30" });
    expect(notes).toEqual([
      'config.warmup_tiem = 3: is not a known key; did you mean "warmup_time"?',
      "the model's config.json is named by a path, llama/config.json, which a page cannot read: load that file on the step Model",
    ]);
    expect(readDraft(JSON.stringify({ ...draft("a"), notes }))?.notes).toEqual(notes);
    expect(importToml(TOML, "test").notes).toEqual([]);
  });

  test("begin with the rates of their file", () => {
    expect(draft("a").rewards).toMatchObject({ earning: "500", slashing: "" });
  });
});

test("what was sent with other rewards is to be sent again, and nothing else", () => {
  const sent = { ...draft("a"), sent: { owner: null, mint: null, done: ["run", "config", "top-up", "start"] } };
  const done = (change: Parameters<typeof changedRewards>[1]): string[] => changedRewards(sent, change).sent.done;
  expect(done({ earning: "60" })).toEqual(["run", "top-up", "start"]);
  expect(done({ slashing: "1" })).toEqual(["run", "top-up", "start"]);
  expect(done({ topUp: "800" })).toEqual(["run", "config", "start"]);
  expect(done({ supply: "5" })).toEqual(sent.sent.done);
  expect(done({ earning: sent.rewards.earning })).toEqual(sent.sent.done);
  expect(changedRewards(sent, { topUp: "800" }).rewards).toEqual({ ...sent.rewards, topUp: "800" });
});

test("ids of drafts differ", () => {
  const ids = new Set(Array.from({ length: 20 }, newDraftId));
  expect(ids.size).toBe(20);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}$/);
});
