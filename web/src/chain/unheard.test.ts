import { ActionError } from "@starling/sdk/actions/errors";
import { expect, it } from "vitest";
import { unheardOf, wasCarriedOut } from "./unheard.ts";

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
