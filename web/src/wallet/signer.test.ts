import {
  appendTransactionMessageInstruction,
  blockhash,
  compileTransaction,
  createTransactionMessage,
  generateKeyPairSigner,
  getTransactionDecoder,
  getTransactionEncoder,
  partiallySignTransaction,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  verifySignature,
  type Address,
  type KeyPairSigner,
  type TransactionSigner,
} from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";
import { ActionError } from "@starling/sdk/actions/errors";
import { beforeAll, describe, expect, it } from "vitest";
import { PageError } from "../lib/pageError.ts";
import { isRejection, standardSignWires, walletSigner, type SignWires, type StandardWallet } from "./signer.ts";
import { walletSnapshot } from "./store.ts";

const LIFETIME = { blockhash: blockhash("4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"), lastValidBlockHeight: 7n };

let owner: KeyPairSigner;
let second: KeyPairSigner;
beforeAll(async () => {
  owner = await generateKeyPairSigner();
  second = await generateKeyPairSigner();
});

const message = (payer: TransactionSigner, source: TransactionSigner = payer) =>
  pipe(
    createTransactionMessage({ version: 0 }),
    (empty) => setTransactionMessageFeePayerSigner(payer, empty),
    (unborn) => setTransactionMessageLifetimeUsingBlockhash(LIFETIME, unborn),
    (bare) => appendTransactionMessageInstruction(getTransferSolInstruction({ source, destination: second.address, amount: 5n }), bare),
  );

async function signedBy(key: CryptoKeyPair, wire: Uint8Array): Promise<Uint8Array> {
  const signed = await partiallySignTransaction([key], getTransactionDecoder().decode(wire));
  return new Uint8Array(getTransactionEncoder().encode(signed));
}

/** a wallet whose key signs what it is given, and which keeps what it was asked */
function wallet(options: { chains?: string[]; features?: string[]; answer?: (wire: Uint8Array) => Promise<Uint8Array> } = {}) {
  const asked: { chain: string; account: { address: string } }[] = [];
  const features = options.features ?? ["solana:signTransaction"];
  const answer = options.answer ?? ((wire: Uint8Array) => signedBy(owner.keyPair, wire));
  const standard: StandardWallet = {
    accounts: [{ address: owner.address, chains: options.chains ?? ["solana:devnet", "solana:localnet"], features }],
    features: {
      "solana:signTransaction": {
        signTransaction: async (...inputs: { chain: string; account: { address: string }; transaction: Uint8Array }[]) => {
          asked.push(...inputs);
          return Promise.all(inputs.map(async ({ transaction }) => ({ signedTransaction: await answer(transaction) })));
        },
      },
    },
  };
  return { standard, asked };
}

const signerOf = (standard: StandardWallet, signal?: AbortSignal) =>
  walletSigner(owner.address, "Nest", standardSignWires(standard, owner.address, "Nest", "solana:localnet"), signal);

const signerWith = (signWires: SignWires) => walletSigner(owner.address, "Nest", signWires);

async function failure(task: Promise<unknown>): Promise<ActionError | PageError> {
  const thrown = await task.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toSatisfy((error) => error instanceof ActionError || error instanceof PageError);
  return thrown as ActionError;
}

