import { type Address, AccountRole, generateKeyPairSigner, type Instruction, type KeyPairSigner } from "@solana/kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asCoordinatorError } from "./coordinatorError.ts";
import { ChainError } from "./chainError.ts";
import { ClusterClient } from "./clusterClient.ts";
import { FakeNode, RpcAnswerError } from "./fakeNode.node.ts";
import { LOCAL_PROGRAMS } from "./pdas.ts";
import { type Confirmation, TransactionSender } from "./transactions.ts";

/** What the node says of a signature, by the order of questions; the last for all that follow. */
function statuses(...told: unknown[]): () => unknown {
  let next = 0;
  return () => ({ context: { slot: 1 }, value: [told[Math.min(next++, told.length - 1)]] });
}

const CONFIRMED = { slot: 77, confirmations: 1, err: null, confirmationStatus: "confirmed" };
const PROCESSED = { ...CONFIRMED, confirmationStatus: "processed" };

describe("TransactionSender", () => {
  let node: FakeNode;
  let client: ClusterClient;
  let sender: TransactionSender;
  let payer: KeyPairSigner;
  let instruction: Instruction;

  beforeEach(async () => {
    node = await FakeNode.start();
    node.answers.simulateTransaction = () => node.withSlot({ err: null, unitsConsumed: 20_000, logs: [] });
    node.answers.sendTransaction = () => "signature";
    node.answers.getSignatureStatuses = statuses(CONFIRMED);
    node.answers.getBlockHeight = () => 100;
    client = new ClusterClient({ rpcUrls: [node.url], wsUrls: [], random: () => 0, requestTimeoutMs: 3_000 });
    sender = new TransactionSender(client, LOCAL_PROGRAMS);
    payer = await generateKeyPairSigner();
    const accounts = [{ address: (await generateKeyPairSigner()).address, role: AccountRole.WRITABLE }];
    instruction = { programAddress: LOCAL_PROGRAMS.coordinator, accounts, data: Uint8Array.of(12) };
  });

  afterEach(async () => {
    await client.close();
    await node.stop();
  });

  const send = (options = {}): Promise<Confirmation> => sender.send([instruction], payer, options);

  const failed = async (call: Promise<unknown>): Promise<ChainError> => {
    const error: unknown = await call.then(
      () => new Error("expected a refusal"),
      (reason: unknown) => reason,
    );
    if (!(error instanceof ChainError)) throw error;
    return error;
  };

  const custom = (number: number, index = 2): unknown => ({ InstructionError: [index, { Custom: number }] });
  const preflight = (err: unknown, logs: string[] = []): RpcAnswerError =>
    new RpcAnswerError(-32002, "Transaction simulation failed", { err, logs, unitsConsumed: 1 });

  it("simulates a kind of transaction once, and waits for the commitment asked for", async () => {
    node.answers.getSignatureStatuses = statuses(null, PROCESSED, CONFIRMED);
    expect(await send()).toMatchObject({ status: "confirmed", slot: 77n });
    expect(node.countOf("getSignatureStatuses")).toBe(3);
    await send();
    expect(node.countOf("simulateTransaction")).toBe(1);
    expect(node.countOf("getLatestBlockhash")).toBe(1);
    const wires = node.asked.filter((one) => one.method === "sendTransaction").map((one) => one.params[0]);
    // equal instructions of one blockhash are two transactions, not one
    expect(new Set(wires).size).toBe(2);
  });

  it("says in simulation already what the program refuses, in a sentence", async () => {
    node.answers.simulateTransaction = () => node.withSlot({ err: custom(7), logs: [] });
    const error = await failed(send());
    expect(error).toMatchObject({ code: "rejected", refusal: { program: "coordinator", number: 7, name: "DuplicateWitness" } });
    expect(error.message).toContain("already reported");
    expect(node.countOf("sendTransaction")).toBe(0);
    expect(asCoordinatorError(error, "witness")).toMatchObject({ code: "refused", machineCode: "DuplicateWitness" });
  });

  it("names the program that refused inside another one", async () => {
    const logs = [
      `Program ${LOCAL_PROGRAMS.treasurer} invoke [1]`,
      `Program ${LOCAL_PROGRAMS.coordinator} invoke [2]`,
      `Program ${LOCAL_PROGRAMS.coordinator} failed: custom program error: 0x17eb`,
      `Program ${LOCAL_PROGRAMS.treasurer} failed: custom program error: 0x17eb`,
    ];
    node.answers.sendTransaction = () => preflight(custom(6123), logs);
    instruction = { ...instruction, programAddress: LOCAL_PROGRAMS.treasurer };
    expect(await failed(send())).toMatchObject({ refusal: { program: "coordinator", name: "NotEnoughPoints" } });
  });

  it("keeps the number of a refusal that its list lacks", async () => {
    node.answers.sendTransaction = () => preflight(custom(4_000_000_000));
    expect(await failed(send())).toMatchObject({ code: "rejected", refusal: { number: 4_000_000_000, name: "" } });
  });

  it("tells a poor fee payer from a refusal", async () => {
    node.answers.simulateTransaction = () => node.withSlot({ err: "InsufficientFundsForFee", logs: [] });
    expect((await failed(send())).code).toBe("unfunded");
  });

  it("tells a refusal after it was carried out", async () => {
    node.answers.getSignatureStatuses = statuses({ ...CONFIRMED, err: custom(6104) });
    expect(await failed(send())).toMatchObject({ code: "rejected", refusal: { name: "NotTheAuthority" } });
  });

  it("asks which program refused where one called another, after it was carried out", async () => {
    node.answers.getSignatureStatuses = statuses({ ...CONFIRMED, err: custom(6104) });
    const logMessages = [`Program ${LOCAL_PROGRAMS.treasurer} failed: custom program error: 0x17d8`];
    node.answers.getTransaction = () => ({ slot: 7, meta: { logMessages } });
    expect(await failed(send())).toMatchObject({ code: "rejected", refusal: { program: "treasurer" } });
  });

  it("takes a fresh blockhash where a node does not know the one it had", async () => {
    let tries = 0;
    node.answers.sendTransaction = () => (tries++ === 0 ? preflight("BlockhashNotFound") : "signature");
    expect((await send()).status).toBe("confirmed");
    expect(node.countOf("getLatestBlockhash")).toBe(2);
  });

  it("signs no second one where a node that gave no answer may have passed the first one on", async () => {
    const silent = await FakeNode.start();
    const both = new ClusterClient({ rpcUrls: [silent.url, node.url], wsUrls: [], random: () => 0, requestTimeoutMs: 3_000 });
    try {
      silent.answers.simulateTransaction = (params) => {
        // the next question is to carry it out
        silent.manner = "hang-up";
        return node.answers.simulateTransaction(params);
      };
      node.answers.sendTransaction = () => preflight("BlockhashNotFound");
      expect((await new TransactionSender(both, LOCAL_PROGRAMS).send([instruction], payer)).status).toBe("confirmed");
      const sent = [silent, node].map(({ asked }) =>
        asked.filter(({ method }) => method === "sendTransaction").map(({ params }) => params[0]),
      );
      expect(sent).toEqual([[expect.any(String)], sent[0]]);
    } finally {
      await both.close();
      await silent.stop();
    }
  });

  it("simulates again where the budget was too low", async () => {
    let tries = 0;
    const logs = ["Program x consumed 30000 of 30000 compute units", "Program x failed: exceeded CUs meter at BPF instruction"];
    node.answers.sendTransaction = () =>
      tries++ === 0 ? preflight({ InstructionError: [2, "ProgramFailedToComplete"] }, logs) : "signature";
    expect((await send()).status).toBe("confirmed");
    expect(node.countOf("simulateTransaction")).toBe(2);
  });

  it("looks whether it was carried out where the node hangs up on sending", async () => {
    await send();
    node.asked.length = 0;
    const { sendTransaction } = node.answers;
    node.answers.sendTransaction = (params) => {
      node.manner = "hang-up";
      setTimeout(() => (node.manner = "well"), 400);
      return sendTransaction(params);
    };
    node.manner = "well";
    expect((await send()).status).toBe("confirmed");
  });

  it("takes what was carried out already as carried out", async () => {
    node.answers.sendTransaction = () => preflight("AlreadyProcessed");
    expect((await send()).status).toBe("confirmed");
    const words = "Transaction verification failed: This transaction has already been processed";
    for (const code of [-32002, -32603]) {
      node.answers.sendTransaction = () => new RpcAnswerError(code, words);
      expect((await send()).status).toBe("confirmed");
    }
  });

  it("sends it again while nobody has seen it, and says when it never will be carried out", { timeout: 20_000 }, async () => {
    node.answers.getSignatureStatuses = statuses(null);
    node.answers.getBlockHeight = () => 151;
    const error = await failed(send());
    expect(error.code).toBe("expired");
    expect(error.signature).not.toBeNull();
    expect(node.countOf("sendTransaction")).toBeGreaterThan(2);
    // the last question goes through the node's whole history
    expect(node.asked.filter((one) => one.method === "getSignatureStatuses").at(-1)!.params[1]).toEqual({ searchTransactionHistory: true });
  });

  it("believes the effect before it says so", { timeout: 20_000 }, async () => {
    node.answers.getSignatureStatuses = statuses(null);
    node.answers.getBlockHeight = () => 151;
    expect(await send({ effect: () => Promise.resolve(true) })).toMatchObject({ status: "confirmed", slot: null });
  });

  it("says unknown, with the signature, to a caller that stops waiting", async () => {
    node.answers.getSignatureStatuses = statuses(null);
    const error = await failed(send({ signal: AbortSignal.timeout(700) }));
    expect(error.code).toBe("unknown");
    expect(error.message).toContain(error.signature!);
    expect(asCoordinatorError(error, "witness").code).toBe("timeout");
  });

  it("pays what others paid for the same accounts, and never more than it may", async () => {
    node.answers.getRecentPrioritizationFees = () => [10, 20, 30, 9_000_000].map((prioritizationFee) => ({ slot: 1, prioritizationFee }));
    await send();
    const asked = node.asked.find((one) => one.method === "getRecentPrioritizationFees")!.params[0] as Address[];
    expect(asked).toContain(instruction.accounts![0].address);
    const dear = new TransactionSender(client, LOCAL_PROGRAMS, { maxMicroLamports: 7n });
    await dear.send([instruction], payer);
    const cheap = new TransactionSender(client, LOCAL_PROGRAMS, { maxMicroLamports: 0n });
    await cheap.send([instruction], payer);
    const prices = node.asked.filter((one) => one.method === "sendTransaction").map((one) => priceOf(one.params[0] as string));
    expect(prices).toEqual([30n, 7n, 0n]);
  });

  it("refuses a transaction that is too large before it is sent", async () => {
    instruction = { ...instruction, data: new Uint8Array(1_200) };
    expect(await failed(send())).toMatchObject({ code: "bad-argument" });
  });
});

/** SetComputeUnitPrice is the second instruction: its byte 3 and a u64, found behind the limit's. */
function priceOf(wire: string): bigint {
  const bytes = Uint8Array.from(atob(wire), (character) => character.charCodeAt(0));
  // [program, no accounts, 9 bytes of data: 3, u64]
  for (let at = 0; at + 11 < bytes.length; at++) {
    if (bytes[at] === 0 && bytes[at + 1] === 9 && bytes[at + 2] === 3) return new DataView(bytes.buffer, at + 3).getBigUint64(0, true);
  }
  throw new Error("no price in the transaction");
}
