/** The commands of the chain as people type them, against a real Surfpool with the three programs. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateKeyPairSigner, getBase58Decoder, type Address, type KeyPairSigner } from "@solana/kit";
import { parseRunConfig, serializeRunConfig } from "@starling/config";
import { serializeIdentity } from "@starling/sdk";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { writeConfig } from "@starling/sdk/solana/instructions";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import {
  grantAddress,
  LOCAL_PROGRAMS,
  memberAddress,
  participantAddress,
  PUBLIC_GRANTEE,
  runAddresses,
  treasuryAddress,
} from "@starling/sdk/solana/pdas";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Chain } from "@starling/sdk/actions/chain";
import { claimHistory } from "@starling/sdk/actions/claimHistory";
import { delegatesOf } from "@starling/sdk/actions/grants";
import { memberships } from "@starling/sdk/actions/memberships";
import { CONFIG } from "../chain/testConfig.ts";
import { playRun, TestMember } from "../chain/testMember.ts";
import { failure, starling } from "../cli.ts";
import { SessionKeeper } from "../member/sessionKeeper.ts";
import { startValidator, type Validator } from "../validator/validator.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
const isHere = process.platform === "linux" && process.arch === "x64";

/** thirty transactions each, of a slot or two */
const LONG_MS = 240_000;

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** In this process, as a thousand starts of Node would take longer than the rest. */
async function starlingIn(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const ended: Ended = { code: null, out: "", err: "" };
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => ((ended.out += String(text)), true));
  const err = vi.spyOn(process.stderr, "write").mockImplementation((text) => ((ended.err += String(text)), true));
  try {
    ended.code = await starling(argv, { ...env });
  } catch (error) {
    const { code, sentence } = failure(error as Error);
    ended.code = code;
    ended.err += `${sentence}\n`;
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  return ended;
}

/** As a process of its own. */
function runProcess(program: string, argv: readonly string[]): Promise<Ended> {
  const child = spawn(program, argv, { cwd: tmpdir(), stdio: ["ignore", "pipe", "pipe"] });
  const ended: Ended = { code: null, out: "", err: "" };
  child.stdout.on("data", (piece: Buffer) => (ended.out += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (ended.err += piece.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ ...ended, code })));
}

async function good(argv: readonly string[], env?: Record<string, string>): Promise<Ended> {
  const ended = await starlingIn(argv, env);
  expect(ended.code, `${argv.join(" ")}\n${ended.out}${ended.err}`).toBe(0);
  return ended;
}

let lastProgress = "";

async function goodJson(argv: readonly string[], env?: Record<string, string>): Promise<Record<string, never>> {
  const { out, err } = await good([...argv, "--json"], env);
  lastProgress = err;
  return JSON.parse(out) as Record<string, never>;
}

