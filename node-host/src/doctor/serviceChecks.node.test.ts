/** The checks of what a client needs of others, each broken for real. */
import { chmodSync, cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { type RequestListener } from "node:http";
import { createHash } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { CoordinatorServer } from "@starling/server";
import { systemClock } from "@starling/sdk";
import { describe, expect, it } from "vitest";
import { loadIdentity } from "../platform/identityFile.ts";
import { clock } from "./checks/clock.ts";
import { coordinator } from "./checks/coordinator.ts";
import { data } from "./checks/data.ts";
import { keyFile } from "./checks/keyFile.ts";
import { ports } from "./checks/ports.ts";
import { rpc, websocket } from "./checks/rpc.ts";
import { visitCoordinator } from "./contact.ts";
import { preset, run, noRun, folder, undo, look, listenHttp } from "./testDesk.ts";

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
    expect(await look(rpc("no url"))).toMatchObject({ status: "fail" });
    expect(await look(rpc("https://"))).toMatchObject({ status: "fail" });
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
