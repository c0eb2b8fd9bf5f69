/**
 * Every bad input that a person, a disk or a peer can give, in one table: a typed error with its code, words that say what to do, and
 * nobody else disturbed. What needs a run of processes is in `badInputRun.node.test.ts`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientOptions, parseOptions, parseRunConfig } from "@starling/config";
import {
  blobAddressOf,
  BlobService,
  chunkBytes,
  generateKeypair,
  maxGossipBytes,
  openRequest,
  type PeerNetwork,
  ReplayGuard,
  sealRequest,
} from "@starling/network";
import { blobProtocol, decodeBlobRequest, encodeBlobAnswer } from "@starling/network/blobWire";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { connectTcpCoordinator, CoordinatorCore, Identity, serveCoordinator } from "@starling/sdk";
import { COMPLIANCE_CONFIG } from "@starling/sdk/complianceClient";
import { Machine } from "@starling/sdk/machine";
import { CALL_DOMAIN } from "@starling/sdk/protocol";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { openTensors } from "@starling/trainer-core/checkpoint/tensorIndex";
import { createDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKEN_RULES, GOOD_CONFIG } from "./src/badConfigs.ts";
import { REPOSITORY } from "./src/processes.ts";

interface BadInput {
  name: string;
  /** gives the bad input to the real thing */
  give: () => unknown;
  code: string;
  /** what the message tells the person who reads it */
  says: RegExp;
}

async function failureOf(give: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await give();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("it was accepted");
}

function expectRefused(rows: readonly BadInput[]): void {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_name, { give, code, says }) => {
    const failure = await failureOf(give);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.code, failure.message).toBe(code);
    expect(failure.message).toMatch(says);
  });
}

