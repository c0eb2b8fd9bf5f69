/** Each check is broken for real: a taken port, a full disk, a key that others can read, a coordinator in another time. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createHash } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadRunConfig } from "@starling/config/presets.node";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { CoordinatorServer } from "@starling/server";
import { systemClock } from "@starling/sdk";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadIdentity } from "../platform/identityFile.ts";
import type { AdapterChoice, AdapterReport } from "./adapterReport.ts";
import { runCheck, type Check, type CheckResult } from "./check.ts";
import { adapter, arithmetic } from "./checks/adapter.ts";
import { clock } from "./checks/clock.ts";
import { coordinator } from "./checks/coordinator.ts";
import { data } from "./checks/data.ts";
import { disk } from "./checks/disk.ts";
import { keyFile } from "./checks/keyFile.ts";
import { limits, systemLimits } from "./checks/limits.ts";
import { memory, type MemoryFacts } from "./checks/memory.ts";
import { nodeVersion } from "./checks/nodeVersion.ts";
import { nvidia } from "./checks/nvidia.ts";
import { ports } from "./checks/ports.ts";
import { rpc, websocket } from "./checks/rpc.ts";
import { vulkan } from "./checks/vulkan.ts";
import { visitCoordinator } from "./contact.ts";
import type { Run } from "./subject.ts";

const isRoot = process.getuid?.() === 0;
const preset = loadRunConfig("test", "/");
const run: Run = {
  runId: "test",
  config: preset.config,
  plan: runPlan(preset.config),
  planError: null,
  dataDirectory: preset.dataDirectory,
};
const noRun = async () => null;

let folder: string;
let undo: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-doctor-"));
  undo = [];
});
afterEach(async () => {
  for (const one of undo.reverse()) await one();
  rmSync(folder, { recursive: true, force: true });
});

/** A check says what it found, and what to do unless all is well. */
async function look(check: Check): Promise<CheckResult> {
  const result = await runCheck(check);
  expect(result.found).not.toBe("");
  if (result.status === "warn" || result.status === "fail") expect(result.remedy).toMatch(/[A-Za-z].*[.\w]$/);
  return result;
}

function mountTmpfs(path: string, options: string): void {
  mkdirSync(path, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", path]);
  undo.push(() => execFileSync("umount", [path]));
}

async function listenHttp(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createHttpServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe("node", () => {
  it("passes here, and refuses the version before", async () => {
    expect(await look(nodeVersion())).toMatchObject({ status: "ok" });
    expect(await look(nodeVersion("22.3.1"))).toMatchObject({ status: "fail", found: expect.stringContaining("22.3.1") });
  });
});

describe("vulkan", () => {
  const places = (files: readonly string[] | null = null) => ({
    libraryFolders: [join(folder, "lib")],
    manifestFolders: [join(folder, "icd.d")],
    manifestFiles: files,
    cachedLibraries: async () => null,
  });
  const manifest = (name: string, library: unknown) => {
    mkdirSync(join(folder, "icd.d"), { recursive: true });
    writeFileSync(join(folder, "icd.d", name), JSON.stringify({ ICD: { library_path: library } }));
  };
  const library = (name: string) => {
    mkdirSync(join(folder, "lib"), { recursive: true });
    writeFileSync(join(folder, "lib", name), "");
  };

  it("names a missing loader, a missing driver, a manifest without its library and one that is damaged", async () => {
    expect(await look(vulkan(places()))).toMatchObject({ status: "warn", found: expect.stringContaining("no loader") });
    library("libvulkan.so.1");
    expect(await look(vulkan(places()))).toMatchObject({ status: "warn", found: "the loader is there, but no driver" });
    manifest("a.json", "libGLX_nvidia.so.0");
    expect(await look(vulkan(places()))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("libGLX_nvidia.so.0 is not there"),
    });
    library("libGLX_nvidia.so.0");
    expect(await look(vulkan(places()))).toMatchObject({ status: "ok", found: "libGLX_nvidia.so.0" });
    writeFileSync(join(folder, "icd.d", "b.json"), "{");
    expect(await look(vulkan(places()))).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/b\.json: cannot be read.*in order: libGLX/),
    });
  });

  it("looks at VK_DRIVER_FILES and at nothing else where it is set, libraries beside the manifest included", async () => {
    library("libvulkan.so.1");
    library("libmine.so");
    manifest("broken.json", "gone.so");
    manifest("mine.json", "../lib/libmine.so");
    expect(await look(vulkan(places([join(folder, "icd.d", "mine.json")])))).toMatchObject({ status: "ok" });
  });
});

