/** Actions against a real Surfpool with the three programs: shown before they are signed, stopped half-way, called again. */
import { generateKeyPairSigner, type KeyPairSigner, type TransactionSigner } from "@solana/kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCAL_PROGRAMS, runAddresses } from "../solana/pdas.ts";
import { TestCluster } from "../solana/testCluster.node.ts";
import { Chain, type Review } from "./chain.ts";
import { closeMembership } from "./closeMembership.ts";
import { createMint } from "./createMint.ts";
import { createRun } from "./createRun.ts";
import { ActionError } from "./errors.ts";
import { memberships } from "./memberships.ts";
import type { Progress } from "./progress.ts";
import { findRun, findRunHead } from "./run.ts";
import { closeSession, openSession, sweepSessions } from "./session.ts";
import { topUp } from "./topUp.ts";

const isHere = process.platform === "linux" && process.arch === "x64";
const DAY_S = 86_400;

describe.skipIf(!isHere)("actions", () => {
  let cluster: TestCluster;
  let wallet: KeyPairSigner;
  let signatures = 0;
  /** the wallet, counting how often it is asked */
  let counted: TransactionSigner;
  const stop = new AbortController();
  const reviews: Review[] = [];
  let approve: (review: Review) => boolean = () => true;
  let chain: Chain;

  beforeAll(async () => {
    cluster = TestCluster.start();
    wallet = await cluster.funded();
    counted = {
      address: wallet.address,
      signTransactions: (transactions, config) => {
        signatures += transactions.length;
        return wallet.signTransactions(transactions, config);
      },
    };
    chain = new Chain({
      ...{ client: cluster.client, programs: LOCAL_PROGRAMS, signal: stop.signal },
      review: async (review) => {
        reviews.push(review);
        if (!approve(review)) throw new ActionError("cancelled", "not approved");
      },
    });
  });
  afterAll(async () => {
    stop.abort();
    await cluster?.stop();
  });

  test("a run with rewards: what is shown is what is paid, a refusal leaves what is done, and the next call goes on there", async () => {
    const key = await generateKeyPairSigner();
    const minted = await createMint(chain, counted, { decimals: 6, initialUnits: 5_000_000n, mint: key });
    expect(minted).toMatchObject({ mint: key.address, decimals: 6 });
    expect(await createMint(chain, counted, { decimals: 6, initialUnits: 5_000_000n, mint: key })).toMatchObject({ signature: null });
    expect(reviews.at(-1)!.lines).toContain(`Make 5 tokens of ${key.address} for ${minted.tokenAccount}`);

    const input = { runId: "shown", name: "Shown", description: "d".repeat(200), mint: key.address };
    const before = await chain.balance(wallet.address);
    signatures = 0;
    reviews.length = 0;
    approve = ({ what }) => !what.includes("tables");
    await expect(createRun(chain, counted, input)).rejects.toMatchObject({ name: "ActionError", code: "cancelled" });
    expect(signatures).toBe(1);
    expect(reviews.map(({ what }) => what)).toEqual(["create run shown", "allocate the members' tables"]);
    const [first] = reviews as [Review];
    expect(first.error).toBeNull();
    expect(first.rentLamports! + first.feeLamports).toBe(before - (await chain.balance(wallet.address)));
    expect((await findRun(chain, "shown"))!.tableBytes.every((bytes) => bytes < 20_000)).toBe(true);

    approve = () => true;
    const told: Progress[] = [];
    expect(await createRun(chain, counted, input, (progress) => told.push(progress))).toMatchObject({
      ...{ isNew: false, changed: true, mint: key.address, signature: null },
    });
    expect(told.map(({ step }) => step)).toEqual([1, 2]);
    expect((await findRun(chain, "shown"))!.config).toMatchObject({ name: "Shown", description: "d".repeat(200) });
    expect(await createRun(chain, counted, input)).toMatchObject({ isNew: false, changed: false });
    await expect(createRun(chain, counted, { ...input, mint: null })).rejects.toMatchObject({ code: "wrong-state" });
    const stranger = await cluster.funded();
    await expect(createRun(chain, stranger, input)).rejects.toMatchObject({ code: "not-allowed" });

    expect(await topUp(chain, counted, { runId: "shown", units: 4_000_000n })).toMatchObject({ vaultUnits: 4_000_000n });
    expect(reviews.at(-1)!.lines).toEqual([`Move 4 tokens of ${key.address} from your token account to the run's treasury`]);
    await expect(topUp(chain, counted, { runId: "shown", units: 2_000_000n })).rejects.toMatchObject({ code: "unfunded" });
    await expect(topUp(chain, counted, { runId: "nobody's", units: 1n })).rejects.toMatchObject({ code: "not-found", advice: "list-runs" });
  });

  test("what would fail is shown as such, and nothing is signed", async () => {
    const poor = await generateKeyPairSigner();
    reviews.length = 0;
    const transfer = createMint(chain.until(stop.signal), poor, { decimals: 0, initialUnits: 1n });
    await expect(transfer).rejects.toMatchObject({ code: "unfunded" });
    const at = await runAddresses(LOCAL_PROGRAMS, "shown");
    const { setPaused } = await import("../solana/instructions.ts");
    signatures = 0;
    // the wallet is not the run's authority, its treasury is
    await expect(chain.send([setPaused(at, counted, true)], counted, "pause it")).rejects.toMatchObject({ code: "rejected" });
    expect(reviews).toMatchObject([{ what: "pause it", error: { code: "rejected" } }]);
    expect(signatures).toBe(0);
  });

  test("sessions: opened once, left alone, closed with all they hold; expired ones by anybody", async () => {
    const runId = "shown";
    const [session, peer, brief] = await Promise.all([1, 2, 3].map(() => generateKeyPairSigner()));
    const terms = { runId, peer: peer!, floatLamports: 20_000_000n };
    const before = await chain.balance(wallet.address);
    signatures = 0;
    expect(await openSession(chain, counted, { ...terms, session: session!, days: 7 })).toMatchObject({
      type: "open",
      floatLamports: 20_000_000n,
    });
    expect(signatures).toBe(1);
    expect(await openSession(chain, counted, { ...terms, session: session!, days: 7 })).toMatchObject({ type: "nothing", signature: null });
    const [mine] = await memberships(chain, wallet.address);
    expect(mine).toMatchObject({
      ...{ runId, name: "Shown", state: "Uninitialized", claimable: 0n, payable: 0n, hasParticipant: false },
      member: { earned: 0n, isEjected: false },
      treasury: { vaultUnits: 4_000_000n, decimals: 6 },
      sessions: [{ session: session!.address, floatLamports: 17_000_000n, isExpired: false }],
    });
    const open = await chain.balance(wallet.address);
    const { returnedLamports } = await closeSession(chain, counted, { runId, session: session!.address, key: session! });
    const closed = await chain.balance(wallet.address);
    // two signatures: the wallet's and the session key's
    expect(closed - open).toBe(returnedLamports - 10_000n);
    expect(await chain.balance(session!.address)).toBe(0n);
    expect(await closeSession(chain, counted, { runId, session: session!.address, key: session! })).toMatchObject({ signature: null });

    const { expiresMs } = await openSession(chain, counted, { ...terms, session: brief!, days: 4 / DAY_S });
    const anybody = await cluster.funded();
    expect(await sweepSessions(chain, anybody, { runId })).toEqual([]);
    await expect(closeSession(chain, anybody, { runId, session: brief!.address })).rejects.toMatchObject({ code: "not-allowed" });
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, expiresMs - Date.now()) + 2_000));
    const owed = await chain.balance(wallet.address);
    const [swept] = await sweepSessions(chain, anybody, { runId, nowMs: expiresMs + 61_000 });
    expect(swept).toMatchObject({ session: brief!.address, owner: wallet.address });
    expect((await chain.balance(wallet.address)) - owed).toBe(swept!.lamports);

    const done = await closeMembership(chain, counted, { runId });
    expect(done).toMatchObject({ closedMember: true, closedSessions: 0, keptLamports: 0n });
    expect(await memberships(chain, wallet.address)).toEqual([]);
    await expect(closeMembership(chain, counted, { runId })).rejects.toMatchObject({ code: "nothing-to-do" });
    // what is gone: fees, and what the brief session's key was filled up with
    expect(before - (await chain.balance(wallet.address))).toBeLessThan(3_000_000n + 100_000n);
    expect((await findRunHead(chain, { runId }))!.runId).toBe(runId);
  });
});
