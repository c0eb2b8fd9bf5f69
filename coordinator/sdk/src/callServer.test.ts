import { RequestSealer, type Signer } from "@starling/network";
import { beforeEach, describe, expect, it } from "vitest";
import { CALL_RATE, CallServer, STRANGER_RATE } from "./callServer.ts";
import { CoordinatorError } from "./errors.ts";
import { Identity } from "./identity.ts";
import { CALL_DOMAIN, CALLS, SUBSCRIBE, SUBSCRIBE_METHOD } from "./protocol.ts";
import { Scene } from "./testScene.ts";
import { encodeAs } from "./wire.ts";

const RUN_ID = "core"; // Scene's

/** A client without a network: its requests as bytes. */
class Caller {
  readonly identity = Identity.generate({ chainLength: 8 });
  readonly #sealer: RequestSealer;
  readonly #scene: Scene;

  constructor(scene: Scene, signer: Signer = this.identity.session) {
    this.#scene = scene;
    this.#sealer = new RequestSealer({ domain: CALL_DOMAIN, runId: RUN_ID, signer, now: () => scene.clock.nowMs() });
  }

  get peer(): Uint8Array {
    return this.identity.peer.publicKey;
  }

  async join(): Promise<Uint8Array> {
    const grant = await this.identity.grant(RUN_ID, this.#scene.clock.nowMs());
    return this.#sealer.seal("join", encodeAs(CALLS.join, { grant, chainHead: this.identity.membership().chainHead, multiaddrs: [] }));
  }

  call(): Promise<Uint8Array> {
    return this.#sealer.seal("warmupWitness", encodeAs(CALLS.warmupWitness, {}));
  }

  subscribe(): Promise<Uint8Array> {
    return this.#sealer.seal(SUBSCRIBE_METHOD, encodeAs(SUBSCRIBE, { peerId: this.peer }));
  }
}

/** Somebody's key, and no signature of it. */
function forger(publicKey: Uint8Array): Signer {
  return { publicKey, sign: () => new Uint8Array(64) };
}

describe("CallServer", () => {
  let scene: Scene;
  let calls: CallServer;
  beforeEach(() => {
    scene = new Scene();
    calls = new CallServer(scene.core, []);
  });

  const codeOf = (caller: Caller, request: Uint8Array): string => calls.answer(caller.peer, request)?.code ?? "done";

  it("takes a peer's burst, then its rate, and nobody else's calls count", async () => {
    const [busy, other] = [new Caller(scene), new Caller(scene)];
    const requests = await Promise.all(Array.from({ length: CALL_RATE.burst + CALL_RATE.perSecond + 2 }, () => busy.call()));
    const answers = requests.slice(0, CALL_RATE.burst).map((request) => codeOf(busy, request));
    expect(new Set(answers)).toEqual(new Set(["not-member"]));
    expect(codeOf(busy, requests[CALL_RATE.burst])).toBe("overloaded");
    expect(codeOf(other, await other.join())).toBe("done");
    await scene.wait(1_000);
    const later = requests.slice(CALL_RATE.burst + 1).map((request) => codeOf(busy, request));
    expect(later.slice(0, CALL_RATE.perSecond)).not.toContain("overloaded");
    expect(later.at(-1)).toBe("overloaded");
  });

  it("verifies no signature of a session that it does not know, of an old request, or of one seen before", async () => {
    const member = new Caller(scene);
    const join = await member.join();
    expect(codeOf(member, join)).toBe("done");
    const forged = new Caller(scene, forger(member.identity.session.publicKey));
    await forged.call(); // its number was the join's
    expect(calls.answer(member.peer, await forged.call())?.code).toBe("bad-signature");
    expect(codeOf(forged, await forged.call())).toBe("not-member");
    const stranger = new Caller(scene, forger(new Uint8Array(32).fill(9)));
    expect(codeOf(stranger, await stranger.call())).toBe("not-member");
    join[0] ^= 1;
    expect(codeOf(member, join)).toBe("replayed");
    const old = await member.call();
    old[0] ^= 1;
    await scene.wait(400_000);
    expect(codeOf(member, old)).toBe("stale");
  });

  it("limits newcomers together, and members still get through", async () => {
    const member = new Caller(scene);
    expect(codeOf(member, await member.join())).toBe("done");
    // each over a connection of its own, since keys are free; all with the same signature, which is wrong
    const request = await new Caller(scene).subscribe();
    let verified = 0;
    for (let i = 0; i <= STRANGER_RATE.burst; i++) {
      const peer = request.subarray(-32); // the body's end is the peer it was signed for
      new DataView(request.buffer, request.byteLength - 4).setUint32(0, i);
      const code = codeOfThrown(() => calls.openSubscription(peer.slice(), request));
      if (code === "bad-signature") verified += 1;
      else expect(code).toBe("overloaded");
    }
    // the member itself was a newcomer once
    expect(verified).toBe(STRANGER_RATE.burst - 1);
    const late = new Caller(scene);
    expect(codeOf(late, await late.join())).toBe("overloaded");
    expect(codeOf(member, await member.join())).toBe("done");
    expect(calls.openSubscription(member.peer, await member.subscribe())).toEqual(member.identity.session.publicKey);
    await scene.wait(1_000);
    expect(codeOf(late, await late.join())).toBe("done");
  });
});

function codeOfThrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CoordinatorError) return error.code;
    throw error;
  }
  return "done";
}