describe("nvidia", () => {
  const H200 = "NVIDIA H200, 580.95.05, 143771, 143000\n";
  const machine = (device: { card: boolean; nodes: readonly string[] }, query = async () => H200) => {
    const pci = join(folder, "pci", "0000:01:00.0");
    mkdirSync(pci, { recursive: true });
    writeFileSync(join(pci, "vendor"), device.card ? "0x10de\n" : "0x8086\n");
    writeFileSync(join(pci, "class"), "0x030200\n");
    mkdirSync(join(folder, "dev"), { recursive: true });
    for (const name of device.nodes) writeFileSync(join(folder, "dev", name), "");
    return nvidia({ pciFolder: join(folder, "pci"), devFolder: join(folder, "dev"), query });
  };

  it("is skipped without a card", async () => {
    expect(await look(machine({ card: false, nodes: [] }))).toMatchObject({ status: "skip" });
  });
  it("misses the driver of a card", async () => {
    expect(await look(machine({ card: true, nodes: [] }))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("Install the NVIDIA driver"),
    });
  });
  it("repeats what nvidia-smi complains of", async () => {
    const check = machine({ card: true, nodes: ["nvidia0", "nvidiactl"] }, () =>
      Promise.reject(new Error("Driver/library version mismatch")),
    );
    expect(await look(check)).toMatchObject({ status: "fail", found: expect.stringContaining("version mismatch") });
  });
  it("names card, driver and memory, and misses the control node in a container", async () => {
    expect(await look(machine({ card: true, nodes: ["nvidia0"] }))).toMatchObject({ status: "warn" });
    expect(await look(machine({ card: true, nodes: ["nvidia0", "nvidiactl"] }))).toMatchObject({
      status: "ok",
      found: "NVIDIA H200, driver 580.95.05, 143000 of 143771 MiB free",
    });
  });
});

const report: AdapterReport = {
  name: "SwiftShader",
  isSoftware: true,
  maxBufferBytes: 2 ** 30,
  hasF16: false,
  hasSubgroupMatrix: false,
  selfTest: { compared: 1000, milliseconds: 100, deviation: null },
};
const software = (changed: Partial<AdapterReport> = {}): AdapterChoice => ({
  system: { kind: "none" },
  used: { kind: "found", report: { ...report, ...changed } },
  isBundled: true,
});

describe("adapter and arithmetic", () => {
  it("warns of the software adapter unless it was asked for", async () => {
    expect(await look(adapter(async () => software(), "auto"))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("no GPU found"),
    });
    expect(await look(adapter(async () => ({ ...software(), system: null }), "software"))).toMatchObject({ status: "ok" });
  });
  it("fails where --device gpu finds none, and where the driver crashes", async () => {
    const none: AdapterChoice = { system: { kind: "none" }, used: { kind: "none" }, isBundled: false };
    expect(await look(adapter(async () => none, "gpu"))).toMatchObject({ status: "fail" });
    const crash: AdapterChoice = {
      system: { kind: "crashed", how: "SIGSEGV" },
      used: { kind: "crashed", how: "SIGSEGV" },
      isBundled: false,
    };
    expect(await look(adapter(async () => crash, "gpu"))).toMatchObject({ status: "fail", found: expect.stringContaining("SIGSEGV") });
    expect(await look(arithmetic(async () => crash))).toMatchObject({ status: "skip" });
    expect(await look(adapter(async () => ({ ...software(), system: { kind: "crashed", how: "SIGSEGV" } }), "auto"))).toMatchObject({
      status: "warn",
    });
  });
  it("fails an adapter that computes otherwise", async () => {
    const wrong = software({ selfTest: { compared: 1000, milliseconds: 100, deviation: "this adapter does not compute ..." } });
    expect(await look(arithmetic(async () => wrong))).toMatchObject({ status: "fail", remedy: expect.stringContaining("Do not train") });
    expect(await look(arithmetic(async () => software()))).toMatchObject({ status: "ok" });
  });
});

