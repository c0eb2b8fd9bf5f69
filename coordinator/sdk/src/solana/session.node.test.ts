import { createKeyPairSignerFromPrivateKeyBytes, generateKeyPairSigner, type KeyPairSigner } from "@solana/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPLIANCE_CONFIG, rejectedWith } from "../complianceClient.ts";
import { Identity } from "../identity.ts";
import { TICK_DISCRIMINATOR } from "../generated/coordinator/index.ts";
import { findAuthorization, readGrant, readMember, readSession } from "./accounts.ts";
import { ChainError } from "./chainError.ts";
import { ChainMember } from "./chainMember.ts";
import { ClusterClock } from "./clusterClock.ts";
import { closeSession } from "./instructions.ts";
import { grantAddress, LOCAL_PROGRAMS, memberAddress, type RunAddresses, sessionAddress } from "./pdas.ts";
import { RunWatch } from "./runWatch.ts";
import { connectSolanaCoordinator, type SolanaCoordinator } from "./solanaCoordinator.ts";
import { TransactionSender } from "./transactions.ts";
import { TestCluster } from "./testCluster.node.ts";

const RUN_ID = "sessions";

describe("a session", () => {
  let cluster: TestCluster;
  let at: RunAddresses;
  const ports: SolanaCoordinator[] = [];

  beforeAll(async () => {
    cluster = TestCluster.start();
    const authority = await cluster.funded();
    at = await cluster.createRun(authority, RUN_ID, "a = 1\n", {
      ...COMPLIANCE_CONFIG,
      cooldownMs: 1000n,
      waitingForMembersExtraMs: 1000n,
    });
    await cluster.setPaused(at, authority, false);
  });

  afterAll(async () => {
    await Promise.all(ports.map((port) => port.close()));
    await cluster.stop();
  });

  async function member(session: KeyPairSigner): Promise<SolanaCoordinator> {
    const port = await connectSolanaCoordinator({ client: cluster.client, runId: RUN_ID, session });
    ports.push(port);
    return port;
  }

  const lamports = async (key: KeyPairSigner): Promise<bigint> => (await cluster.client.account(key.address))!.lamports;

  it("needs the owner once, acts without it, and gives the float back when the owner closes it", async () => {
    const identity = Identity.generate({ chainLength: 64 });
    const session = await cluster.openSession(at, identity);
    const port = await member(session);
    await port.join(identity.membership(), ["/ip4/127.0.0.1/tcp/9"]);
    const owner = await createKeyPairSignerFromPrivateKeyBytes(identity.owner.seed);
    const open = (await readSession(cluster.client, at, session.address))!;
    expect(open).toMatchObject({ owner: owner.address, multiaddrs: ["/ip4/127.0.0.1/tcp/9"] });
    // refuelled to 0.003 SOL out of a float of 0.01, then it paid for its join by itself
    expect(await lamports(session)).toBeLessThan(3_000_000n);
    expect(open.lamports).toBeGreaterThan(7_000_000n);

    const before = await lamports(owner);
    await cluster.sender.send([await closeSession(at, owner, owner.address, session.address)], owner);
    expect(await readSession(cluster.client, at, session.address)).toBeNull();
    const fee = 5_000n;
    const gained = (await lamports(owner)) - before;
    expect(gained).toBeGreaterThan(open.lamports - 10n * fee);
    expect(gained).toBeLessThanOrEqual(open.lamports - fee);
    await rejectedWith("bad-grant", port.join(identity.membership(), []));
  });

  it("that is renewed lends its new end to the place that it has", async () => {
    const identity = Identity.generate({ chainLength: 64 });
    const session = await cluster.openSession(at, identity);
    const closing = new AbortController();
    const { signal } = closing;
    const [clock, errors] = [new ClusterClock(), [] as unknown[]];
    const watch = new RunWatch({ cluster: cluster.client, at, clock, signal, onView: () => {}, onError: (error) => errors.push(error) });
    const one = new ChainMember({
      ...{ cluster: cluster.client, sender: cluster.sender, at, clock, session, signal, chain: null, sessionLookMs: 100 },
      view: () => watch.view(),
      authorization: async (owner) => (await findAuthorization(cluster.client, at.programs, watch.view()!.header, owner))!.address,
      onError: (error) => errors.push(error),
    });
    const ends = (): bigint[] => (watch.view()?.state.pending ?? []).map(({ expiresMs }) => expiresMs);
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await until(() => watch.view() !== null);
    await one.join(identity.membership(), [], signal);
    await until(() => ends().length === 1);
    const [before] = ends();
    await cluster.openSession(at, identity, 7_200_000);
    await until(() => ends()[0] > before + 3_000_000n);
    await one.leave(signal);
    closing.abort();
    await Promise.all([one.ended(), watch.ended()]);
    expect(errors).toEqual([]);
  });

  it("whose tick is lost sends the next one meanwhile", async () => {
    const authority = await cluster.funded();
    const config = { ...COMPLIANCE_CONFIG, initMinClients: 1, minClients: 1, cooldownMs: 1000n, waitingForMembersExtraMs: 1000n };
    const own = await cluster.createRun(authority, "lost tick", "a = 1\n", config);
    await cluster.setPaused(own, authority, false);
    const identity = Identity.generate({ chainLength: 64 });
    const session = await cluster.openSession(own, identity);
    const closing = new AbortController();
    const { signal } = closing;
    const clock = new ClusterClock();
    const watch = new RunWatch({ cluster: cluster.client, at: own, clock, signal, onView: () => {}, onError: () => {} });
    /** The first tick is sent, and never heard of again. */
    class LossySender extends TransactionSender {
      lost = 0;
      override send(...args: Parameters<TransactionSender["send"]>): ReturnType<TransactionSender["send"]> {
        const isTick = args[0].every(({ data }) => data?.[0] === TICK_DISCRIMINATOR);
        if (!isTick || this.lost > 0) return super.send(...args);
        this.lost += 1;
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
      }
    }
    const sender = new LossySender(cluster.client, LOCAL_PROGRAMS);
    const one = new ChainMember({
      ...{ cluster: cluster.client, sender, at: own, clock, session, signal, chain: null, patienceMs: 2_000 },
      view: () => watch.view(),
      authorization: async (owner) => (await findAuthorization(cluster.client, own.programs, watch.view()!.header, owner))!.address,
      onError: () => {},
    });
    while (watch.view() === null) await new Promise((resolve) => setTimeout(resolve, 50));
    await one.join(identity.membership(), [], signal);
    while (watch.view()?.state.runState === "WaitingForMembers") await new Promise((resolve) => setTimeout(resolve, 50));
    expect(watch.view()?.state.runState).toBe("Warmup");
    expect(sender.lost).toBe(1);
    closing.abort(new ChainError("closed", "the test is over"));
    await Promise.all([one.ended(), watch.ended()]);
  });

  it("is not there yet where somebody sent lamports to its address", async () => {
    const key = (await generateKeyPairSigner()).address;
    for (const address of [await sessionAddress(at.programs, at.run, key), await memberAddress(at.programs, at.run, key)]) {
      cluster.fund(address, 0.001);
    }
    expect(await readSession(cluster.client, at, key)).toBeNull();
    expect(await readMember(cluster.client, at, key)).toBeNull();
    cluster.fund(await grantAddress(at.programs, key, key), 0.001);
    expect(await readGrant(cluster.client, at.programs, key, key)).toBeNull();
  });

  it("can do nothing when it has expired", async () => {
    const identity = Identity.generate({ chainLength: 64 });
    const port = await member(await cluster.openSession(at, identity, 3_000));
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    await rejectedWith("bad-grant", port.join(identity.membership(), []));
  });

  it("serves no other owner than the one who opened it", async () => {
    const [mine, theirs] = [Identity.generate({ chainLength: 64 }), Identity.generate({ chainLength: 64 })];
    await cluster.openSession(at, theirs);
    const port = await member(await cluster.openSession(at, mine));
    await expect(port.join({ ...mine.membership(), owner: theirs.owner.publicKey }, [])).rejects.toThrow(/join: coordinator:/);
  });

  it("says so where it was never opened", async () => {
    const identity = Identity.generate({ chainLength: 64 });
    const session = await createKeyPairSignerFromPrivateKeyBytes(identity.secrets().sessionSeed);
    cluster.fund(session.address, 1);
    const port = await member(session);
    await expect(port.join(identity.membership(), [])).rejects.toThrow(/is not open/);
    await rejectedWith("not-member", port.leave());
  });
});
