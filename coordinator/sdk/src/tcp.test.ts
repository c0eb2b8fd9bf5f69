import { generateKeypair, MemoryHub, type MemoryNetwork, type PeerNetwork, RequestSealer } from "@starling/network";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMPLIANCE_CONFIG, rejectedWith } from "./complianceClient.ts";
import { coreCompliance } from "./complianceCore.ts";
import { CoordinatorCore } from "./core.ts";
import { type SessionGrant, signGrant } from "./grant.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import { CALL_DOMAIN, CALL_PROTOCOL, CALLS, readCallResponse, STATE_PROTOCOL } from "./protocol.ts";
import { connectTcpCoordinator } from "./tcpClient.ts";
import type { ConnectionStatus } from "./tcpOptions.ts";
import { serveCoordinator } from "./tcpServer.ts";
import type { CoordinatorPort } from "./types.ts";
import { encodeAs } from "./wire.ts";

const RUN_ID = "tcp";
const newIdentity = (): Identity => Identity.generate({ chainLength: 256 });

coreCompliance("tcp over the memory network", async (core, admin) => {
  const hub = new MemoryHub({ seed: 1 });
  const serverNetwork = hub.join(generateKeypair().publicKey, { allowAll: true });
  const stopServing = serveCoordinator({ core, network: serverNetwork, admins: [admin.owner.publicKey] });
  const ports: CoordinatorPort[] = [];
  return {
    async connect(identity) {
      const port = await connectTcpCoordinator({
        network: hub.join(identity.peer.publicKey),
        coordinator: { peerId: serverNetwork.self, multiaddrs: [] },
        session: identity.session,
        grant: (runId) => identity.grant(runId, Date.now()),
      });
      ports.push(port);
      return port;
    },
    async stop() {
      await Promise.all(ports.map((port) => port.close()));
      stopServing();
    },
  };
});