describe("memory", () => {
  const check = (facts: Partial<MemoryFacts>, adapterReport: Partial<AdapterReport> = {}, isBundled = true) =>
    memory({
      facts: async () => ({ totalBytes: 2 ** 35, availableBytes: 2 ** 34, adapterFreeBytes: null, ...facts }),
      run: async () => run,
      adapter: async () => ({ ...software(adapterReport), isBundled }),
      microBatchSequences: 1,
    });

  it("compares what is free with what the run needs, here, in a buffer and on the GPU", async () => {
    expect(await look(check({}))).toMatchObject({ status: "ok", found: expect.stringContaining("test needs about") });
    expect(await look(check({ availableBytes: 2 ** 29 }))).toMatchObject({ status: "fail" });
    expect(await look(check({}, { maxBufferBytes: 1024 }))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("--micro-batch-size"),
    });
    expect(await look(check({ adapterFreeBytes: 1 << 20 }, { isSoftware: false }, false))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("nvidia-smi"),
    });
  });
});

describe("ports", () => {
  it("listens on each, and names one that is taken", async () => {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, "127.0.0.1", done));
    undo.push(() => holder.close());
    const { port } = holder.address() as AddressInfo;
    expect(await look(ports([{ option: "--server-port", host: "127.0.0.1", port }]))).toMatchObject({
      status: "fail",
      found: `--server-port ${port} is in use by another program`,
    });
    expect(await look(ports([{ option: "--bind-p2p-port", host: "127.0.0.1", port: 0 }]))).toMatchObject({ status: "ok" });
  });
  it("refuses an address that is not this machine's, and none at all", async () => {
    expect(await look(ports([{ option: "--bind-p2p-port", host: "203.0.113.7", port: 0 }]))).toMatchObject({ status: "fail" });
    expect(await look(ports([{ option: "--bind-p2p-port", host: "rig", port: 0 }]))).toMatchObject({ status: "fail" });
  });
});

describe("disk", () => {
  it("is skipped without a folder; makes it, measures it, and leaves nothing in it", async () => {
    expect(await look(disk(undefined, noRun))).toMatchObject({ status: "skip" });
    const path = join(folder, "checkpoints");
    expect(await look(disk(path, async () => run))).toMatchObject({ status: "ok", found: expect.stringMatching(/writes \d+ MiB\/s/) });
    expect(readdirSync(path)).toEqual([]);
  });
  it("fails where a file is in the way", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await look(disk(join(folder, "file"), noRun))).toMatchObject({ status: "fail" });
  });
  it.skipIf(!isRoot)("finds a disk that is full, small, read-only, or out of inodes", async () => {
    const path = join(folder, "disk");
    mountTmpfs(path, "size=64k");
    writeFileSync(join(path, "ballast"), new Uint8Array(64 * 1024));
    expect(await look(disk(path, async () => run))).toMatchObject({ status: "fail", found: expect.stringContaining("is full") });
    execFileSync("mount", ["-o", "remount,size=1m", path]);
    expect(await look(disk(path, noRun))).toMatchObject({ status: "fail" });
    expect(await look(disk(path, async () => run))).toMatchObject({ status: "warn", remedy: expect.stringContaining("Make room") });
    execFileSync("mount", ["-o", "remount,ro", path]);
    expect(await look(disk(path, noRun))).toMatchObject({ status: "fail", found: expect.stringContaining("read-only") });
    const few = join(folder, "few");
    mountTmpfs(few, "size=1g,nr_inodes=10");
    expect(await look(disk(few, noRun))).toMatchObject({ status: "fail", found: expect.stringContaining("inodes") });
  });
});

