import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { toHex } from "./bytes.ts";
import { RevealChain } from "./revealChain.ts";

const secret = new Uint8Array(32).fill(3);

describe("RevealChain", () => {
  // lengths around the checkpoints' stride: one link, a square, one off it, a prime
  it.each([1, 2, 16, 17, 37, 100])("reveals its %i links one by one, then ends", (length) => {
    const chain = new RevealChain(secret, 0, length);
    let head = chain.head();
    for (let i = 0; i < length; i++) {
      const link = chain.preimageOf(head)!;
      expect(toHex(sha256(link))).toBe(toHex(head));
      head = link;
    }
    expect(chain.preimageOf(head)).toBeNull();
  });

  it("finds its place again from any link, in a new process too", () => {
    const chain = new RevealChain(secret, 0, 50);
    const heads = [chain.head()];
    for (let i = 0; i < 40; i++) heads.push(chain.preimageOf(heads[i])!);
    const restarted = new RevealChain(secret, 0, 50);
    for (const at of [30, 0, 39, 7]) expect(toHex(restarted.preimageOf(heads[at])!)).toBe(toHex(heads[at + 1]));
  });

  it("can be built in pieces", async () => {
    const [whole, pieces] = [new RevealChain(secret, 0, 5_000), new RevealChain(secret, 0, 5_000)];
    let turns = 0;
    const yieldTurn = async (): Promise<void> => void (turns += 1);
    await pieces.prepare(yieldTurn);
    expect(turns).toBe(6);
    expect(toHex(pieces.head())).toBe(toHex(whole.head()));
    await pieces.prepare(yieldTurn);
    expect(turns).toBe(6);
  });

  it("does not know other chains, those of the same secret included", () => {
    const chain = new RevealChain(secret, 0, 20);
    expect(new RevealChain(secret, 1, 20).preimageOf(chain.head())).toBeNull();
    expect(chain.preimageOf(new Uint8Array(32))).toBeNull();
  });

  it("refuses a wrong secret, number or length", () => {
    expect(() => new RevealChain(new Uint8Array(31), 0)).toThrow(RangeError);
    expect(() => new RevealChain(secret, -1)).toThrow(RangeError);
    expect(() => new RevealChain(secret, 0, 0)).toThrow(RangeError);
  });
});
