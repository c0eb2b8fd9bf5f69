import { generateKeypair, MemoryHub, type PeerNetwork } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { CoordinatorCore, Identity, MemoryCoordinator } from "@starling/sdk";
import { keyHex } from "@starling/network";
import { equalBytes } from "@starling/sdk/bytes";
import { COMPLIANCE_CONFIG } from "@starling/sdk/complianceClient";
import { Machine } from "@starling/sdk/machine";
import { nameMembers } from "@starling/sdk/nameMembers";
import { encodeAs } from "@starling/sdk/wire";
import { afterEach, describe, expect, test } from "vitest";
import { snapshotRights, type DataRights } from "./batchRights.ts";
import { COMPLIANCE_DATA, countFrom, dataProviderCompliance, firstTokens } from "./compliance.ts";
import type { DataProvider } from "./dataProvider.ts";
import { DATA_PROTOCOL, DATA_REQUEST, decodeDataInfo, decodeDataResponse, sequencesPerRequest } from "./dataProtocol.ts";
import { serveData, type DataServerEvent } from "./dataServer.ts";
import { createServerProvider, type ServerProviderOptions } from "./serverProvider.ts";
import { memoryFiles } from "./testFiles.ts";
import { u16 } from "./tokenFileCompliance.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";

const RUN_ID = "data-run";
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

let grants = 0;
/** Everything to everyone: what may be had is tested below, by a real coordinator. */
const everything: DataRights = {
  of: (_peer, start, end) => ({ granted: true, batch: { name: String(grants++), start, end } }),
  close: () => undefined,
};

function files(sequences: readonly (readonly number[])[], vocabSize: number): DataProvider {
  const source = memoryFiles({ "a.bin": u16(sequences.flat()) });
  return createTokenFileProvider(source, { maxSeqLen: 4, vocabSize, tokenBytes: 2, shuffle: "DontShuffle" });
}

async function serverProviderOn(
  server: PeerNetwork,
  client: PeerNetwork,
  provider: DataProvider,
  options: Partial<ServerProviderOptions> & { rights?: DataRights; onEvent?: (event: DataServerEvent) => void } = {},
): Promise<DataProvider> {
  const { rights = everything, onEvent, ...rest } = options;
  undo.push(serveData({ runId: RUN_ID, provider, vocabSize: 256, network: server, rights, onEvent, newsMs: 200 }));
  const address = server.multiaddrs()[0];
  const made = createServerProvider({ address, runId: RUN_ID, maxSeqLen: 4, vocabSize: 256, network: client, retryPauseMs: 20, ...rest });
  undo.push(() => made.close());
  return made;
}

dataProviderCompliance("data server, in memory", async ({ sequences, vocabSize }) => {
  const hub = new MemoryHub({ seed: 1 });
  const server = hub.join(generateKeypair().publicKey, { allowAll: true });
  // its own vocabulary is larger: the client checks for itself
  return serverProviderOn(server, hub.join(generateKeypair().publicKey), files(sequences, 256), { vocabSize });
});

const nodeNetwork = (allowAll: boolean, seed?: Uint8Array, listen = "/ip4/127.0.0.1/tcp/0"): Promise<PeerNetwork> =>
  createNodeNetwork({ seed: seed ?? generateKeypair().seed, listen: [listen], allowAll, onError: () => undefined });

describe("a data server over TCP", () => {
  test("survives a restart behind the same HOST:PORT, with another key", { timeout: 30_000 }, async () => {
    const first = await nodeNetwork(true);
    const client = await nodeNetwork(false);
    undo.push(() => client.stop());
    const port = /\/tcp\/(\d+)/.exec(first.multiaddrs()[0]!)![1];
    const provider = await serverProviderOn(first, client, files(COMPLIANCE_DATA.sequences, 256), { address: `127.0.0.1:${port}` });
    expect(firstTokens(await provider.getSequences(0n, 2n))).toEqual([0, 4, 8]);
    await first.stop();
    const meanwhile = provider.getSequences(3n, 4n);
    const second = await nodeNetwork(true, undefined, `/ip4/127.0.0.1/tcp/${port}`);
    undo.push(() => second.stop());
    undo.push(
      serveData({
        runId: RUN_ID,
        provider: files(COMPLIANCE_DATA.sequences, 256),
        vocabSize: 256,
        network: second,
        rights: everything,
      }),
    );
    expect(firstTokens(await meanwhile)).toEqual([12, 16]);
  });
});

