import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChainError } from "./chainError.ts";
import { FakeNode, RpcAnswerError } from "./fakeNode.node.ts";
import { RpcPool, RpcRefusal, type RpcStatus } from "./rpcPool.ts";

describe("RpcPool", () => {
  let primary: FakeNode;
  let fallback: FakeNode;
  let pool: RpcPool;
  let statuses: RpcStatus[];

  beforeEach(async () => {
    [primary, fallback] = await Promise.all([FakeNode.start(), FakeNode.start()]);
    statuses = [];
    for (const [node, name] of [
      [primary, "primary"],
      [fallback, "fallback"],
    ] as const)
      node.answers.who = () => node.withSlot(name);
    pool = new RpcPool({
      rpcUrls: [primary.url, fallback.url],
      requestTimeoutMs: 2_000,
      onStatus: (status) => statuses.push(status),
      random: () => 0,
    });
  });

  afterEach(async () => {
    pool.close();
    await Promise.all([primary.stop(), fallback.stop()]);
  });

  const who = async (): Promise<unknown> => ((await pool.call("who", [])) as { value: unknown }).value;

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it("asks the primary while it is well", async () => {
    expect(await who()).toBe("primary");
    expect(fallback.asked).toHaveLength(0);
  });

  for (const manner of ["hang", "garbage", "error-500", "hang-up", "endless"] as const) {
    it(`goes to the fallback where the primary's manner is "${manner}", and returns`, async () => {
      primary.manner = manner;
      expect(await who()).toBe("fallback");
      expect(statuses.at(-1)).toMatchObject({ url: fallback.url, isPrimary: false });
      expect(statuses.at(-1)!.reason).toContain(new URL(primary.url).host);
      primary.manner = "well";
      await until(async () => (await who()) === "primary");
      expect(statuses.at(-1)).toMatchObject({ url: primary.url, isPrimary: true, reason: null });
    });
  }

  it("goes to the fallback while nobody listens at the primary", async () => {
    const { port } = primary;
    await primary.stop();
    expect(await who()).toBe("fallback");
    primary = await FakeNode.start(port);
    primary.answers.who = () => primary.withSlot("primary again");
    await until(async () => (await who()) === "primary again");
  });

  it("leaves a node alone for as long as it says", async () => {
    primary.manner = "rate-limited";
    primary.retryAfter = "1";
    expect(await who()).toBe("fallback");
    const asked = primary.asked.length;
    const from = performance.now();
    primary.manner = "well";
    await until(() => primary.asked.length > asked);
    expect(performance.now() - from).toBeGreaterThan(850);
    await until(async () => (await who()) === "primary");
  });

  it("tells no keys that stand in an url", async () => {
    const nobody = new RpcPool({ rpcUrls: ["http://127.0.0.1:1/secret?api-key=secret"] });
    const error = await nobody.call("who", []).catch((why: Error) => why);
    expect((error as Error).message).toContain("127.0.0.1:1 ");
    expect((error as Error).message).not.toContain("secret");
    nobody.close();
  });

  it("waits where the only node asks for less", async () => {
    const alone = new RpcPool({ rpcUrls: [primary.url] });
    primary.manner = "rate-limited";
    setTimeout(() => (primary.manner = "well"), 200);
    expect(await alone.call("who", [])).toMatchObject({ value: "primary" });
    expect(primary.countOf("who")).toBe(2);
    alone.close();
  });

  it("waits as well where the node says so in its answer, however short a rest it asks for", async () => {
    const alone = new RpcPool({ rpcUrls: [primary.url], random: () => 1 });
    primary.answers.who = () => new RpcAnswerError(429, "Too many requests");
    setTimeout(() => (primary.manner = "rate-limited"), 200);
    primary.retryAfter = "0";
    setTimeout(() => {
      primary.manner = "well";
      primary.answers.who = () => primary.withSlot("primary");
    }, 700);
    expect(await alone.call("who", [])).toMatchObject({ value: "primary" });
    // again after 0.5 s and 1 s
    expect(primary.countOf("who")).toBeLessThanOrEqual(3);
    alone.close();
  });

  it("takes no slot from a node that tells none", async () => {
    for (const slot of [0.5, -1, 1e300]) {
      primary.answers.who = () => ({ context: { slot }, value: "primary" });
      expect(await who()).toBe("primary");
    }
  });

  it("asks another node where one is behind", async () => {
    primary.answers.who = () => new RpcAnswerError(-32016, "Minimum context slot has not been reached");
    expect(await who()).toBe("fallback");
    fallback.answers.who = primary.answers.who;
    await expect(who()).rejects.toThrow(RpcRefusal);
  });

  it("does not believe a node that is a minute behind another", async () => {
    fallback.slot = 5_000;
    primary.manner = "hang-up";
    expect(await who()).toBe("fallback");
    primary.manner = "well";
    primary.slot = 4_000;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await who()).toBe("fallback");
    primary.slot = 4_950;
    await until(async () => (await who()) === "primary");
  });

  it("takes what there is where every node is behind: a cluster may have begun anew", async () => {
    await who();
    primary.slot = fallback.slot = 3;
    expect(["primary", "fallback"]).toContain(await who());
  });

  it("says who did not answer, and why", async () => {
    primary.manner = "error-500";
    fallback.manner = "garbage";
    const error: unknown = await who().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChainError);
    expect((error as ChainError).code).toBe("unreachable");
    expect((error as ChainError).message).toContain("HTTP 500");
    expect((error as ChainError).message).toContain("not JSON");
    expect(statuses.at(-1)).toMatchObject({ url: null });
  });

  it("hands on an error of the node", async () => {
    primary.answers.who = () => new RpcAnswerError(-32602, "Invalid param: WrongSize");
    await expect(who()).rejects.toMatchObject({ code: "rpc", rpcCode: -32602, message: "who: Invalid param: WrongSize" });
    expect(fallback.asked).toHaveLength(0);
  });

  it("ends with its caller, and when it is closed", async () => {
    primary.manner = fallback.manner = "hang";
    await expect(pool.call("who", [], AbortSignal.timeout(30))).rejects.toMatchObject({ code: "aborted" });
    const open = pool.call("who", []);
    pool.close();
    await expect(open).rejects.toMatchObject({ code: "closed" });
  });

  it("gives kit's typed calls over the same nodes", async () => {
    primary.manner = "error-500";
    const { value } = await pool.rpc.getLatestBlockhash().send();
    expect(value.lastValidBlockHeight).toBe(150n);
  });

  it("refuses urls that are none", () => {
    expect(() => new RpcPool({ rpcUrls: [] })).toThrow(/at least one/);
    expect(() => new RpcPool({ rpcUrls: ["localhost"] })).toThrow(/no url/);
    expect(() => new RpcPool({ rpcUrls: ["ws://localhost"] })).toThrow(/expected http:/);
  });
});