describe("key file", () => {
  it("passes a good one, and one that is yet to be made", async () => {
    const path = join(folder, "rig.id");
    expect(await look(keyFile(undefined))).toMatchObject({ status: "skip" });
    expect(await look(keyFile(path))).toMatchObject({ status: "ok", found: expect.stringContaining("not there yet") });
    expect(await look(keyFile(join(folder, "gone", "rig.id")))).toMatchObject({ status: "warn" });
    expect(existsSync(path)).toBe(false);
    const { save, release } = loadIdentity(path);
    save();
    expect(await look(keyFile(path))).toMatchObject({
      status: "fail",
      found: expect.stringContaining(`in use by the process ${process.pid}`),
    });
    release();
    expect(await look(keyFile(path))).toMatchObject({ status: "ok", found: expect.stringContaining("peer ") });
    chmodSync(path, 0o644);
    expect(await look(keyFile(path))).toMatchObject({ status: "fail", remedy: `Run: chmod 600 ${path}` });
  });
  it("fails what is no key file", async () => {
    writeFileSync(join(folder, "words"), "hello", { mode: 0o600 });
    expect(await look(keyFile(join(folder, "words")))).toMatchObject({ status: "fail" });
    expect(await look(keyFile(folder))).toMatchObject({ status: "fail" });
  });
});

describe("coordinator and clock", () => {
  /** A real one, over TCP, whose clock is off. */
  async function startCoordinator(aheadMs: number): Promise<string> {
    const network = await createNodeNetwork({
      seed: crypto.getRandomValues(new Uint8Array(32)),
      listen: ["/ip4/127.0.0.1/tcp/0"],
      allowAll: true,
    });
    const real = systemClock();
    const server = await CoordinatorServer.start({
      runId: "test",
      runConfigToml: preset.toml,
      network,
      clock: { nowMs: () => real.nowMs() + aheadMs, after: real.after },
    });
    undo.push(
      () => network.stop(),
      () => server.stop(),
    );
    return network.multiaddrs()[0]!;
  }
  const at = (address: string) => (signal: AbortSignal) => visitCoordinator(address, signal, 1_000);

  it.each([
    [0, "ok"],
    [-10_000, "warn"],
    [400_000, "fail"],
  ] as const)("a coordinator whose clock is %d ms ahead", async (aheadMs, status) => {
    const address = await startCoordinator(aheadMs);
    const visit = visitCoordinator(address, AbortSignal.timeout(20_000));
    expect(await look(coordinator(() => visit))).toMatchObject(
      status === "fail"
        ? { status: "warn", found: expect.stringMatching(/sent no state: .*set the clock/) }
        : { status: "ok", found: expect.stringMatching(/^run test, .*WaitingForMembers/) },
    );
    const found = await look(clock(() => visit));
    expect(found).toMatchObject({ status });
    if (status !== "ok") expect(found.found).toMatch(aheadMs > 0 ? /(399|400)\.\d s behind/ : /(9|10)\.\d s ahead/);
  });

  it("says how far it came: nobody there, or somebody else", async () => {
    const nobody = createServer();
    await new Promise<void>((done) => nobody.listen(0, "127.0.0.1", done));
    const { port } = nobody.address() as AddressInfo;
    await new Promise((done) => nobody.close(done));
    expect(await look(coordinator(at(`127.0.0.1:${port}`)))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("starling server"),
    });
    const { url } = await listenHttp((_, response) => response.end("hello"));
    expect(await look(coordinator(at(url.slice("http://".length))))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("Something listens there"),
    });
    expect(await look(coordinator(noRun))).toMatchObject({ status: "skip" });
  });

  it("notices a clock that jumps", async () => {
    let jumped = false;
    setTimeout(() => (jumped = true), 100);
    expect(await look(clock(noRun, () => Date.now() + (jumped ? 3_600_000 : 0)))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("it jumped by"),
    });
  });
});