describe("a data server", () => {
  /** A run of two members in its first round, and the batch of each. */
  async function runningRound() {
    const machine = Machine.create(RUN_ID, { ...COMPLIANCE_CONFIG, initMinClients: 2 }, BigInt(Date.now()));
    const core = new CoordinatorCore({ machine, configToml: "", tickIntervalMs: 5, onError: () => undefined });
    core.start();
    undo.push(() => core.stop());
    const hub = new MemoryHub({ seed: 2 });
    const members = [0, 1].map(() => Identity.generate({ chainLength: 64 }));
    const ports = members.map((member) => new MemoryCoordinator(core, { session: member.session.publicKey }));
    await Promise.all(ports.map((port, i) => port.join(members[i].membership(), [])));
    await until(() => core.state().runState === "Warmup");
    await Promise.all(ports.map((port) => port.warmupWitness()));
    await until(() => core.state().runState === "RoundTrain");
    const loaded = Machine.load(core.snapshot().bytes);
    const assignment = loaded.assignment(core.state().rounds.at(-1)!.height);
    const batchOf = (member: Identity) =>
      assignment.find((one) => equalBytes(core.state().clients[one.clientIndex].peerId, member.peer.publicKey))!;
    const server = hub.join(generateKeypair().publicKey, { allowAll: true });
    const rights = snapshotRights(new MemoryCoordinator(core, { session: new Uint8Array(32) }));
    const events: DataServerEvent[] = [];
    const network = (member: Identity): PeerNetwork => hub.join(member.peer.publicKey);
    const data = files(
      countFrom(0, 60).map((i) => countFrom(i, 4)),
      256,
    );
    return { hub, core, server, rights, members, batchOf, events, network, data };
  }

  const until = async (condition: () => boolean): Promise<void> => {
    for (const sinceMs = Date.now(); !condition(); await new Promise((resolve) => setTimeout(resolve, 5))) {
      if (Date.now() - sinceMs > 10_000) throw new Error("the run did not get there");
    }
  };

  test("gives a member its own batch of this round, and nobody anything else", async () => {
    const { server, rights, members, batchOf, events, network, data, hub } = await runningRound();
    const onEvent = (event: DataServerEvent): void => void events.push(event);
    const mine = await serverProviderOn(server, network(members[0]), data, { rights, onEvent, patienceMs: 3000 });
    const own = batchOf(members[0]);
    const other = batchOf(members[1]);
    expect(firstTokens(await mine.getSequences(own.start, own.end))).toEqual(countFrom(Number(own.start), Number(own.end - own.start) + 1));
    expect(await mine.getSequences(own.end, own.end)).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "served", peer: keyHex(members[0].peer.publicKey), start: own.end });

    const refusal = async (provider: DataProvider, start: bigint, end: bigint): Promise<string> =>
      provider.getSequences(start, end).then(
        () => "given",
        (error: { code: string; message: string }) => `${error.code}: ${/\(([a-z-]+)\)/.exec(error.message)?.[1]}`,
      );
    expect(await refusal(mine, other.start, other.end)).toBe("refused: not-your-batch");
    const [low, high] = own.start < other.start ? [own, other] : [other, own];
    expect(await refusal(mine, low.end, high.start)).toBe("refused: not-your-batch"); // half of it is its own

    const stranger = createServerProvider({
      address: server.multiaddrs()[0],
      runId: RUN_ID,
      maxSeqLen: 4,
      vocabSize: 256,
      network: hub.join(generateKeypair().publicKey),
      patienceMs: 1000,
      retryPauseMs: 20,
    });
    undo.push(() => stranger.close());
    await stranger.check(); // what the data are anyone may ask, before joining
    expect(await refusal(stranger, own.start, own.end)).toBe("refused: not-a-member");
    expect(events.filter((event) => event.type === "error")).toEqual([]);
  });

  test("a round that is not there yet is waited for, then refused", async () => {
    const { server, rights, members, network, data } = await runningRound();
    const mine = await serverProviderOn(server, network(members[0]), data, { rights, patienceMs: 600 });
    await expect(mine.getSequences(1000n, 1001n)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining("unknown-round"),
    });
  });

  test("a batch is given a few times, then no more in this round", async () => {
    const { server, rights, members, batchOf, network, data } = await runningRound();
    const mine = await serverProviderOn(server, network(members[0]), data, { rights, patienceMs: 500 });
    const { start, end } = batchOf(members[0]);
    for (let i = 0; i < 4; i++) await mine.getSequences(start, end);
    await expect(mine.getSequences(start, start)).rejects.toMatchObject({ message: expect.stringContaining("rate-limited") });
  });

  test("tells wrong runs, nonsense and too much apart, and goes on", async () => {
    const { server, rights, members, network, data, batchOf } = await runningRound();
    const client = network(members[0]);
    const mine = await serverProviderOn(server, client, data, { rights });
    await mine.check();
    const ask = async (request: Uint8Array): Promise<string | undefined> =>
      decodeDataResponse(await client.request(server.self, DATA_PROTOCOL, request, { maxResponseBytes: 5_000_000 })).refusal?.code;
    const { start, end } = batchOf(members[0]);
    expect(await ask(encodeAs(DATA_REQUEST, { runId: "another", start, end }))).toBe("wrong-run");
    expect(await ask(encodeAs(DATA_REQUEST, { runId: RUN_ID, start: end + 1n, end: start }))).toBe("malformed");
    expect(await ask(new Uint8Array(200).fill(0xff))).toBe("malformed");
    expect(await ask(encodeAs(DATA_REQUEST, { runId: RUN_ID, start: 0n, end: 2n ** 40n }))).toBe("too-large");
    await expect(client.request(server.self, DATA_PROTOCOL, new Uint8Array(300), { maxResponseBytes: 100 })).rejects.toMatchObject({
      code: "too-large",
    });
    expect(await ask(encodeAs(DATA_REQUEST, { runId: RUN_ID, start, end }))).toBe(undefined);
  });

  test("of another run, or with sequences of another length, is found out before training", async () => {
    const hub = new MemoryHub({ seed: 3 });
    const server = hub.join(generateKeypair().publicKey, { allowAll: true });
    const client = hub.join(generateKeypair().publicKey);
    const data = files(COMPLIANCE_DATA.sequences, 256);
    const wrong = await serverProviderOn(server, client, data, { runId: "another" });
    await expect(wrong.check()).rejects.toMatchObject({ code: "refused", message: expect.stringContaining("data of run data-run") });
    const longer = createServerProvider({ address: server.multiaddrs()[0], runId: RUN_ID, maxSeqLen: 8, vocabSize: 256, network: client });
    await expect(longer.check()).rejects.toMatchObject({ code: "bad-file", message: expect.stringContaining("sequences of 4 tokens") });
    await longer.close();
  });

  test("that is not there is given up in bounded time, by abort at once", async () => {
    const hub = new MemoryHub({ seed: 4 });
    const address = `/memory/${"00".repeat(32)}`;
    const network = hub.join(generateKeypair().publicKey);
    const provider = createServerProvider({ address, runId: RUN_ID, maxSeqLen: 4, vocabSize: 256, network, patienceMs: 200 });
    await expect(provider.check()).rejects.toMatchObject({ code: "unreachable", message: expect.stringContaining("starling data-server") });
    const controller = new AbortController();
    const work = provider.check(controller.signal);
    controller.abort();
    await expect(work).rejects.toMatchObject({ code: "aborted" });
    await provider.close();
  });

  test("one whose files broke says so, and the client tries until its patience is over", async () => {
    const hub = new MemoryHub({ seed: 5 });
    const broken = createTokenFileProvider(memoryFiles({ "a.bin": u16([999, 1, 2, 3]) }), {
      maxSeqLen: 4,
      vocabSize: 256,
      tokenBytes: 2,
      shuffle: "DontShuffle",
    });
    const events: DataServerEvent[] = [];
    const server = hub.join(generateKeypair().publicKey, { allowAll: true });
    const client = hub.join(generateKeypair().publicKey);
    const provider = await serverProviderOn(server, client, broken, { patienceMs: 200, onEvent: (event) => void events.push(event) });
    await expect(provider.getSequences(0n, 0n)).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("unavailable"),
    });
    expect(events.length).toBeGreaterThan(1);
    expect(events[0]).toMatchObject({ type: "error", error: { code: "bad-token" } });
  });

  test("an answer that could not be given does not count as given", async () => {
    const { server, rights, members, batchOf, network, data } = await runningRound();
    let failures = 5;
    const flaky: DataProvider = {
      ...data,
      getSequences: async (start, end, signal) => {
        if (failures-- > 0) throw new Error("the disk is busy");
        return data.getSequences(start, end, signal);
      },
    };
    const mine = await serverProviderOn(server, network(members[0]), flaky, { rights, patienceMs: 20_000 });
    const { start, end } = batchOf(members[0]);
    expect(await mine.getSequences(start, end)).toHaveLength(Number(end - start) + 1);
  });

  test("knows the members from strangers, who are held to stricter limits", async () => {
    const { core, server, members } = await runningRound();
    const stranger = generateKeypair().publicKey;
    const named: string[][] = [];
    const network = Object.assign(Object.create(server) as PeerNetwork, {
      setMembers: (list: readonly { peerId: Uint8Array; multiaddrs: readonly string[] }[]) =>
        named.push(list.map(({ peerId, multiaddrs }) => `${keyHex(peerId)} ${multiaddrs.length}`)),
    });
    const stop = nameMembers(new MemoryCoordinator(core, { session: stranger }), network);
    expect(named.at(-1)!.toSorted()).toEqual(members.map(({ peer }) => `${keyHex(peer.publicKey)} 0`).toSorted());
    core.tick();
    expect(named).toHaveLength(1);
    stop();
  });

  test("a batch larger than an answer comes in pieces", async () => {
    const most = sequencesPerRequest(4096, 2);
    const long = Uint16Array.from({ length: 4096 * (most + 2) }, (_, i) => i % 251);
    const source = memoryFiles({ "a.bin": new Uint8Array(long.buffer) });
    const data = createTokenFileProvider(source, { maxSeqLen: 4096, vocabSize: 256, tokenBytes: 2, shuffle: "DontShuffle" });
    const hub = new MemoryHub({ seed: 6 });
    const server = hub.join(generateKeypair().publicKey, { allowAll: true });
    const events: DataServerEvent[] = [];
    const provider = await serverProviderOn(server, hub.join(generateKeypair().publicKey), data, {
      maxSeqLen: 4096,
      onEvent: (event) => void events.push(event),
    });
    const all = await provider.getSequences(0n, BigInt(most + 1));
    expect(events.map((event) => event.type)).toEqual(["served", "served"]);
    expect(all).toHaveLength(most + 2);
    expect(all.every((sequence, i) => sequence[0] === (i * 4096) % 251 && sequence.length === 4096)).toBe(true);
  });

  test("answers that are no answers are typed errors", () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(64).fill(0x9f), encodeAs(DATA_REQUEST, { runId: "", start: 0n, end: 0n })]) {
      expect(() => decodeDataResponse(bytes)).toThrow(expect.objectContaining({ name: "DataError", code: "bad-file" }));
      expect(() => decodeDataInfo(bytes)).toThrow(expect.objectContaining({ name: "DataError", code: "bad-file" }));
    }
  });
});
