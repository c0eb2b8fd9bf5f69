/**
 * A Wallet-Standard wallet for tests. Its page half is injected before the page's own code and found by the page as any extension's
 * is; key, decisions and log stay here in Node, as they stay in an extension.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import type { BrowserContext } from "@playwright/test";
import {
  address,
  getAddressDecoder,
  getAddressEncoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  getTransactionEncoder,
  type Address,
  type CompiledTransactionMessage,
  type CompiledTransactionMessageWithLifetime,
  type SignatureBytes,
} from "@solana/kit";

export type Decision = "approve" | "reject" | "hang";

export interface WalletRequest {
  kind: "connect" | "signTransaction" | "signAndSendTransaction" | "signMessage";
  /** of a connect: the page asks whether it was allowed before */
  silent?: boolean;
  chain?: string;
  /** base64: a transaction as it goes over the wire, or a message */
  bytes?: string;
}

export interface WalletOptions {
  name?: string;
  /** of Ed25519; default: a new one */
  seed?: Uint8Array;
  /** the wallet's own node, to which it sends what it signs and sends */
  rpcUrl: string;
  chains?: readonly string[];
  /** offers to send what it signs */
  signAndSend?: boolean;
}

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_HEADER_BYTES = 12;

export class TestWallet {
  readonly address: Address;
  readonly seed: Uint8Array;
  readonly log: (WalletRequest & { decision: Decision })[] = [];
  /** asked at each request; a promise is a person who thinks about it */
  decide: (request: WalletRequest) => Decision | Promise<Decision> = () => "approve";
  readonly #options: WalletOptions;
  readonly #key;
  #isAuthorized = false;

  private constructor(options: WalletOptions) {
    this.#options = options;
    this.seed = options.seed ?? randomBytes(32);
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, this.seed]), format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    this.address = getAddressDecoder().decode(spki.subarray(SPKI_HEADER_BYTES));
  }

  static async install(context: BrowserContext, options: WalletOptions): Promise<TestWallet> {
    const wallet = new TestWallet(options);
    const binding = `testWallet${randomBytes(6).toString("hex")}`;
    await context.exposeBinding(binding, (_source, request: WalletRequest) => wallet.#answer(request));
    await context.addInitScript(pageHalf, {
      binding,
      name: options.name ?? "Test Wallet",
      address: wallet.address,
      publicKey: Buffer.from(getAddressEncoder().encode(wallet.address)).toString("base64"),
      chains: options.chains ?? ["solana:localnet"],
      signAndSend: options.signAndSend ?? false,
    });
    return wallet;
  }

  /** As solana-keygen writes a key: 64 numbers. */
  get keyFile(): string {
    const spki = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    return JSON.stringify([...this.seed, ...spki.subarray(SPKI_HEADER_BYTES)]);
  }

  /** What it was asked to sign, in order. */
  get asked(): (CompiledTransactionMessage & CompiledTransactionMessageWithLifetime)[] {
    return this.log.flatMap(({ bytes, kind }) => (bytes === undefined || kind === "signMessage" ? [] : [messageOf(bytes)]));
  }

  /** How many signatures it gave. */
  get signed(): number {
    return this.log.filter(({ kind, decision }) => kind !== "connect" && decision === "approve").length;
  }

  async #answer(request: WalletRequest): Promise<object> {
    if (request.kind === "connect" && request.silent) return { ok: this.#isAuthorized };
    const decision = await this.decide(request);
    this.log.push({ ...request, decision });
    if (decision === "hang") return new Promise<never>(() => undefined);
    if (decision === "reject") return { error: "User rejected the request." };
    if (request.kind === "connect") {
      this.#isAuthorized = true;
      return { ok: true };
    }
    const bytes = Buffer.from(request.bytes!, "base64");
    if (request.kind === "signMessage") return { signature: sign(null, bytes, this.#key).toString("base64") };
    const transaction = getTransactionDecoder().decode(bytes);
    if (!(this.address in transaction.signatures)) return { error: "This account is not a signer of the transaction." };
    const signature = sign(null, Buffer.from(transaction.messageBytes), this.#key);
    const signatures: Record<Address, SignatureBytes | null> = {
      ...transaction.signatures,
      [this.address]: new Uint8Array(signature) as SignatureBytes,
    };
    const signed = Buffer.from(getTransactionEncoder().encode({ ...transaction, signatures })).toString("base64");
    if (request.kind === "signTransaction") return { signed };
    const response = await fetch(this.#options.rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "sendTransaction",
        params: [signed, { encoding: "base64", preflightCommitment: "confirmed" }],
      }),
    });
    const { error } = (await response.json()) as { error?: { message: string } };
    if (error) return { error: error.message };
    // the first signature names the transaction, whoever's it is
    return { signature: Buffer.from(Object.values(signatures)[0]!).toString("base64") };
  }
}

