import { expect, test } from "vitest";
import { blobAddressOf } from "./blobAddress.ts";
import { BlobService } from "./blobs.ts";
import { encodeBlobAnswer } from "./blobWire.ts";
import { NetworkError } from "./errors.ts";
import { generateKeypair } from "./keys.ts";
import { MemoryHub } from "./memoryHub.ts";
import type { PeerNetwork } from "./port.ts";

const content = Uint8Array.from({ length: 1000 }, (_, i) => i);

/** A network whose only provider refuses, for asking too fast, as often as `refusals` says. */
function overloaded(refusals: number): { network: PeerNetwork; asked: () => number } {
  let asked = 0;
  const network = new MemoryHub({ seed: 1 }).join(generateKeypair().publicKey) as PeerNetwork;
  network.request = async () => {
    if (asked++ < refusals) throw new NetworkError("overloaded", "more requests than a peer may ask; ask again later");
    return encodeBlobAnswer(content);
  };
  return { network, asked: () => asked };
}

test("a provider that is asked too fast is asked more slowly, not given up", async () => {
  const { network, asked } = overloaded(2);
  const blobs = new BlobService({ network });
  expect(await blobs.get(await blobAddressOf(content), [generateKeypair().publicKey])).toEqual(content);
  expect(asked()).toBe(3);
});

test("who gives up while a provider is overloaded need not wait for it", async () => {
  const { network } = overloaded(Infinity);
  const blobs = new BlobService({ network });
  const reason = new AbortController();
  const work = blobs.get(await blobAddressOf(content), [generateKeypair().publicKey], { signal: reason.signal });
  setTimeout(() => reason.abort(), 100);
  await expect(work).rejects.toMatchObject({ code: "aborted" });
});
