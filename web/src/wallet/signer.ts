/** A wallet as a signer of kit: kit's bytes go in, the wallet's bytes come out, and the network is told with each request. */
import type { ChainName } from "@starling/config/page/runtimeConfig";
import {
  assertIsTransactionWithinSizeLimit,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  getTransactionEncoder,
  getTransactionLifetimeConstraintFromCompiledTransactionMessage,
  type Address,
  type CompiledTransactionMessage,
  type CompiledTransactionMessageWithLifetime,
  type Transaction,
  type TransactionModifyingSigner,
  type TransactionWithLifetime,
} from "@solana/kit";
import { ActionError } from "@starling/sdk/actions/errors";
import { PageError } from "../lib/pageError.ts";
import { changeWallet } from "./store.ts";

/** Signs wire transactions, several in one request where the wallet can. */
export type SignWires = (wires: readonly Uint8Array[]) => Promise<readonly Uint8Array[]>;

/** EIP-1193's "user rejected", which Solana's wallets use too; those that give no code say it in words */
const REJECTED_CODE = 4001;
const REJECTED_WORDS = /reject|denied|declin|cancel|refus/i;

export function isRejection(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Object && depth < 5; depth++) {
    const { code, message, error: inner, cause } = at as { code?: unknown; message?: unknown; error?: unknown; cause?: unknown };
    if (code === REJECTED_CODE || (typeof message === "string" && REJECTED_WORDS.test(message))) return true;
    at = inner ?? cause;
  }
  return false;
}

/**
 * What the signer throws: ActionError "cancelled" where its owner declined or `signal` ended the wait; PageError wallet-network,
 * wallet-cannot-sign, wallet-failed.
 */
export function walletSigner(address: Address, name: string, signWires: SignWires, signal?: AbortSignal): TransactionModifyingSigner {
  return {
    address,
    async modifyAndSignTransactions(transactions, config) {
      const wires = transactions.map((transaction) => new Uint8Array(getTransactionEncoder().encode(transaction)));
      changeWallet({ signing: true });
      try {
        const signed = await answered(signWires(wires), name, [signal, config?.abortSignal]);
        if (signed.length !== wires.length)
          throw new PageError("wallet-failed", `${name} was given ${wires.length} transactions to sign and returned ${signed.length}.`);
        return await Promise.all(signed.map((wire, i) => readSigned(wire, transactions[i], address, name)));
      } finally {
        changeWallet({ signing: false });
      }
    },
  };
}

async function answered<T>(answer: Promise<T>, name: string, signals: (AbortSignal | undefined)[]): Promise<T> {
  const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(new ActionError("cancelled", `You stopped waiting for ${name}. Nothing was sent.`));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([answer, stopped.promise]);
  } catch (error) {
    if (error instanceof ActionError || error instanceof PageError) throw error;
    if (isRejection(error)) throw new ActionError("cancelled", `You declined it in ${name}. Nothing was sent.`, { cause: error });
    const words = error instanceof Error ? error.message : String(error);
    throw new PageError("wallet-failed", `${name} could not sign${words === "" ? ", and did not say why" : `: ${words}`}`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener("abort", stop);
    // the loser of the race must not become an unhandled rejection
    stopped.promise.catch(() => {});
    answer.catch(() => {});
  }
}

/** A wallet may have changed the message, as by adding a priority fee: what it returns is what is sent. */
async function readSigned(wire: Uint8Array, asked: Transaction | (Transaction & TransactionWithLifetime), address: Address, name: string) {
  let transaction: Transaction;
  try {
    transaction = getTransactionDecoder().decode(wire);
  } catch (cause) {
    throw new PageError("wallet-failed", `${name} returned bytes that are no transaction.`, { cause });
  }
  if (!transaction.signatures[address]) throw new PageError("wallet-failed", `${name} returned the transaction without its signature.`);
  assertIsTransactionWithinSizeLimit(transaction);
  const same =
    "lifetimeConstraint" in asked &&
    asked.messageBytes.length === transaction.messageBytes.length &&
    asked.messageBytes.every((byte, i) => byte === transaction.messageBytes[i]);
  const lifetimeConstraint = same
    ? asked.lifetimeConstraint
    : await getTransactionLifetimeConstraintFromCompiledTransactionMessage(
        getCompiledTransactionMessageDecoder().decode(transaction.messageBytes) as CompiledTransactionMessage &
          CompiledTransactionMessageWithLifetime,
      );
  return { ...transaction, lifetimeConstraint };
}

/** The part of a Wallet Standard wallet that is used here. */
export interface StandardWallet {
  readonly accounts: readonly { readonly address: string; readonly chains: readonly string[]; readonly features: readonly string[] }[];
  readonly features: Readonly<Record<string, unknown>>;
}

interface SignTransactionFeature {
  signTransaction(
    ...inputs: { account: StandardWallet["accounts"][number]; chain: ChainName; transaction: Uint8Array }[]
  ): Promise<readonly { signedTransaction: Uint8Array }[]>;
}

const SIGN = "solana:signTransaction";

/** Asks the wallet itself: its adapter would sign without naming the chain, and guess it from a url where it sends. */
export function standardSignWires(wallet: StandardWallet, address: Address, name: string, chain: ChainName): SignWires {
  return async (wires) => {
    const account = wallet.accounts.find((one) => one.address === address);
    if (account === undefined) throw new PageError("no-wallet", `${name} no longer offers the account ${address}: connect it again.`);
    if (!(SIGN in wallet.features) || !account.features.includes(SIGN))
      throw new PageError(
        "wallet-cannot-sign",
        `${name} only sends transactions itself, through a node of its own. Starling needs a wallet that signs and hands back: choose another one.`,
      );
    if (!account.chains.includes(chain)) {
      const offered = account.chains.filter((one) => one.startsWith("solana:")).map((one) => one.slice("solana:".length));
      throw new PageError(
        "wallet-network",
        `This account of ${name} is for ${offered.join(", ") || "no Solana network"}, and the run is on ${chain.slice("solana:".length)}: switch the network in ${name}, then try again.`,
      );
    }
    const feature = wallet.features[SIGN] as SignTransactionFeature;
    const outputs = await feature.signTransaction(...wires.map((transaction) => ({ account, chain, transaction })));
    return outputs.map(({ signedTransaction }) => signedTransaction);
  };
}