function messageOf(bytes: string): CompiledTransactionMessage & CompiledTransactionMessageWithLifetime {
  const { messageBytes } = getTransactionDecoder().decode(Buffer.from(bytes, "base64"));
  return getCompiledTransactionMessageDecoder().decode(messageBytes);
}

/** Programs that a message calls, in order. */
export function programsOf(message: CompiledTransactionMessage): Address[] {
  const { staticAccounts } = message as { staticAccounts: Address[] };
  const { instructions } = message as { instructions: { programAddressIndex: number }[] };
  return instructions.map(({ programAddressIndex }) => address(staticAccounts[programAddressIndex]!));
}

interface PageHalf {
  binding: string;
  name: string;
  address: string;
  publicKey: string;
  chains: readonly string[];
  signAndSend: boolean;
}

/** Runs in the page: no imports, nothing from around it. */
function pageHalf(options: PageHalf): void {
  interface Reply {
    ok?: boolean;
    error?: string;
    signature?: string;
    signed?: string;
  }
  const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const toBase64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const ask = async (request: object): Promise<Reply> => {
    const binding = (globalThis as unknown as Record<string, (request: object) => Promise<Reply>>)[options.binding]!;
    const reply = await binding(request);
    if (reply.error) throw Object.assign(new Error(reply.error), { code: 4001 });
    return reply;
  };
  const account = Object.freeze({
    address: options.address,
    publicKey: fromBase64(options.publicKey),
    chains: options.chains,
    features: ["solana:signTransaction", ...(options.signAndSend ? ["solana:signAndSendTransaction"] : []), "solana:signMessage"],
  });
  const listeners = new Set<(change: object) => void>();
  let accounts: (typeof account)[] = [];
  const setAccounts = (next: (typeof account)[]): void => {
    accounts = next;
    for (const listener of listeners) listener({ accounts });
  };
  type Inputs = { transaction: Uint8Array; chain?: string }[];
  const features: Record<string, unknown> = {
    "standard:connect": {
      version: "1.0.0",
      connect: async ({ silent }: { silent?: boolean } = {}) => {
        const { ok } = await ask({ kind: "connect", silent: Boolean(silent) });
        if (ok) setAccounts([account]);
        return { accounts };
      },
    },
    "standard:disconnect": { version: "1.0.0", disconnect: async () => setAccounts([]) },
    "standard:events": {
      version: "1.0.0",
      on: (event: string, listener: (change: object) => void) => {
        if (event === "change") listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    "solana:signMessage": {
      version: "1.1.0",
      signMessage: async (...inputs: { message: Uint8Array }[]) => {
        const out = [];
        for (const { message } of inputs) {
          const { signature } = await ask({ kind: "signMessage", bytes: toBase64(message) });
          out.push({ signedMessage: message, signature: fromBase64(signature!) });
        }
        return out;
      },
    },
    "solana:signTransaction": {
      version: "1.0.0",
      supportedTransactionVersions: ["legacy", 0],
      signTransaction: async (...inputs: Inputs) => {
        const out = [];
        for (const { transaction, chain } of inputs) {
          const { signed } = await ask({ kind: "signTransaction", chain, bytes: toBase64(transaction) });
          out.push({ signedTransaction: fromBase64(signed!) });
        }
        return out;
      },
    },
  };
  if (options.signAndSend) {
    features["solana:signAndSendTransaction"] = {
      version: "1.0.0",
      supportedTransactionVersions: ["legacy", 0],
      signAndSendTransaction: async (...inputs: Inputs) => {
        const out = [];
        for (const { transaction, chain } of inputs) {
          const { signature } = await ask({ kind: "signAndSendTransaction", chain, bytes: toBase64(transaction) });
          out.push({ signature: fromBase64(signature!) });
        }
        return out;
      },
    };
  }
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#7c3aed"/></svg>`;
  const wallet = Object.freeze({
    version: "1.0.0",
    name: options.name,
    icon: `data:image/svg+xml;base64,${btoa(icon)}`,
    chains: options.chains,
    get accounts() {
      return accounts;
    },
    features,
  });
  // both halves of the standard's hand-shake, whoever comes first
  const register = (api: { register(wallet: unknown): void }) => api.register(wallet);
  globalThis.dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: register }));
  globalThis.addEventListener("wallet-standard:app-ready", (event) => register((event as CustomEvent).detail));
}
