/**
 * A run on the chain in trouble: a client killed, RPCs gone, everybody gone; a member that leaves with its session's money, one whose
 * session has expired, one that is ejected. Scenes of many minutes, with real daemons on a local validator: STARLING_CHAIN_TROUBLES=1.
 */
import { readFileSync } from "node:fs";
import {
  type Address,
  createKeyPairSignerFromBytes,
  createKeyPairSignerFromPrivateKeyBytes,
  generateKeyPairSigner,
  getAddressEncoder,
  type KeyPairSigner,
} from "@solana/kit";
import { CoordinatorError, parseIdentity } from "@starling/sdk";
import { equalBytes } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import { findAuthorization, readRunHeader } from "@starling/sdk/solana/accounts";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { CLOCK_SYSVAR } from "@starling/sdk/solana/clusterClock";
import { healthCheck, joinRun, openSession } from "@starling/sdk/solana/instructions";
import { LOCAL_PROGRAMS, runAddresses } from "@starling/sdk/solana/pdas";
import { runFacts } from "@starling/sdk/solana/stateAccounts";
import { connectSolanaCoordinator, type SolanaCoordinator } from "@starling/sdk/solana/solanaCoordinator";
import { TransactionSender } from "@starling/sdk/solana/transactions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Node } from "./src/liveRun.ts";
import { addressOf, type Dump, OnChain } from "./src/onChain.ts";
import { PointsBook } from "./src/pointsBook.ts";
import { Proxy } from "./src/proxy.ts";

const isWanted = process.env["STARLING_CHAIN_TROUBLES"] === "1" && process.platform === "linux" && process.arch === "x64";
const EVERYONE = "11111111111111111111111111111111";
const RUN = "troubles";
const STARTED_MS = 300_000;
const EPOCH_MS = 300_000;
const GONE_MS = 60_000;
const BOTH_GONE_MS = 20_000;
/** points an epoch; no number of rounds divides it */
const RATE = 1_000_003n;
const REFUSED = 6; // docs/commands.md

interface Told {
  epoch: { epoch: number };
  clients: { members: { owner: string; earned: string }[] };
  accounting: { unsettled: { earned: string } };
}

