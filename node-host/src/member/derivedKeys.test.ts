import { generateKeyPairSigner } from "@solana/kit";
import { expect, it } from "vitest";
import { derivedKeys } from "./derivedKeys.ts";

it("gives a wallet the same keys each time, and others in another run or of another wallet", async () => {
  const [one, other] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner()]);
  const hexOf = async (...args: Parameters<typeof derivedKeys>) => {
    const { sessionSeed, peerSeed, ownerSeed } = await derivedKeys(...args);
    return [sessionSeed, peerSeed, ownerSeed].map((seed) => Buffer.from(seed).toString("hex"));
  };
  const keys = await hexOf(one, "run");
  expect(await hexOf(one, "run")).toEqual(keys);
  expect(new Set([...keys, ...(await hexOf(one, "run2")), ...(await hexOf(other, "run"))]).size).toBe(9);
  expect(keys.every((key) => key.length === 64)).toBe(true);
});

it("begins chains later than any that a process before it can have begun", async () => {
  const wallet = await generateKeyPairSigner();
  const { chainsBegun } = await derivedKeys(wallet, "run");
  expect(Math.abs(chainsBegun - Date.now() / 1000)).toBeLessThan(5);
});