describe.skipIf(!isHere)("the commands of the chain", () => {
  let folder: string;
  let validator: Validator;
  let cluster: ClusterClient;
  let chain: Chain;
  let creator: string[];
  let config: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starling-commands-"));
    validator = await startValidator({ folder, wallets: 4, mint: true, slotMs: 200 });
    cluster = new ClusterClient({ rpcUrls: [validator.rpc], wsUrls: [] });
    chain = new Chain({ client: cluster, programs: LOCAL_PROGRAMS, signal: AbortSignal.timeout(2 * LONG_MS) });
    creator = ["--rpc", validator.rpc, "--wallet-private-key-path", validator.wallets[0]!];
    config = join(folder, "config.toml");
    writeFileSync(config, CONFIG);
  });
  afterAll(async () => {
    await cluster?.close();
    await validator?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const wallet = (index: number): string => validator.wallets[index]!;
  const addressOf = (index: number): Address => validator.signers[index]!.address;

  test("a public run without rewards, and whatever can be asked wrongly on the way", { timeout: LONG_MS }, async () => {
    const script = join(REPOSITORY, "scripts/join-authorization-create.sh");
    const created = await runProcess("sh", [script, validator.rpc, wallet(0), PUBLIC_GRANTEE]);
    expect(created.code, created.err).toBe(0);
    expect(created.out).toContain("lets everyone join its runs");
    expect((await good(["join-authorization-create", ...creator, "--authorizer", PUBLIC_GRANTEE])).out).toContain("nothing to do");
    expect(await goodJson(["join-authorization-read", "--rpc", validator.rpc, "--join-authority", addressOf(0)])).toMatchObject({
      active: true,
      authorizer: PUBLIC_GRANTEE,
      delegates: [],
    });

    const none = await starlingIn(["set-paused", ...creator, "--run-id", "public", "--resume"]);
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining(`there is no run "public"`) as string });
    await good(["create-run", ...creator, "--run-id", "public", "--name", "Public", "--description", "A run for everyone"]);
    expect((await good(["create-run", ...creator, "--run-id", "public"])).out).toContain("nothing to do");
    const taken = await starlingIn(["create-run", "--rpc", validator.rpc, "-w", wallet(1), "-r", "public"]);
    expect(taken).toMatchObject({ code: 1, err: expect.stringContaining("is taken") as string });

    const early = await starlingIn(["set-paused", ...creator, "--run-id", "public", "--resume"]);
    expect(early).toMatchObject({ code: 1, err: expect.stringContaining("has no configuration yet") as string });
    // a command that was stopped half-way: what is there is not sent again
    const text = new TextEncoder().encode(serializeRunConfig({ ...parseRunConfig(CONFIG, { source: "the test" }), run_id: "public" }));
    const at = await runAddresses(LOCAL_PROGRAMS, "public");
    expect(text.length).toBeGreaterThan(CHAIN_LIMITS.configChunkBytes);
    const piece = writeConfig(at, validator.signers[0]!, 0, text.subarray(0, CHAIN_LIMITS.configChunkBytes));
    await chain.send([piece], validator.signers[0]!, "stage a piece");
    const applied = await goodJson(["update-config", ...creator, "--run-id", "public", "--config-path", config]);
    expect(lastProgress).toBe(
      "sending the configuration: piece 1 of 1\ntaking the configuration into use\nupdating what is shown of the run\n",
    );
    expect(applied).toMatchObject({ config: { changed: true }, metadata: { vocabSize: "256" } });
    expect(await goodJson(["update-config", ...creator, "--run-id", "public", "--config-path", config])).toMatchObject({
      config: { changed: false },
    });
    const foreign = await starlingIn(["set-paused", "--rpc", validator.rpc, "-w", wallet(1), "--run-id", "public", "--resume"]);
    expect(foreign).toMatchObject({ code: 1, err: expect.stringContaining(`can only be changed by ${addressOf(0)}`) as string });
    expect((await good(["set-paused", ...creator, "--run-id", "public", "--resume"])).out).toContain("is WaitingForMembers");
    expect((await good(["set-paused", ...creator, "--run-id", "public", "--resume"])).out).toContain("nothing to do");
    const live = await starlingIn(["update-config", ...creator, "--run-id", "public", "--config-path", "test"]);
    expect(live).toMatchObject({ code: 1, err: expect.stringContaining("can only be changed while it is Paused") as string });
    const renamed = ["update-config", ...creator, "--run-id", "public", "--name", "Renamed", "--client-version", "1"];
    expect((await good(renamed)).out).toContain("name, clientVersion");

    expect((await good(["can-join", "--rpc", validator.rpc, "--run-id", "public", "--pubkey", addressOf(2)])).out).toContain("may join");
    const raw = getBase58Decoder().decode(crypto.getRandomValues(new Uint8Array(32)));
    await good(["can-join", "--run-id", "public", "--authorizer", PUBLIC_GRANTEE], {
      RAW_WALLET_PRIVATE_KEY: raw,
      RPC: `"${validator.rpc}"`,
    });
    const env = join(folder, ".env");
    writeFileSync(env, `export RPC='${validator.rpc}'\r\nRUN_ID=public # the run\r\nUNKNOWN=1\r\n`);
    expect((await good(["can-join", "--env-file", env, "--address", addressOf(2)])).out).toContain("may join run public");

    const runs = (await goodJson(["list-runs", "--rpc", validator.rpc])) as unknown as { runs: { runId: string; state: string }[] };
    expect(runs.runs).toMatchObject([{ runId: "public", state: "WaitingForMembers" }]);
    expect((await good(["list-runs", "--rpc", validator.rpc, "--authorizer", addressOf(1)])).out).toContain("no runs");
    const dump = JSON.parse((await good(["json-dump-run", "--rpc", validator.rpc, "--run-id", "public"])).out) as Record<string, never>;
    expect(dump).toMatchObject({
      run: {
        name: "Renamed",
        description: "A run for everyone",
        clientVersion: "1",
        state: "WaitingForMembers",
        mainAuthority: addressOf(0),
      },
      epoch: { epoch: 0, waiting: [] },
      treasury: null,
    });
    const predownload = await goodJson(["predownload", "--rpc", validator.rpc, "--run-id", "public"]);
    expect(predownload).toMatchObject({ model: { kind: "Random", fetched: false }, data: { kind: "Dummy" } });

    const ticked = await good(["tick", ...creator, "--run-id", "public", "--count", "2", "--ms-interval", "100"]);
    expect(ticked.out).toMatch(/^tick 1: WaitingForMembers, epoch 0, step 1\ntick 2: /);
    expect((await good(["set-paused", ...creator, "--run-id", "public"])).out).toContain("is Paused");
    expect(await goodJson(["join-authorization-delete", ...creator, "--authorizer", PUBLIC_GRANTEE])).toMatchObject({
      closed: true,
      membersEnded: [],
    });
    expect((await starlingIn(["can-join", "--rpc", validator.rpc, "--run-id", "public", "--pubkey", addressOf(2)])).out).toContain(
      "no grant",
    );
    const before = await chain.balance(addressOf(0));
    const closed = await goodJson(["close-run", ...creator, "--run-id", "public"]);
    expect(BigInt(closed["returnedLamports"]!)).toBe((await chain.balance(addressOf(0))) - before);
    expect(BigInt(closed["returnedLamports"]!)).toBeGreaterThan(500_000_000n);
    expect((await starlingIn(["json-info-dump", "--rpc", validator.rpc, "--run-id", "public"])).err).toContain("there is no run");
  });

  test("a private run with a delegate and rewards: balances to the unit", { timeout: LONG_MS }, async () => {
    const at = ["--rpc", validator.rpc];
    const mint = validator.mint!;
    // the join authority is another wallet than the creator; wallet 2 holds the grant and names wallet 3 as its delegate
    await good(["join-authorization-create", ...at, "-w", wallet(1), "--authorizer", addressOf(2)]);
    await good([
      "create-run",
      ...creator,
      "--run-id",
      "private",
      "--join-authority",
      addressOf(1),
      "--treasurer-collateral-mint",
      mint,
      "--description",
      "d".repeat(280),
      "--treasurer-index",
      "1",
    ]);
    await good(["update-config", ...creator, "--run-id", "private", "--config-path", config]);
    const refused = await starlingIn(["can-join", ...at, "--run-id", "private", "--pubkey", addressOf(3)]);
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining("is not authorized") as string });
    await good([
      "join-authorization-delegate",
      ...at,
      "-w",
      wallet(2),
      "--join-authority",
      addressOf(1),
      "--delegates-added",
      addressOf(0),
      addressOf(3),
    ]);
    await good([
      "join-authorization-delegate",
      ...at,
      "-w",
      wallet(2),
      "--join-authority",
      addressOf(1),
      "--delegates-clear",
      "--delegates-added",
      addressOf(3),
    ]);
    expect(
      await goodJson(["join-authorization-read", ...at, "--join-authority", addressOf(1), "--authorizer", addressOf(2)]),
    ).toMatchObject({
      delegates: [addressOf(3)],
    });
    await good([
      "set-future-epoch-rates",
      ...creator,
      "--run-id",
      "private",
      "--earning-rate",
      "1.000001",
      "--slashing-rate-per-client",
      "0.5",
    ]);
    // less than the rate asks for: the epoch promises what there is
    await good(["treasurer-top-up-rewards", ...creator, "--run-id", "private", "--collateral-amount", "0.6"]);
    await good(["set-paused", ...creator, "--run-id", "private", "--resume"]);
    const asDelegate = ["can-join", ...at, "--run-id", "private", "--authorizer", addressOf(2), "--pubkey", addressOf(3)];
    expect((await good(asDelegate)).out).toContain("may join");

    const members = await Promise.all([2, 3].map((index) => TestMember.create(validator.signers[index]!)));
    const grant = await grantAddress(LOCAL_PROGRAMS, addressOf(1), addressOf(2));
    for (const member of members) await member.join(chain, "private", grant);
    expect((await good(asDelegate)).out).toContain("it is a member already");
    const trained = await playRun(chain, "private", members, validator.signers[0]!, ({ state }) => state!.epoch === 1);
    expect(trained.state!.runState).toBe("WaitingForMembers");

    const identity = join(folder, "member.id");
    const [{ sessionSeed }] = members as [TestMember, TestMember];
    writeFileSync(identity, serializeIdentity({ ownerSeed: sessionSeed, sessionSeed, peerSeed: sessionSeed, chainsBegun: 1 }));
    const named = ["checkpoint", ...at, "-w", wallet(2), "--run-id", "private", "--repo", "starling/model", "--revision", "v1"];
    await good([...named, "--identity-secret-key-path", identity]);
    const other = await starlingIn([...named, "--identity-secret-key-path", identity, "--hash", "ab".repeat(32)]);
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining("only the agreed parameters can be its checkpoint") as string });

    expect(await goodJson(["deposit-bond", ...at, "-w", wallet(2), "--run-id", "private", "--amount", "0.25"])).toMatchObject({
      bondLamports: "250000000",
    });
    expect((await starlingIn(["withdraw-bond", ...creator, "--run-id", "private"])).err).toContain("has no member account");

    // lamports that a stranger sends to the addresses of accounts yet to be made hinder nobody
    const { run } = await runAddresses(LOCAL_PROGRAMS, "private");
    const treasury = await treasuryAddress(LOCAL_PROGRAMS, run);
    validator.fund(await participantAddress(LOCAL_PROGRAMS, treasury, addressOf(2)), 1_000_000n);
    const nobody = (await generateKeyPairSigner()).address;
    validator.fund(await memberAddress(LOCAL_PROGRAMS, run, nobody), 1_000_000n);
    expect(await goodJson(["json-dump-user", ...at, "--run-id", "private", "--address", nobody])).toMatchObject({ member: null });
    expect(await goodJson(["json-dump-user", ...at, "--run-id", "private", "--address", addressOf(2)])).toMatchObject({
      participant: null,
    });

    const poor = await starlingIn(["treasurer-top-up-rewards", ...at, "-w", wallet(2), "--run-id", "private", "--collateral-amount", "1"]);
    expect(poor).toMatchObject({ code: 1, err: expect.stringMatching(/needs 1 of token .* and has 0/) as string });
    const fine = await starlingIn(["treasurer-top-up-rewards", ...creator, "--run-id", "private", "--collateral-amount", "0.0000001"]);
    expect(fine).toMatchObject({ code: 2, err: expect.stringContaining("it can be divided to 6 decimals") as string });
    // 0.6 tokens for two members of equal rounds: 300000 units each
    const first = await goodJson(["treasurer-claim-rewards", ...at, "--run-id", "private", "-w", wallet(2)]);
    expect(first).toMatchObject({ claimedUnits: "300000", leftUnits: "0", balanceUnits: "300000" });
    expect((await good(["treasurer-claim-rewards", ...at, "--run-id", "private", "-w", wallet(2)])).out).toContain("nothing to claim");

    const dump = JSON.parse((await good(["json-info-dump", ...at, "--run-id", "private"])).out) as Record<string, never>;
    expect(dump).toMatchObject({
      run: {
        state: "WaitingForMembers",
        description: "d".repeat(280),
        parameterHashEpoch: 0,
        checkpoint: { location: "starling/model@v1", epoch: 0 },
      },
      epoch: { epoch: 1, rates: { future: { earningRateTotalShared: "1000001", slashingRatePerClient: "500000" } } },
      clients: { total: 2 },
      accounting: {
        sumEarned: "300000",
        sumSlashed: "0",
        sumClaimed: "300000",
        sumClaimable: "0",
        unclaimedPoints: "0",
        unsettled: { earned: "300000" },
      },
      treasury: {
        vaultUnits: "300000",
        claimedUnits: "300000",
        owedUnits: "300000",
        missingUnits: "0",
        burnPerEpochTokens: "1.000001",
        estimatedFundedEpochs: "0",
      },
    });
    const user = JSON.parse((await good(["json-dump-user", ...at, "--run-id", "private", "--address", addressOf(3)])).out) as Record<
      string,
      never
    >;
    expect(user).toMatchObject({
      member: { earned: "0", claimed: "0", claimable: "0" },
      participant: null,
    });

    // the grant is taken away: nobody joins by it, and its members leave with the epoch
    const deleted = await goodJson([
      "join-authorization-delete",
      ...at,
      "-w",
      wallet(1),
      "--authorizer",
      addressOf(2),
      "--run-id",
      "private",
    ]);
    expect(deleted).toMatchObject({ active: false, closed: false });
    expect((deleted["membersEnded"] as unknown as { owner: string }[]).map(({ owner }) => owner).sort()).toEqual(
      [addressOf(2), addressOf(3)].sort(),
    );
    expect((await starlingIn(asDelegate)).out).toContain("is not active");
    const again = await goodJson(["join-authorization-delete", ...at, "-w", wallet(1), "--authorizer", addressOf(2)]);
    expect(again).toMatchObject({ closed: false, membersEnded: [] });

    await good(["set-paused", ...creator, "--run-id", "private"]);
    expect((await good(["withdraw-bond", ...at, "-w", wallet(2), "--run-id", "private"])).out).toContain("no longer count as a bond");
    const unclaimed = await starlingIn(["close-run", ...creator, "--run-id", "private"]);
    expect(unclaimed).toMatchObject({ code: 1, err: expect.stringContaining("0.3 tokens of run private are not claimed yet") as string });
    // halted, and nothing unsettled any more: it need not wait
    expect((await good(["withdraw-bond", ...at, "-w", wallet(2), "--run-id", "private"])).out).toContain("0.25 SOL came back");
    const open = await starlingIn(["withdraw-surplus", ...creator, "--run-id", "private"]);
    expect(open).toMatchObject({ code: 1, err: expect.stringContaining("is not closed") as string });
    await good(["treasurer-top-up-rewards", ...creator, "--run-id", "private", "--collateral-amount", "0.75"]);
    expect(await goodJson(["treasurer-claim-rewards", ...at, "--run-id", "private", "-w", wallet(3)])).toMatchObject({
      balanceUnits: "300000",
    });
    const [owned] = await memberships(chain, addressOf(2));
    expect(owned).toMatchObject({
      ...{
        runId: "private",
        state: "Paused",
        claimable: 0n,
        payable: 0n,
        hasParticipant: true,
        treasury: { account: { claimedUnits: 600_000n } },
      },
      ...{ member: { earned: 300_000n, claimed: 300_000n }, sessions: [{ session: members[0]!.session.address }] },
    });
    const history = await claimHistory(chain, run, addressOf(2));
    expect(history).toMatchObject({ isWhole: true, claims: [{ units: 300_000n }] });
    expect(await delegatesOf(chain, addressOf(2))).toEqual([addressOf(3)]);
    expect(await chain.outcome(history.claims[0]!.signature)).toBe("done");
    // while the run is open its account of claims is kept; what is left of the session's float comes back with the rest
    const kept = await goodJson(["close-membership", ...at, "-w", wallet(2), "--run-id", "private"]);
    expect(kept).toMatchObject({ closedMember: true, closedSessions: 1, closedParticipant: false });
    expect(BigInt(kept["keptLamports"]!)).toBeGreaterThan(0n);
    await good(["close-run", ...creator, "--run-id", "private"]);
    const rest = await goodJson(["close-membership", ...at, "-w", wallet(2), "--run-id", "private"]);
    expect(rest).toMatchObject({ closedMember: false, closedParticipant: true, keptLamports: "0", returnedLamports: kept["keptLamports"] });
    expect(await goodJson(["withdraw-surplus", ...creator, "--run-id", "private"])).toMatchObject({ units: "750000" });
    // a closed run without its treasury: what its other member still has comes back all the same
    const before = await chain.balance(addressOf(3));
    const last = await goodJson(["close-membership", ...at, "-w", wallet(3), "--run-id", "private"]);
    expect(last).toMatchObject({ closedMember: true, closedSessions: 1, closedParticipant: true });
    expect((await chain.balance(addressOf(3))) - before).toBe(BigInt(last["returnedLamports"]!) - 5_000n);
    expect(await memberships(chain, addressOf(3))).toEqual([]);
    expect((await good(["sweep-sessions", ...creator, "--run-id", "private"])).out).toContain("nothing to do");
  });

  test("a daemon that was told to end closes its session all the same", { timeout: LONG_MS }, async () => {
    await good(["create-run", ...creator, "--run-id", "kept"]);
    const stop = new AbortController();
    const [, owner] = validator.signers as [KeyPairSigner, KeyPairSigner];
    const session = await generateKeyPairSigner();
    const told: string[] = [];
    const keeper = new SessionKeeper({
      ...{ runId: "kept", wallet: owner, session, peer: await generateKeyPairSigner() },
      chain: new Chain({ client: cluster, programs: LOCAL_PROGRAMS, signal: stop.signal }),
      terms: { days: 30, floatLamports: 50_000_000n },
      log: ({ type }) => told.push(type),
    });
    await keeper.attend();
    const open = await chain.balance(owner.address);
    stop.abort("SIGTERM");
    await keeper.close();
    expect(told).toEqual(["session"]);
    // rent of 560 bytes, and the float with what the key was filled up by, but for two signatures
    expect((await chain.balance(owner.address)) - open).toBeGreaterThan(50_000_000n);
    expect(await chain.balance(session.address)).toBe(0n);
  });

  test("what cannot work says so, with its exit code", async () => {
    const poor = await generateKeyPairSigner();
    const key = join(folder, "poor.json");
    const seed = crypto.getRandomValues(new Uint8Array(32));
    writeFileSync(key, JSON.stringify([...seed]));
    const at = ["--rpc", validator.rpc, "-w", key];
    const create = ["create-run", "--run-id", "r"];
    const rows: [argv: string[], code: number, says: RegExp][] = [
      [[...create, ...at], 1, /needs 0\.9\d+ SOL .* has 0 SOL/],
      [["join-authorization-create", ...at, "--authorizer", poor.address], 1, /needs 0\.\d+ SOL .* has 0 SOL/],
      [[...create, "--rpc", validator.rpc], 2, /needs a private key/],
      [[...create, "--rpc", "http://127.0.0.1:1", "-w", wallet(0)], 4, /127\.0\.0\.1:1|no RPC|reach/i],
      [[...create, ...creator, "--treasurer-collateral-mint", addressOf(1)], 1, /is not the mint of a token/],
      [
        [...create, ...creator, "--coordinator-program-id", addressOf(1)],
        1,
        /"coordinator" is not on this cluster at .*, which is no program/,
      ],
      [[...create, ...creator, "--coordinator-program-id", poor.address], 1, /"coordinator" is not on this cluster/],
      [[...create, ...creator, "--min-bond", "1e9"], 2, /must be a decimal number/],
      [[...create, ...creator, "--join-authority", "nobody"], 2, /must be a Solana address/],
      [["create-run", ...creator, "--run-id", "x".repeat(33)], 2, /1 to 32 bytes/],
      [["update-config", ...creator, "--run-id", "r", "--restart-from-step", "4"], 2, /is refused/],
      [["update-config", ...creator, "--run-id", "r"], 2, /nothing to do/],
      [["can-join", "--rpc", validator.rpc, "--run-id", "r"], 2, /whose key/],
    ];
    for (const [argv, code, says] of rows) {
      const ended = await starlingIn(argv);
      expect(ended.err, argv.join(" ")).toMatch(says);
      expect(ended.err).not.toMatch(/^\s+at /m);
      expect(ended.code, `${argv.join(" ")}\n${ended.err}`).toBe(code);
    }
  });

  test("identity files are made, shown, and never overwritten", async () => {
    const path = join(folder, "client.id");
    const made = await goodJson(["create-static-p2p-identity", path]);
    expect(made["peerId"]).toMatch(/^12D3Koo/);
    expect(await goodJson(["show-static-p2p-identity", path])).toEqual(made);
    expect((await starlingIn(["create-static-p2p-identity", path])).err).toContain("stays as it is");
  });
});
