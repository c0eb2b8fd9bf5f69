import { generateKeypair, MemoryHub } from "@starling/network";
import { afterEach, describe, expect, it } from "vitest";
import { toHex } from "./bytes.ts";
import { COMPLIANCE_CONFIG, ComplianceClient } from "./complianceClient.ts";
import { CoordinatorCore } from "./core.ts";
import { Identity, parseIdentity, serializeIdentity } from "./identity.ts";
import { Machine } from "./machine.ts";
import { connectTcpCoordinator } from "./tcpClient.ts";
import { serveCoordinator } from "./tcpServer.ts";

/** Two rounds that train and two that drain: two epochs spend a chain, and end on its last link. The cooldown leaves time to save again. */
const CONFIG = { ...COMPLIANCE_CONFIG, initMinClients: 2, roundsPerEpoch: 2, cooldownMs: 1_000n };
const ROUNDS_PER_EPOCH = 4;
const CHAIN_LENGTH = 8;
const EPOCHS = 3;

describe("a chain that runs out", () => {
  const undo: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
  });

  it("is followed by a fresh one, saved before it is committed to, and no round goes unwitnessed", async () => {
    const hub = new MemoryHub({ seed: 1 });
    const serverKey = generateKeypair().publicKey;
    const errors: unknown[] = [];
    const heads = new Set<string>();
    const core = new CoordinatorCore({
      machine: Machine.create("chains", CONFIG, BigInt(Date.now())),
      configToml: "",
      tickIntervalMs: 5,
      onTransition: ({ to, state }) => {
        if (to === "RoundTrain") heads.add(toHex(state.clients[0].chainHead));
      },
      onError: (error) => errors.push(error),
    });
    undo.push(() => core.stop());
    core.start();
    undo.push(serveCoordinator({ core, network: hub.join(serverKey, { allowAll: true }) }));
    const saved: number[] = [];
    const clients: ComplianceClient[] = [];
    for (let i = 0; i < 2; i++) {
      const identity = Identity.generate({ chainLength: CHAIN_LENGTH });
      let failures = 1; // a full disk, once
      const port = await connectTcpCoordinator({
        network: hub.join(identity.peer.publicKey),
        coordinator: { peerId: serverKey, multiaddrs: [] },
        session: identity.session,
        grant: (runId) => identity.grant(runId, Date.now()),
        chain: {
          identity,
          save: () => {
            if (failures-- > 0) throw new Error("no space left");
            saved.push(identity.secrets().chainsBegun);
          },
        },
      });
      undo.push(() => port.close());
      clients.push(new ComplianceClient(port, identity));
    }
    for (const client of clients) {
      await client.join();
      client.behave();
    }
    const state = await clients[0].reach(({ epoch }) => epoch === EPOCHS);
    expect(state.step).toBe(1 + ROUNDS_PER_EPOCH * EPOCHS);
    expect(heads.size).toBe(ROUNDS_PER_EPOCH * EPOCHS);
    expect(clients[0].identity.secrets().chainsBegun).toBe(2);
    expect(saved).toContain(clients[0].identity.secrets().chainsBegun);
    expect(errors).toEqual([]);
  });

  it("of the process before, or the one before that, is still known after a restart", () => {
    const before = Identity.generate({ chainLength: 32 });
    const slot = before.membership().chainHead;
    before.beginChain();
    const after = new Identity(parseIdentity(serializeIdentity(before.secrets())), { chainLength: 32 });
    after.beginChain();
    expect(after.preimageOf(slot)).toEqual(before.preimageOf(slot));
    expect(after.isChainShort).toBe(false);
    let head = after.membership().chainHead;
    for (let i = 0; i < 17; i++) head = after.preimageOf(head)!;
    expect(after.isChainShort).toBe(true);
  });
});
