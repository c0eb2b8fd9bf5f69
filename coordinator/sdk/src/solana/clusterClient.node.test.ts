import { generateKeyPairSigner, type Address } from "@solana/kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClusterClient } from "./clusterClient.ts";
import { FakeNode } from "./fakeNode.node.ts";
import type { AccountUpdate } from "./wsConnection.ts";

const SYSTEM = "11111111111111111111111111111111";

function account(text: string, lamports = 1): unknown {
  return {
    owner: SYSTEM,
    lamports,
    data: [btoa(text), "base64"],
    executable: false,
    rentEpoch: 18446744073709551615n.toString(),
    space: text.length,
  };
}

describe("ClusterClient", () => {
  let one: FakeNode;
  let two: FakeNode;
  let client: ClusterClient;
  let address: Address;
  let heard: AccountUpdate[];

  beforeEach(async () => {
    [one, two] = await Promise.all([FakeNode.start(), FakeNode.start()]);
    address = (await generateKeyPairSigner()).address;
    client = new ClusterClient({ rpcUrls: [one.url, two.url], wsUrls: [one.wsUrl, two.wsUrl], random: () => 0, requestTimeoutMs: 3_000 });
    heard = [];
  });

  afterEach(async () => {
    await client.close();
    // nothing that was opened is left open
    await until(() => one.websocketCount + two.websocketCount === 0);
    await Promise.all([one.stop(), two.stop()]);
  });

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  const texts = (): string[] => heard.map((update) => (update.account === null ? "gone" : new TextDecoder().decode(update.account.data)));

  async function watching(): Promise<void> {
    client.watch(address, (update) => heard.push(update));
    await until(() => one.subscriptionCount === 1 && two.subscriptionCount === 1);
  }

  it("tells what the account is at once, then every change, from both websockets", async () => {
    one.accounts.set(address, account("first"));
    await watching();
    await until(() => texts().includes("first"));
    one.notify(address, account("second"));
    two.notify(address, account("third"));
    await until(() => texts().includes("second") && texts().includes("third"));
  });

  it("misses nothing while one websocket is gone, and subscribes again when it is back", async () => {
    await watching();
    one.dropWebsockets();
    await until(() => client.status().websocketsOpen === 1);
    two.notify(address, account("by the other"));
    await until(() => texts().includes("by the other"));
    await until(() => one.subscriptionCount === 1);
    one.notify(address, account("back"));
    await until(() => texts().includes("back"));
  });

  it("looks at once when a websocket comes or goes: what changed meanwhile is not missed", async () => {
    await watching();
    one.accounts.set(address, account("silent change"));
    one.dropWebsockets();
    two.dropWebsockets();
    await until(() => texts().includes("silent change"));
  });

  it("polls where no websocket opens", async () => {
    const blind = new ClusterClient({ rpcUrls: [one.url], wsUrls: ["ws://127.0.0.1:1"] });
    blind.watch(address, (update) => heard.push(update));
    one.accounts.set(address, account("polled"));
    await until(() => texts().includes("polled"));
    expect(blind.status()).toMatchObject({ websocketsOpen: 0, websockets: 1 });
    await blind.close();
  });

  it("hangs up on a websocket that sends garbage, and lives on the others", async () => {
    one.websocketManner = "garbage";
    client.watch(address, (update) => heard.push(update));
    await until(() => two.subscriptionCount === 1);
    await until(
      () => client.status().websocketReasons.some((reason) => reason.includes("must not")) || client.status().websocketsOpen === 1,
    );
    two.notify(address, account("clean"));
    await until(() => texts().includes("clean"));
  });

  it("does not end on notifications that lie", async () => {
    await watching();
    for (const lie of [
      { method: "accountNotification" },
      { method: "accountNotification", params: { subscription: 1 } },
      [],
      7,
      { id: 99_999 },
    ]) {
      one.say(lie);
    }
    one.notify(address, { owner: "x", lamports: -1, data: 3 });
    await until(() => one.subscriptionCount === 1);
    one.slot = 0.5;
    one.notify(address, account("at no slot"));
    two.notify(address, account("true"));
    await until(() => texts().includes("true"));
    expect(texts().every((text) => ["true", "gone"].includes(text))).toBe(true);
  });

  it("leaves a node that hangs up on everybody more and more alone", async () => {
    const patient = new ClusterClient({ rpcUrls: [one.url], wsUrls: [one.wsUrl], random: () => 1 });
    for (let i = 0; i < 2; i++) {
      await until(() => patient.status().websocketsOpen === 1);
      const droppedMs = performance.now();
      one.dropWebsockets();
      await until(() => patient.status().websocketsOpen === 0);
      await until(() => patient.status().websocketsOpen === 1);
      // 250 ms doubled each time
      expect(performance.now() - droppedMs).toBeGreaterThan(250 * 2 ** i);
    }
    await patient.close();
  });

  it("tells a closed account as none", async () => {
    await watching();
    one.notify(address, account("", 0));
    await until(() => heard.some((update) => update.account === null));
  });

  it("refuses accounts that are none", async () => {
    for (const lie of [
      7,
      "x",
      { owner: SYSTEM },
      { owner: SYSTEM, lamports: 1, data: ["!", "base64"] },
      { owner: "?", lamports: 1, data: ["", "base64"] },
    ]) {
      one.accounts.set(address, lie);
      await expect(client.account(address)).rejects.toMatchObject({ code: "rpc" });
    }
    one.accounts.set(address, account("x".repeat(70_000)));
    await expect(client.account(address)).rejects.toMatchObject({ code: "rpc" });
    one.answers.getMultipleAccounts = () => one.withSlot([]);
    await expect(client.account(address)).rejects.toMatchObject({ code: "rpc" });
  });

  it("ends subscriptions with their last listener", async () => {
    const stop = client.watch(address, () => {});
    const stopToo = client.watch(address, () => {});
    await until(() => one.subscriptionCount === 1);
    stop();
    stopToo();
    expect(() => client.watch(address, () => {})()).not.toThrow();
    await client.close();
    expect(() => client.watch(address, () => {})).toThrow(/closed/);
  });
});