describe("data", () => {
  it("reads a sequence, and names a folder that is missing, empty or damaged", async () => {
    expect(await look(data(noRun, false, false))).toMatchObject({ status: "skip" });
    expect(await look(data(noRun, false, true))).toMatchObject({ status: "skip", found: "the coordinator told no run" });
    expect(await look(data(async () => run, false, false))).toMatchObject({ status: "ok" });
    expect(await look(data(async () => ({ ...run, dataDirectory: folder }), false, false))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("Give --data-dir"),
    });
    const copy = join(folder, "a", "b");
    cpSync(preset.dataDirectory, copy, { recursive: true });
    const source = resolve(preset.dataDirectory, (preset.config.model.LLM.data_location as { Local: string }).Local);
    const target = resolve(copy, (preset.config.model.LLM.data_location as { Local: string }).Local);
    cpSync(source, target, { recursive: true });
    expect(await look(data(async () => ({ ...run, dataDirectory: copy }), true, false))).toMatchObject({ status: "ok" });
    for (const name of readdirSync(target)) writeFileSync(join(target, name), "");
    expect(await look(data(async () => ({ ...run, dataDirectory: copy }), true, false))).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("Correct --data-dir"),
    });
  });
});

describe("rpc", () => {
  const answers =
    (results: Record<string, unknown>): RequestListener =>
    (request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => (body += piece.toString()));
      request.on("end", () => {
        const { id, method } = JSON.parse(body) as { id: number; method: string };
        response.end(JSON.stringify({ jsonrpc: "2.0", id, ...(results[method] as object) }));
      });
    };
  const healthy = { getHealth: { result: "ok" }, getVersion: { result: { "solana-core": "3.0.1" } }, getSlot: { result: 1234 } };

  it("asks health, version and slot", async () => {
    expect(await look(rpc(undefined))).toMatchObject({ status: "skip" });
    const { url } = await listenHttp(answers(healthy));
    expect(await look(rpc(url))).toMatchObject({ status: "ok", found: expect.stringContaining("version 3.0.1, slot 1234") });
  });
  it("fails one that is behind, hangs, refuses, limits, talks nonsense, never ends, or is not there", async () => {
    const behind = await listenHttp(answers({ ...healthy, getHealth: { error: { code: -32005, message: "Node is behind by 42 slots" } } }));
    expect(await look(rpc(behind.url))).toMatchObject({ status: "fail", found: expect.stringContaining("behind by 42 slots") });
    const hangs = await listenHttp(() => undefined);
    expect(await look(rpc(hangs.url, 200))).toMatchObject({
      status: "fail",
      found: expect.stringContaining("no answer to getHealth within 0.2 s"),
    });
    const limited = await listenHttp((_, response) => response.writeHead(429).end());
    expect(await look(rpc(limited.url))).toMatchObject({ status: "fail", found: expect.stringContaining("429") });
    const locked = await listenHttp((_, response) => response.writeHead(403).end());
    expect(await look(rpc(locked.url))).toMatchObject({ status: "fail", remedy: expect.stringContaining("key") });
    const other = await listenHttp((_, response) => response.end("<html>"));
    expect(await look(rpc(other.url))).toMatchObject({ status: "fail", found: expect.stringContaining("no JSON") });
    const endless = await listenHttp((_, response) => {
      const more = (): void => void response.write(Buffer.alloc(1 << 18), () => setImmediate(more));
      more();
      response.on("close", () => (response.destroyed ? undefined : response.destroy()));
    });
    expect(await look(rpc(endless.url))).toMatchObject({ status: "fail", found: expect.stringContaining("larger than") });
    endless.server.closeAllConnections();
    const { url, server } = await listenHttp(() => undefined);
    await new Promise((done) => server.close(done));
    expect(await look(rpc(url))).toMatchObject({ status: "fail", found: expect.stringContaining("cannot be reached") });
    expect(await look(rpc("ws://x"))).toMatchObject({ status: "fail" });
  });

  it("subscribes by the websocket, and fails one that says nothing or is not there", async () => {
    expect(await look(websocket(undefined))).toMatchObject({ status: "skip" });
    const start = async (answer: string | null): Promise<string> => {
      const { url, server } = await listenHttp((_, response) => response.end());
      server.on("upgrade", (request, socket) => {
        undo.push(() => socket.destroy());
        const accept = createHash("sha1")
          .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest("base64");
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        // one unmasked text frame (RFC 6455, 5.2) to whatever comes
        socket.once("data", () => answer !== null && socket.write(Buffer.from([0x81, answer.length, ...Buffer.from(answer)])));
      });
      return url.replace("http", "ws");
    };
    expect(await look(websocket(await start('{"jsonrpc":"2.0","result":7,"id":1}')))).toMatchObject({ status: "ok" });
    expect(await look(websocket(await start(null), 200))).toMatchObject({
      status: "fail",
      found: expect.stringContaining("no answer to a subscription"),
    });
    expect(await look(websocket(await start('{"error":{"message":"Method not found"}}')))).toMatchObject({
      status: "fail",
      found: expect.stringContaining("Method not found"),
    });
    const { url } = await listenHttp((_, response) => response.end());
    expect(await look(websocket(url.replace("http", "ws")))).toMatchObject({
      status: "fail",
      found: expect.stringMatching(/cannot be connected|hung up/),
    });
  });
});

