import { CoordinatorError, Identity, MemoryCoordinator } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { Scene } from "@starling/sdk/testScene";
import { describe, expect, it } from "vitest";
import { giveUpSlot } from "./giveUpSlot.ts";

describe("giveUpSlot", () => {
  const network = { multiaddrs: () => ["/ip4/127.0.0.1/tcp/1"] };
  const onWarning = () => undefined;

  it("withdraws the slot and waits for the next epoch with a fresh chain that was saved before", async () => {
    const scene = new Scene();
    const [identity] = await scene.train(3);
    const coordinator = new MemoryCoordinator(scene.core, { session: identity.session.publicKey });
    const before = identity.membership().chainHead;
    let saved: Uint8Array | null = null;
    const keys = { identity, save: () => void (saved = identity.membership().chainHead) };
    await giveUpSlot({ coordinator, network, keys, onWarning, signal: new AbortController().signal });
    expect(scene.core.state().clients[0].state).toBe("Withdrawn");
    expect(scene.core.snapshot().members).toHaveLength(3);
    expect(toHex(saved!)).not.toBe(toHex(before));
    expect(toHex(identity.membership().chainHead)).toBe(toHex(saved!));
  });

  it("asks again after a failure, and no more once it is refused for good", async () => {
    const scene = new Scene();
    const [identity] = await scene.train(3);
    const coordinator = new MemoryCoordinator(scene.core, { session: identity.session.publicKey });
    const failures = [new CoordinatorError("unreachable", "nobody answers"), new CoordinatorError("ejected", "this owner was ejected")];
    coordinator.join = () => Promise.reject(failures.shift()!);
    const said: string[] = [];
    const keys = { identity, save: () => undefined };
    await giveUpSlot({ coordinator, network, keys, onWarning: (message) => said.push(message), signal: new AbortController().signal });
    expect(failures).toEqual([]);
    expect(said).toEqual([expect.stringContaining("nobody answers"), expect.stringContaining("ejected")]);
  });

  it("does nothing for a member without a slot", async () => {
    const scene = new Scene();
    await scene.train(3);
    const identity = Identity.generate({ chainLength: 8 });
    const coordinator = new MemoryCoordinator(scene.core, { session: identity.session.publicKey });
    const keys = { identity, save: () => expect.unreachable() };
    await giveUpSlot({ coordinator, network, keys, onWarning, signal: new AbortController().signal });
    expect(scene.core.snapshot().members).toHaveLength(3);
  });
});