describe.skipIf(!isWanted)("a run on the chain in trouble", { timeout: 1_800_000 }, () => {
  const chain = new OnChain();
  let primary: Proxy;
  let fallback: Proxy;
  const daemons: Node[] = [];
  let cluster: ClusterClient;
  let spectator: SolanaCoordinator;
  let book: PointsBook;
  const epochOf = (node: Node): number => node.phases.at(-1)?.epoch ?? 0;
  const trains = (node: Node, afterStep = 0): boolean => node.told("trained").some(({ step }) => step > afterStep);
  const stepOf = (node: Node): number => node.phases.at(-1)?.step ?? 0;
  const rpcs = () => ({ RPC: primary.rpc, WS_RPC: primary.ws, RPC_2: fallback.rpc, WS_RPC_2: fallback.ws });
  const start = (number: number, ...args: string[]): Node => {
    const node = chain.train(`rig-${number}`, number, RUN, rpcs(), ...args);
    daemons[number - 2] = node;
    return node;
  };
  const hashesAgree = (): void => {
    const bySteps = new Map<number, Set<string>>();
    for (const node of daemons) for (const [step, hash] of node.hashes()) bySteps.set(step, (bySteps.get(step) ?? new Set()).add(hash));
    expect([...bySteps].filter(([, hashes]) => hashes.size > 1)).toEqual([]);
  };

  /** Session and peer id keys of a rig. */
  async function keysOf(number: number): Promise<{ session: KeyPairSigner; peer: KeyPairSigner; chainHead: Uint8Array }> {
    const path = `${chain.own(`rig-${number}`)}/.starling/${RUN}/${addressOf(chain.wallet(number))}.identity.json`;
    const { sessionSeed, peerSeed } = parseIdentity(readFileSync(path, "utf8"));
    const [session, peer] = await Promise.all([sessionSeed, peerSeed].map((seed) => createKeyPairSignerFromPrivateKeyBytes(seed)));
    return { session, peer, chainHead: new Uint8Array(32).fill(9) };
  }

  const walletOf = (number: number): Promise<KeyPairSigner> =>
    createKeyPairSignerFromBytes(Uint8Array.from(JSON.parse(readFileSync(chain.wallet(number), "utf8")) as number[]));

  /** Every member has, to the point, what its rounds of all epochs so far are worth. */
  async function pointsAreExact(): Promise<void> {
    const isQuiet = (dump: Dump): boolean => {
      const { accounting, epoch } = dump as unknown as Told;
      return epoch.epoch > 0 && accounting.unsettled.earned === "0" && dump.run.state.startsWith("Round");
    };
    const { epoch, clients } = (await chain.dumpWhen(RUN, EPOCH_MS, isQuiet)) as unknown as Told;
    const earned = Object.fromEntries(clients.members.map((member) => [member.owner, member.earned]));
    expect(earned).toEqual(book.earned(RATE, epoch.epoch));
    expect(Object.values(earned).some((points) => points !== "0")).toBe(true);
  }

  beforeAll(async () => {
    await chain.start(4);
    primary = new Proxy(chain.rpc);
    fallback = new Proxy(chain.rpc);
    await Promise.all([primary.start(), fallback.start()]);
    await chain.by(1, "join-authorization-create", "--authorizer", EVERYONE);
    await chain.by(1, "create-run", "--run-id", RUN);
    await chain.by(1, "update-config", "--run-id", RUN, "--config-path", "test");
    await chain.by(1, "set-future-epoch-rates", "--run-id", RUN, "--earning-rate", String(RATE), "--slashing-rate", "0");
    cluster = new ClusterClient({ rpcUrls: [chain.rpc], wsUrls: [chain.ws] });
    spectator = await connectSolanaCoordinator({ client: cluster, runId: RUN });
    book = new PointsBook(spectator);
    await chain.by(1, "set-paused", "--run-id", RUN, "--resume");
    for (const number of [2, 3, 4]) start(number, "--drain", String(number === 3));
    await chain.until("three train together", STARTED_MS + EPOCH_MS, () =>
      daemons.every((node) => trains(node) && node.phases.at(-1)!.live === 3),
    );
  }, 900_000);
  afterAll(async () => {
    await spectator?.close();
    await cluster?.close();
    await Promise.all([primary?.stop(), fallback?.stop()]);
    await chain.stop();
  });

  it("the primary RPC is gone for a minute: no round is missed", async () => {
    const before = stepOf(daemons[0]);
    const trainedBefore = daemons.map((node) => node.told("trained").length);
    await primary.stop();
    await new Promise((resolve) => setTimeout(resolve, GONE_MS));
    await primary.start();
    expect(stepOf(daemons[0])).toBeGreaterThan(before);
    for (const [i, node] of daemons.entries()) {
      expect(node.ended).toBe(false);
      expect(node.told("trained").length).toBeGreaterThan(trainedBefore[i]);
      expect(node.of("warning").some((line) => String(line["message"]).includes("goes on over"))).toBe(true);
      expect(node.phases.at(-1)!.live).toBe(3);
    }
    hashesAgree();
  });

  it("both RPCs are gone for 20 s: it goes on afterwards", async () => {
    await Promise.all([primary.stop(), fallback.stop()]);
    await new Promise((resolve) => setTimeout(resolve, BOTH_GONE_MS));
    const before = stepOf(daemons[0]);
    await Promise.all([primary.start(), fallback.start()]);
    await chain.until("all three train again", EPOCH_MS, () => daemons.every((node) => trains(node, before + 1)));
    hashesAgree();
  });

  it("a client that is killed costs its own batches, and is back by the next epoch", async () => {
    const [first, , third] = daemons;
    await chain.until(
      "a round is under way",
      EPOCH_MS,
      () => first.phases.at(-1)?.runState === "RoundTrain" && third.phases.at(-1)?.live === 3,
    );
    third.signal("SIGKILL");
    await third.running.ended;
    const epoch = epochOf(first);
    const again = start(4);
    await chain.until("the others end the epoch", EPOCH_MS, () => epochOf(first) > epoch && epochOf(daemons[1]) > epoch);
    await chain.until("it trains again", STARTED_MS + 2 * EPOCH_MS, () => trains(again));
    hashesAgree();
    await pointsAreExact();
    const [one, two, killed] = [2, 3, 4].map((number) => book.rounds(epoch, addressOf(chain.wallet(number))));
    expect(one).toBe(two);
    expect(killed).toBeLessThan(one);
  });

  it("one that drains finishes its round first", async () => {
    const node = daemons[1];
    const isTraining = (): boolean => node.phases.at(-1)?.runState === "RoundTrain" && !trains(node, stepOf(node) - 1);
    await chain.until("it has a batch to train", EPOCH_MS, isTraining);
    const step = stepOf(node);
    expect(await chain.end(node)).toBe(0);
    expect(node.told("trained").some((line) => line.step >= step)).toBe(true);
    expect(node.told("witnessSent").some((line) => line.step >= step)).toBe(true);
    expect(node.told("left")).toHaveLength(1);
    const again = start(3);
    await chain.until("it trains again", STARTED_MS + 2 * EPOCH_MS, () => trains(again));
    hashesAgree();
  });

  it("all leave and come back: the run goes on from its checkpoint", async () => {
    const last = await chain.until("an agreed checkpoint", EPOCH_MS, () => daemons[0].of("saved").findLast((line) => line["agreed"]));
    for (const node of daemons) expect(await chain.end(node)).toBe(0);
    const left = (await chain.dump(RUN)).run;
    for (const number of [2, 3, 4]) start(number);
    await chain.until("they train again", STARTED_MS + EPOCH_MS, () => daemons.every((node) => trains(node, Number(last["step"]))));
    const resumed = daemons.flatMap((node) => node.of("resumed")).map((line) => line["parameterHash"]);
    expect(resumed).toContain(left.parameterHash);
    hashesAgree();
  });

  it("a member that closes its session gets rent and float back, and can do nothing by it any more", async () => {
    const owner = addressOf(chain.wallet(4));
    await chain.end(daemons[2]);
    const open = await chain.balance(owner);
    const leaving = start(4, "--close-session", "true");
    await chain.until("it is a member again", STARTED_MS, () => leaving.phases.some(({ runState }) => runState !== "Paused"));
    const session = String(leaving.of("session").at(-1)?.["session"] ?? daemons[2].of("session").at(-1)?.["session"]);
    expect(await chain.end(leaving)).toBe(0);
    const closed = await chain.balance(owner);
    // rent of 560 bytes, and most of 0.05 SOL
    expect(closed - open).toBeGreaterThan(30_000_000n);
    expect(session).not.toBe("");
    const refused = await chain.succeeds([
      ...["checkpoint", "--run-id", RUN, "--location", "elsewhere"],
      ...["--identity-secret-key-path", `${chain.own("rig-4")}/.starling/${RUN}/${owner}.identity.json`],
      ...["--wallet-private-key-path", chain.wallet(4)],
    ]);
    expect(refused.code).not.toBe(0);
  });

  it("an expired session and a foreign one are refused; a daemon renews its own, and ends with 6 when it is ejected", async () => {
    const at = await runAddresses(LOCAL_PROGRAMS, RUN);
    const sender = new TransactionSender(cluster, LOCAL_PROGRAMS);
    const owner = await walletOf(4);
    const { session, peer, chainHead } = await keysOf(4);
    if (!daemons[2].ended) await chain.end(daemons[2]);
    // on a busy machine the cluster's clock falls behind
    const nowMs = async (): Promise<bigint> => {
      const { data } = (await cluster.account(CLOCK_SYSVAR as Address))!;
      return 1000n * new DataView(data.buffer, data.byteOffset).getBigInt64(32, true);
    };
    const brief = { expiresMs: (await nowMs()) + 8_000n, floatLamports: 10_000_000n };
    await sender.send([await openSession(at, owner, session, peer, brief)], owner);
    while ((await nowMs()) <= brief.expiresMs) await new Promise((resolve) => setTimeout(resolve, 500));
    const header = (await readRunHeader(cluster, at))!;
    const { address: grant } = (await findAuthorization(cluster, LOCAL_PROGRAMS, header, owner.address))!;
    const join = await joinRun(at, session, owner.address, grant, { chainHead, multiaddrs: [] });
    await expect(sender.send([join], owner)).rejects.toThrow(/SessionExpired/);
    const state = () => Machine.load(spectator.snapshot()!.bytes).state();
    // a key that no owner of a slot has named acts for nobody
    const foreign = await generateKeyPairSigner();
    const { table } = runFacts(header.machine);
    const check = healthCheck(at, foreign, { table, slot: 0 }, [1]);
    await expect(sender.send([check], owner)).rejects.toThrow(/NotTheSlotsSession/);

    const node = start(4);
    await chain.until("it renews its session", STARTED_MS, () => node.of("session"));
    const isIn = (): boolean =>
      trains(node) && state().runState === "RoundTrain" && state().clients.every((slot) => slot.state === "Healthy");
    await chain.until("three train", STARTED_MS + 2 * EPOCH_MS, () => isIn() && state().clients.length === 3);
    const key = new Uint8Array(getAddressEncoder().encode(session.address));
    const slot = state().clients.findIndex((one) => equalBytes(one.session, key));
    for (const number of [2, 3]) {
      const { session: voter } = await keysOf(number);
      const port = await connectSolanaCoordinator({ client: cluster, runId: RUN, session: voter });
      await chain.until("the voter sees the run", 30_000, () => port.snapshot());
      // on a busy machine the validator can be slower than a call waits for it
      for (let tries = 1; ; tries++) {
        const isUnheard = (error: unknown): boolean => error instanceof CoordinatorError && error.code === "unreachable" && tries < 5;
        const error: unknown = await port.reportEquivocation(slot).catch((reason: unknown) => reason);
        if (error === undefined) break;
        if (!isUnheard(error)) throw error;
      }
      await port.close();
    }
    expect((await node.running.ended).code).toBe(REFUSED);
  });
});
