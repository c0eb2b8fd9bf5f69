import { ActionError } from "@starling/sdk/actions/errors";
import { expect, it } from "vitest";
import { signedNow, unheardOf, unheardStore, wasCarriedOut } from "./unheard.ts";

type Outcome = "done" | "failed" | null;
const unknown = new ActionError("unknown-outcome", "nobody knows", { signature: "sig" });

function chainOf(outcomes: Outcome[]) {
  const stop = new AbortController();
  const asked: string[] = [];
  const outcome = async (signature: string): Promise<Outcome> => {
    asked.push(signature);
    return outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!;
  };
  return { stop, asked, chain: { signal: stop.signal, outcome } };
}

it("is about transactions whose outcome is unknown, and no other failure", () => {
  expect(unheardOf(unknown, false)).toMatchObject({ signature: "sig", error: unknown });
  expect(unheardOf(new ActionError("cancelled", "no"), false)).toBeNull();
  expect(unheardOf(new ActionError("unknown-outcome", "no signature"), true)).toBeNull();
  expect(unheardOf(null, false)).toBeNull();
});

it("waits for a young one until it is known, and repeats nothing that was carried out", async () => {
  const { chain, asked } = chainOf([null, null, "done"]);
  expect(await wasCarriedOut(unheardOf(unknown, true)!, chain, 1)).toBe(true);
  expect(asked).toEqual(["sig", "sig", "sig"]);
});

it("one that failed, or that nobody knows after its blockhash is dead, may be sent again", async () => {
  expect(await wasCarriedOut(unheardOf(unknown, true)!, chainOf([null, "failed"]).chain, 1)).toBe(false);
  const silent = chainOf([null]);
  expect(await wasCarriedOut(unheardOf(unknown, false)!, silent.chain, 1)).toBe(false);
  expect(silent.asked).toHaveLength(1);
  expect(await wasCarriedOut(unheardOf(unknown, false)!, chainOf(["done"]).chain, 1)).toBe(true);
});

it("stops looking when its owner does", async () => {
  const { chain, stop } = chainOf([null]);
  const looked = wasCarriedOut(unheardOf(unknown, true)!, chain, 60_000);
  stop.abort(new Error("enough"));
  await expect(looked).rejects.toThrow();
});

function memory(): Storage {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => void items.set(key, text),
    removeItem: (key: string) => void items.delete(key),
  } as unknown as Storage;
}

it("outlives the page, by action, until its outcome is known", async () => {
  const storage = memory();
  unheardStore(() => storage).write("net.top-up.a", signedNow("sig"));
  const nextPage = unheardStore(() => storage);
  expect(nextPage.read("net.top-up.b")).toBeNull();
  const kept = nextPage.read("net.top-up.a")!;
  expect(kept).toMatchObject({ signature: "sig", error: { name: "ActionError", code: "unknown-outcome", signature: "sig" } });
  // it may be carried out for as long as its blockhash lives: it is looked for, more than once
  expect(kept.untilMs).toBeGreaterThan(Date.now() + 60_000);
  expect(await wasCarriedOut(kept, chainOf([null, null, "done"]).chain, 1)).toBe(true);
  nextPage.write("net.top-up.a", null);
  expect(nextPage.read("net.top-up.a")).toBeNull();
});

it("one whose blockhash has died since is looked for once", async () => {
  const storage = memory();
  storage.setItem("starling.unheard.x", JSON.stringify({ signature: "sig", untilMs: 1_000 }));
  const { chain, asked } = chainOf([null]);
  expect(await wasCarriedOut(unheardStore(() => storage).read("x")!, chain, 1)).toBe(false);
  expect(asked).toEqual(["sig"]);
});

it("neither a clock that was set back, nor broken entries, nor a browser that keeps nothing hinder an action", () => {
  const storage = memory();
  const store = unheardStore(() => storage);
  storage.setItem("starling.unheard.x", JSON.stringify({ signature: "sig", untilMs: Date.now() + 1e12 }));
  expect(store.read("x")!.untilMs).toBeLessThan(Date.now() + 180_000);
  for (const text of ["{", "7", "null", "{}", '{"signature":3,"untilMs":1}']) {
    storage.setItem("starling.unheard.x", text);
    expect(store.read("x")).toBeNull();
  }
  const refusing = unheardStore(() => {
    throw new DOMException("no storage", "SecurityError");
  });
  refusing.write("x", signedNow("sig"));
  expect(refusing.read("x")).toBeNull();
});