const folder = mkdtempSync(join(tmpdir(), "starling-bad-input-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a run config", () => {
  test("the preset that the table bends is good", () => {
    expect(() => parseRunConfig(GOOD_CONFIG, { source: "test" })).not.toThrow();
  });

  test.each(BROKEN_RULES)("%s %s", async (key, rule, toml) => {
    const failure = await failureOf(() => parseRunConfig(toml, { source: "run.toml" }));
    expect(failure.code).toBe("run-config");
    expect(failure.message).toContain("run.toml");
    const { issues } = failure as unknown as { issues: { key: string; message: string }[] };
    const own = issues.find((issue) => issue.key === key);
    expect(own, failure.message).toBeDefined();
    expect(own!.message).toContain(rule);
    // one broken rule, one problem: nothing else is blamed
    expect(issues, failure.message).toHaveLength(1);
  });

  test("every rule of rules.ts has a row", () => {
    const source = readFileSync(join(REPOSITORY, "config/src/run/rules.ts"), "utf8");
    const words = [...source.matchAll(/["'`](must [^"'`$]*)/g)].map(([, fragment]) => fragment.trim());
    expect(words.length).toBeGreaterThanOrEqual(15);
    const covered = (fragment: string): boolean =>
      BROKEN_RULES.some(
        ([, rule]) => fragment.startsWith(rule.slice(0, fragment.length)) || rule.startsWith(fragment.slice(0, rule.length)),
      );
    expect(words.filter((fragment) => !covered(fragment))).toEqual([]);
  });

  expectRefused([
    {
      name: "no TOML",
      give: () => parseRunConfig("[config\n", { source: "run.toml" }),
      code: "toml",
      says: /run\.toml is not valid TOML.*1: {2}\[config/s,
    },
    {
      name: "2 MB of TOML",
      give: () => parseRunConfig("#".repeat(1 << 21), { source: "x" }),
      code: "toml",
      says: /too long.*must be at most/s,
    },
    {
      name: "an environment value that is no number",
      give: () => parseOptions(clientOptions, ["--server-addr", "rig0:20000"], { MICRO_BATCH_SIZE: "many" }),
      code: "options",
      says: /MICRO_BATCH_SIZE.*must be/s,
    },
    {
      name: "an option with a typing error",
      give: () => parseOptions(clientOptions, ["--server-adr", "rig0:20000"], {}),
      code: "options",
      says: /--server-adr.*did you mean "--server-addr"/s,
    },
  ]);
});

describe("a file", () => {
  const provider = (name: string, bytes: Uint8Array | null, location: "Local" = "Local"): ReturnType<typeof createDataProvider> => {
    const directory = join(folder, `data-${name}`);
    mkdirSync(directory, { recursive: true });
    if (bytes !== null) writeFileSync(join(directory, name), bytes);
    return createDataProvider({ [location]: directory }, { maxSeqLen: 4, vocabSize: 256, localFiles });
  };
  const first = async (name: string, bytes: Uint8Array | null): Promise<unknown> => {
    const data = provider(name, bytes);
    try {
      return await data.getSequences(0n, 0n);
    } finally {
      await data.close();
    }
  };
  const npy = (shape: string, tokens: number): Uint8Array => {
    const dict = Buffer.from(`{'descr': '<u2', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n");
    return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, dict.length, 0]), dict, Buffer.alloc(2 * tokens)]);
  };
  const checkpoint = (name: string, header: string, tail = 0): (() => Promise<unknown>) => {
    const directory = join(folder, `checkpoint-${name}`);
    mkdirSync(directory, { recursive: true });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(join(directory, "model.safetensors"), Buffer.concat([length, Buffer.from(header), Buffer.alloc(tail)]));
    return () => openTensors(directoryFiles(directory));
  };

  expectRefused([
    {
      name: "a truncated token file",
      give: () => first("cut.bin", new Uint8Array(41)),
      code: "bad-file",
      says: /cut\.bin.*not a multiple.*token_size_in_bytes/,
    },
    { name: "a truncated .npy", give: () => first("cut.npy", npy("(1000,)", 10)), code: "bad-file", says: /cut off.*make it again/ },
    { name: "an oversized .npy", give: () => first("long.npy", npy("(10,)", 1000)), code: "bad-file", says: /appended: make it again/ },
    { name: "an empty token file", give: () => first("empty.bin", new Uint8Array(0)), code: "empty", says: /empty\.bin|sequence/ },
    { name: "an empty folder", give: () => first("nothing", null), code: "empty", says: /no .*file|\.bin/ },
    {
      name: "a token outside the vocabulary",
      give: () => first("wide.bin", new Uint8Array(40).fill(255)),
      code: "bad-token",
      says: /65535 is outside the vocabulary of 256/,
    },
    {
      name: "a file of another dtype",
      give: () => first("float.npy", Buffer.from(Buffer.from(npy("(10,)", 10)).toString("latin1").replace("<u2", "<f4"), "latin1")),
      code: "bad-file",
      says: /dtype must be.*astype/,
    },
    {
      name: "a corrupt safetensors header",
      give: checkpoint("garbled", "{not json"),
      code: "bad-format",
      says: /not a sound safetensors file: its header is not JSON/,
    },
    {
      name: "a safetensors file that was cut off",
      give: checkpoint("cut", JSON.stringify({ a: { dtype: "F32", shape: [4], data_offsets: [0, 16] } }), 15),
      code: "bad-format",
      says: /cut off/,
    },
    {
      name: "a safetensors header that claims an exabyte",
      give: () => {
        const open = checkpoint("huge", "{}");
        const path = join(folder, "checkpoint-huge/model.safetensors");
        const bytes = readFileSync(path);
        bytes.writeBigUInt64LE(1n << 60n);
        writeFileSync(path, bytes);
        return open();
      },
      code: "bad-format",
      says: /claims 1152921504606846976 bytes/,
    },
  ]);

  test("a token file of 1 TiB takes no more memory than what is asked of it", async () => {
    const directory = join(folder, "data-sparse");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "sparse.bin"), "");
    truncateSync(join(directory, "sparse.bin"), 2 ** 40);
    const before = process.memoryUsage();
    const data = createDataProvider({ Local: directory }, { maxSeqLen: 4, vocabSize: 256, localFiles });
    expect(await data.getSequences(100_000_000_000n, 100_000_000_001n)).toHaveLength(2);
    await data.close();
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(64 * 2 ** 20);
  });
});

describe("a peer", () => {
  const stopped: (() => unknown)[] = [];
  let networks: PeerNetwork[];
  let core: CoordinatorCore;
  let address: string;
  const RUN = "table";

  beforeAll(async () => {
    const create = (allowAll = false): Promise<PeerNetwork> =>
      createNodeNetwork({ seed: generateKeypair().seed, listen: ["/ip4/127.0.0.1/tcp/0"], allowAll, onError: () => undefined });
    const server = await create(true);
    networks = await Promise.all([create(), create(), create()]);
    const members = networks.map((network) => ({ peerId: network.self, multiaddrs: network.multiaddrs() }));
    for (const network of networks) network.setMembers(members);
    core = new CoordinatorCore({
      machine: Machine.create(RUN, COMPLIANCE_CONFIG, BigInt(Date.now())),
      configToml: "",
      onError: () => undefined,
    });
    core.start();
    const stopServing = serveCoordinator({ core, network: server });
    address = server.multiaddrs()[0];
    stopped.push(
      stopServing,
      () => core.stop(),
      () => Promise.all([server, ...networks].map((network) => network.stop())),
    );
    const connected = (): boolean => networks.every((network) => network.connectedPeers().length >= 2);
    while (!connected()) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  afterAll(async () => {
    for (const stop of stopped) await stop();
  });

  const audience = { domain: CALL_DOMAIN, runId: RUN };
  const signer = generateKeypair();
  const seal = (runId = RUN): Promise<Uint8Array> =>
    sealRequest({ ...audience, runId, signer, method: "leave", sequence: 7, timestampMs: Date.now(), body: new Uint8Array(1) });
  const content = new Uint8Array(2 * chunkBytes).fill(3);

  expectRefused([
    {
      name: "gossip over the limit, before it is sent",
      give: () => networks[0].publish("table", new Uint8Array(maxGossipBytes + 1)),
      code: "too-large",
      says: /holds 65536 bytes, this one has 65537/,
    },
    {
      name: "a wrong signature",
      give: async () =>
        openRequest(
          (await seal()).map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
          audience,
        ),
      code: "bad-signature",
      says: /signature on leave is not that of/,
    },
    {
      name: "a request of another run",
      give: async () => openRequest(await seal("other"), audience),
      code: "wrong-audience",
      says: /for .* of run other, this is .* of run table/,
    },
    {
      name: "a replayed request",
      give: async () => {
        const guard = new ReplayGuard();
        const request = openRequest(await seal(), audience);
        guard.accept(request, Date.now());
        guard.accept(request, Date.now());
      },
      code: "replayed",
      says: /sequence 7 was seen before/,
    },
    {
      name: "a request signed an hour ago",
      give: async () =>
        new ReplayGuard().accept({ ...openRequest(await seal(), audience), timestampMs: Date.now() - 3_600_000 }, Date.now()),
      code: "stale",
      says: /set the clock/,
    },
    {
      name: "a blob with a wrong chunk",
      give: async () => {
        const undo = networks[2].handle(blobProtocol, { maxRequestBytes: 45 }, async (_from, request) => {
          const { kind } = decodeBlobRequest(request);
          return encodeBlobAnswer(kind === 1 ? new Uint8Array(chunkBytes) : new Uint8Array(64));
        });
        const blobs = new BlobService({ network: networks[1] });
        stopped.unshift(() => blobs.stop());
        try {
          await blobs.get(await blobAddressOf(content), [networks[2].self]);
        } finally {
          undo();
          blobs.stop();
        }
      },
      code: "wrong-chunk",
      says: /could not be completed from 1 provider/,
    },
    {
      name: "a coordinator of another run",
      give: async () => {
        const network = await createNodeNetwork({ seed: generateKeypair().seed, listen: [] });
        stopped.unshift(() => network.stop());
        const { session } = Identity.generate();
        return connectTcpCoordinator({ network, coordinator: address, session, runId: "my-run" });
      },
      code: "wrong-run",
      says: /expected the coordinator of run my-run, it serves table/,
    },
    {
      name: "a coordinator's address where nobody is",
      give: async () => {
        const network = await createNodeNetwork({ seed: generateKeypair().seed, listen: [] });
        stopped.unshift(() => network.stop());
        const { session } = Identity.generate();
        return connectTcpCoordinator({ network, coordinator: "/ip4/127.0.0.1/tcp/1", session, connectTimeoutMs: 300 });
      },
      code: "unreachable",
      says: /nobody answers at|does not answer|127\.0\.0\.1/,
    },
  ]);

  test("and nobody else was disturbed: the other members still gossip, ask, and serve blobs", async () => {
    const [a, b] = networks;
    const heard = new Promise<void>((resolve) => b.subscribe("after", () => resolve()));
    const said = setInterval(() => void a.publish("after", Uint8Array.of(1)).catch(() => undefined), 50);
    await heard;
    clearInterval(said);
    const [atA, atB] = [a, b].map((network) => new BlobService({ network }));
    const blob = await atA.put(content);
    expect((await atB.get(blob, [networks[2].self, a.self])).byteLength).toBe(content.byteLength);
    atA.stop();
    atB.stop();
    expect(core.state().runState).toBe("WaitingForMembers");
  });
});