describe("limits", () => {
  it("passes a usual system, and names what is too small", async () => {
    const usual = { openFiles: 65536, shmBytes: 2 ** 26, inotifyInstances: 128 };
    expect(await look(limits(async () => usual))).toMatchObject({ status: "ok" });
    expect(await look(limits(async () => ({ ...usual, openFiles: 512 })))).toMatchObject({
      status: "warn",
      remedy: expect.stringContaining("ulimit -n"),
    });
    expect(await look(limits(async () => ({ ...usual, openFiles: 64 })))).toMatchObject({ status: "fail" });
    expect(await look(limits(async () => ({ ...usual, shmBytes: null })))).toMatchObject({
      status: "warn",
      found: expect.stringContaining("no /dev/shm"),
    });
    expect(await look(limits(async () => ({ ...usual, inotifyInstances: 1 })))).toMatchObject({ status: "warn" });
    expect((await systemLimits()).openFiles).toBeGreaterThan(0);
  });
  it("sees this shell's real ulimit", () => {
    const module = new URL("./checks/limits.ts", import.meta.url).href;
    const script = `import { systemLimits } from ${JSON.stringify(module)}; process.stdout.write(String((await systemLimits()).openFiles));`;
    const out = execFileSync("bash", [
      "-c",
      `ulimit -n 96; exec "$0" --disable-warning=ExperimentalWarning --input-type=module-typescript -e "$1"`,
      process.execPath,
      script,
    ]);
    expect(out.toString()).toBe("96");
  });
});

describe("runCheck", () => {
  it("fails a check that throws, and one that never ends", async () => {
    expect(await runCheck({ id: "a", title: "A", run: () => Promise.reject(new Error("broken")) })).toMatchObject({
      status: "fail",
      found: "broken",
    });
    let aborted = false;
    const hangs: Check = {
      id: "b",
      title: "B",
      timeoutMs: 50,
      run: (signal) =>
        new Promise(() => {
          signal.addEventListener("abort", () => (aborted = true));
        }),
    };
    expect(await runCheck(hangs)).toMatchObject({ status: "fail", found: "no answer within 0.05 s" });
    expect(aborted).toBe(true);
  });
});