describe("the tcp coordinator's protocol", () => {
  let hub: MemoryHub;
  let server: MemoryNetwork;
  let core: CoordinatorCore;
  let stopServing: () => void;
  const serverKey = generateKeypair().publicKey;
  const open: CoordinatorPort[] = [];

  beforeEach(() => {
    hub = new MemoryHub({ seed: 2 });
    startServer();
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((port) => port.close()));
    stopServing();
    core.stop();
  });

  function startServer(machine = Machine.create(RUN_ID, COMPLIANCE_CONFIG, BigInt(Date.now()))): void {
    server = hub.join(serverKey, { allowAll: true });
    core = new CoordinatorCore({ machine, configToml: "", tickIntervalMs: 10, disconnectGraceMs: 400 });
    core.start();
    stopServing = serveCoordinator({ core, network: server });
  }

  /** A network that is connected to the coordinator, for calls made by hand. */
  async function network(identity: Identity): Promise<PeerNetwork> {
    const joined = hub.join(identity.peer.publicKey);
    joined.pin({ peerId: serverKey, multiaddrs: [] });
    await joined.connect(serverKey);
    return joined;
  }

  async function connect(identity: Identity, onStatus?: (status: ConnectionStatus) => void): Promise<CoordinatorPort> {
    const port = await connectTcpCoordinator({
      network: hub.join(identity.peer.publicKey),
      coordinator: `/memory/${[...serverKey].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`,
      session: identity.session,
      grant: (runId) => identity.grant(runId, Date.now()),
      onStatus,
    });
    open.push(port);
    return port;
  }

  async function ask(from: PeerNetwork, request: Uint8Array): Promise<void> {
    readCallResponse(await from.request(serverKey, CALL_PROTOCOL, request, { maxResponseBytes: 4096 }));
  }

  function sealer(identity: Identity, runId = RUN_ID, now = (): number => Date.now()): RequestSealer {
    return new RequestSealer({ domain: CALL_DOMAIN, runId, signer: identity.session, now });
  }

  async function joinBody(identity: Identity, change: Partial<SessionGrant> = {}): Promise<Uint8Array> {
    const grant = { ...(await identity.grant(RUN_ID, Date.now())), ...change };
    return encodeAs(CALLS.join, { grant, chainHead: identity.membership().chainHead, multiaddrs: [] });
  }

  it("takes a join that its owner granted", async () => {
    const identity = newIdentity();
    await ask(await network(identity), await sealer(identity).seal("join", await joinBody(identity)));
    expect(core.snapshot().members).toHaveLength(1);
  });

  it("refuses a join whose grant is forged, expired, or for another run, session or peer", async () => {
    const identity = newIdentity();
    const other = newIdentity();
    const from = await network(identity);
    const seal = sealer(identity);
    const attempt = async (change: Partial<SessionGrant>): Promise<void> =>
      ask(from, await seal.seal("join", await joinBody(identity, change)));

    await rejectedWith("bad-grant", attempt({ owner: other.owner.publicKey }));
    await rejectedWith("bad-grant", attempt({ expiresMs: BigInt(Date.now() + 1e12) }));
    await rejectedWith("bad-grant", attempt({ session: other.session.publicKey }));
    await rejectedWith("bad-grant", attempt({ peerId: other.peer.publicKey }));
    await rejectedWith("wrong-run", attempt({ runId: "other" }));
    await rejectedWith("bad-grant", attempt(await identity.grant(RUN_ID, Date.now(), -1)));
    // a sound grant for another peer's connection
    const stolen = await signGrant(identity.owner, {
      session: identity.session.publicKey,
      peerId: other.peer.publicKey,
      runId: RUN_ID,
      expiresMs: BigInt(Date.now() + 60_000),
    });
    await rejectedWith("bad-grant", attempt(stolen));
    expect(core.snapshot().members).toHaveLength(0);
  });

  it("refuses a request that is replayed, by its sender or through another connection", async () => {
    const identity = newIdentity();
    const from = await network(identity);
    const seal = sealer(identity);
    const join = await seal.seal("join", await joinBody(identity));
    await ask(from, join);
    await rejectedWith("replayed", ask(from, join));
    const leave = await seal.seal("leave", encodeAs(CALLS.leave, {}));
    const thief = await network(newIdentity());
    await rejectedWith("not-member", ask(thief, leave));
    await rejectedWith("replayed", ask(thief, join));
    expect(core.snapshot().members).toHaveLength(1);
    await ask(from, leave);
    expect(core.snapshot().members).toHaveLength(0);
  });

  it("refuses what is tampered with, old, for another run, unknown or malformed", async () => {
    const identity = newIdentity();
    const from = await network(identity);
    const body = await joinBody(identity);

    const tampered = await sealer(identity).seal("join", body);
    tampered[0] ^= 1;
    await rejectedWith("bad-signature", ask(from, tampered));
    await rejectedWith("stale", ask(from, await sealer(identity, RUN_ID, () => Date.now() - 3_600_000).seal("join", body)));
    await rejectedWith("wrong-run", ask(from, await sealer(identity, "another").seal("join", body)));
    await rejectedWith("malformed", ask(from, await sealer(identity).seal("explode", body)));
    await rejectedWith("malformed", ask(from, await sealer(identity).seal("join", new Uint8Array([0xff]))));
    await rejectedWith("malformed", ask(from, new Uint8Array(10)));
    const deep = new Uint8Array(12_000).fill(0x81);
    await rejectedWith("malformed", ask(from, await sealer(identity).seal("join", deep)));
    expect(core.snapshot().members).toHaveLength(0);
  });

  it("refuses a subscription that was signed for another peer", async () => {
    const identity = newIdentity();
    const victim = newIdentity();
    const from = await network(identity);
    const body = encodeAs({ check: () => ({ peerId: victim.peer.publicKey }) }, { peerId: victim.peer.publicKey });
    const request = await sealer(victim).seal("subscribe", body);
    const watching = from.subscribeTo(serverKey, STATE_PROTOCOL, request, () => {}, { maxFrameBytes: 1 << 20 });
    await expect(watching).rejects.toThrow(/another peer/);
  });

  it("reconnects and joins again when the coordinator restarts, with a nonce that still rises", async () => {
    const identity = newIdentity();
    const statuses: ConnectionStatus[] = [];
    const port = await connect(identity, (status) => statuses.push(status));
    await port.join(identity.membership(), ["/memory/here"]);
    await reach(port, () => port.snapshot()!.members.length === 1);
    const before = port.snapshot()!;

    const saved = before.bytes;
    stopServing();
    core.stop();
    hub.kill(serverKey);
    await Promise.resolve();
    startServer(Machine.load(saved));
    expect(core.snapshot().members).toHaveLength(0);
    await reach(port, () => port.snapshot()!.nonce > before.nonce && port.snapshot()!.members.length === 1);
    expect(port.snapshot()!.members[0].multiaddrs).toEqual(["/memory/here"]);
    expect(statuses.map(({ connected }) => connected)).toEqual([true, false, true]);
  });

  it("forgets a member that went away without a word, and not one that came back in time", async () => {
    const [gone, blinked] = [newIdentity(), newIdentity()];
    const ports = [await connect(gone), await connect(blinked)];
    await ports[0].join(gone.membership(), []);
    await ports[1].join(blinked.membership(), []);
    await reach(ports[1], () => ports[1].snapshot()!.members.length === 2);
    hub.kill(gone.peer.publicKey);
    await reach(ports[1], () => ports[1].snapshot()!.members.length === 1);
    expect(ports[1].snapshot()!.members[0].peerId).toEqual(blinked.peer.publicKey);
  });

  it("signs a fresh grant when the one it joined with has expired, and is a member again", async () => {
    const identity = newIdentity();
    let granted = 0;
    const port = await connectTcpCoordinator({
      network: hub.join(identity.peer.publicKey),
      coordinator: { peerId: serverKey, multiaddrs: [] },
      session: identity.session,
      grant: (runId) => identity.grant(runId, Date.now(), granted++ === 0 ? 250 : 60_000),
    });
    open.push(port);
    await port.join(identity.membership(), []);
    const members: number[] = [];
    core.subscribe((snapshot) => members.push(snapshot.members.length));
    await expect.poll(() => members).toEqual([1, 0, 1]);
    expect(granted).toBe(2);
  });

  it("a coordinator that answers that it is stopping is asked again: the next one may take the call", async () => {
    const identity = newIdentity();
    const seal = sealer(identity);
    const from = await network(identity);
    core.stop();
    await rejectedWith("unreachable", ask(from, await seal.seal("join", await joinBody(identity))));
  });

  it("says so when nobody is there, or when it is another run's coordinator", async () => {
    const identity = newIdentity();
    const options = { network: hub.join(identity.peer.publicKey), session: identity.session };
    const nobody = { peerId: generateKeypair().publicKey, multiaddrs: [] };
    await rejectedWith("unreachable", connectTcpCoordinator({ ...options, coordinator: nobody, connectTimeoutMs: 50 }));
    const coordinator = { peerId: serverKey, multiaddrs: [] };
    await rejectedWith("wrong-run", connectTcpCoordinator({ ...options, coordinator, runId: "elsewhere" }));
  });

  it("lets a spectator watch, and not join", async () => {
    const identity = newIdentity();
    const port = await connectTcpCoordinator({
      network: hub.join(identity.peer.publicKey),
      coordinator: { peerId: serverKey, multiaddrs: [] },
      session: identity.session,
    });
    open.push(port);
    await reach(port, () => port.snapshot() !== null);
    await rejectedWith("bad-grant", port.join(identity.membership(), []));
  });
});

function reach(port: CoordinatorPort, wanted: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const undo = port.subscribe(() => {
      if (port.snapshot() === null || !wanted()) return;
      queueMicrotask(() => undo());
      resolve();
    });
  });
}