describe("a wallet as a signer of kit", () => {
  it("signs kit's bytes, and is told the chain and the account", async () => {
    const { standard, asked } = wallet();
    const signed = await signTransactionMessageWithSigners(message(signerOf(standard)));
    expect(await verifySignature(owner.keyPair.publicKey, signed.signatures[owner.address]!, signed.messageBytes)).toBe(true);
    expect(asked.map(({ chain, account }) => [chain, account.address])).toEqual([["solana:localnet", owner.address]]);
    expect(signed.lifetimeConstraint).toEqual(LIFETIME);
    expect(walletSnapshot().signing).toBe(false);
  });

  it("signs before a second key does, which then signs what the wallet returned", async () => {
    const { standard } = wallet();
    const signed = await signTransactionMessageWithSigners(message(signerOf(standard), second));
    for (const key of [owner, second])
      expect(await verifySignature(key.keyPair.publicKey, signed.signatures[key.address]!, signed.messageBytes)).toBe(true);
  });

  it("takes over what a wallet changed", async () => {
    const other = blockhash("8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR");
    const changed = compileTransaction(
      pipe(message(owner), (asked) => setTransactionMessageLifetimeUsingBlockhash({ ...LIFETIME, blockhash: other }, asked)),
    );
    const { standard } = wallet({ answer: () => signedBy(owner.keyPair, new Uint8Array(getTransactionEncoder().encode(changed))) });
    const signed = await signTransactionMessageWithSigners(message(signerOf(standard)));
    expect(signed.messageBytes).toEqual(changed.messageBytes);
    expect(signed.lifetimeConstraint).toMatchObject({ blockhash: other });
  });

  it("a declined signature is a cancelled action", async () => {
    const { standard } = wallet({ answer: () => Promise.reject(Object.assign(new Error("User rejected the request."), { code: 4001 })) });
    const error = await failure(signTransactionMessageWithSigners(message(signerOf(standard))));
    expect(error).toMatchObject({ name: "ActionError", code: "cancelled", message: "You declined it in Nest. Nothing was sent." });
    expect(walletSnapshot().signing).toBe(false);
  });

  it("a wallet that never answers can be left", async () => {
    const stop = new AbortController();
    const { standard, asked } = wallet({ answer: () => new Promise(() => {}) });
    const signing = failure(signTransactionMessageWithSigners(message(signerOf(standard, stop.signal))));
    await expect.poll(() => asked.length).toBe(1);
    expect(walletSnapshot().signing).toBe(true);
    stop.abort();
    expect(await signing).toMatchObject({ code: "cancelled" });
    expect(walletSnapshot().signing).toBe(false);
  });

  it("a wallet on another network is told before it is asked", async () => {
    const { standard, asked } = wallet({ chains: ["solana:mainnet"] });
    const error = await failure(signTransactionMessageWithSigners(message(signerOf(standard))));
    expect(error.code).toBe("wallet-network");
    expect(error.message).toContain("for mainnet, and the run is on localnet");
    expect(asked).toEqual([]);
  });

  it("a wallet that only sends is refused with a sentence", async () => {
    const { standard, asked } = wallet({ features: ["solana:signAndSendTransaction"] });
    expect(await failure(signTransactionMessageWithSigners(message(signerOf(standard))))).toMatchObject({ code: "wallet-cannot-sign" });
    expect(asked).toEqual([]);
  });

  it("an account that is gone asks to connect again", async () => {
    const { standard } = wallet();
    const signWires = standardSignWires(standard, second.address as Address, "Nest", "solana:localnet");
    expect(await failure(signTransactionMessageWithSigners(message(signerWith(signWires))))).toMatchObject({ code: "no-wallet" });
  });

  it.each<[string, SignWires]>([
    ["nothing", async () => []],
    ["no transaction", async (wires) => wires.map(() => new Uint8Array([1, 2, 3]))],
    ["no signature", async (wires) => wires],
    ["a failure without words", () => Promise.reject(new Error(""))],
  ])("a wallet that returns %s is told as its fault", async (_, signWires) => {
    const error = await failure(signTransactionMessageWithSigners(message(signerWith(signWires))));
    expect(error).toMatchObject({ name: "PageError", code: "wallet-failed" });
    expect(error.message).toContain("Nest");
  });
});

it("declining is seen by code, by words, and inside of an adapter's error", () => {
  expect(isRejection({ code: 4001 })).toBe(true);
  expect(isRejection(new Error("Transaction was declined"))).toBe(true);
  expect(isRejection(Object.assign(new Error("x"), { error: { code: 4001 } }))).toBe(true);
  expect(isRejection(new Error("x", { cause: new Error("User rejected the request") }))).toBe(true);
  expect(isRejection(new Error("insufficient funds"))).toBe(false);
  expect(isRejection(undefined)).toBe(false);
  const circle: { cause?: unknown } = {};
  circle.cause = circle;
  expect(isRejection(circle)).toBe(false);
});
