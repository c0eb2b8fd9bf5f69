/** A command's way to the chain: reads accounts, sends transactions, and says what went wrong in a sentence. */
import { isAddress, type Address, type Instruction, type TransactionSigner } from "@solana/kit";
import { ChainError } from "@starling/sdk/solana/chainError";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { field, integer, type ChainAccount } from "@starling/sdk/solana/json";
import { LOCAL_PROGRAMS, type Programs } from "@starling/sdk/solana/pdas";
import { hostOf } from "@starling/sdk/solana/rpcEndpoint";
import { TransactionSender } from "@starling/sdk/solana/transactions";
import { HostError } from "../errors.ts";
import { formatSol } from "./amounts.ts";
import { clusterUrls, type ClusterUrlOptions } from "./clusterUrls.ts";
import { progress } from "./print.ts";

export interface ChainOptions extends ClusterUrlOptions {
  coordinatorProgramId: string | undefined;
  authorizerProgramId: string | undefined;
  treasurerProgramId: string | undefined;
  maxPriorityFee?: number;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Opens the chain for one command, which ends at the first signal. Errors: what `task` throws. */
export async function withChain<T>(options: ChainOptions, task: (chain: Chain) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal);
  // the second one ends the process at once, as it does without us
  for (const signal of SIGNALS) process.once(signal, onSignal);
  const client = new ClusterClient({
    // a command looks once: it needs no subscriptions
    ...{ rpcUrls: clusterUrls(options).rpcUrls, wsUrls: [] },
    onStatus: ({ url, isPrimary, reason }) => {
      if (url !== null && !isPrimary) progress(`the primary RPC does not answer (${reason}): asking ${hostOf(url)}`);
    },
  });
  try {
    return await task(new Chain(client, programsOf(options), stop.signal, options.maxPriorityFee ?? 0));
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    await client.close();
  }
}

/** Errors: HostError bad-option. */
export function programsOf(options: Pick<ChainOptions, "coordinatorProgramId" | "authorizerProgramId" | "treasurerProgramId">): Programs {
  const read = (text: string | undefined, fallback: Address, flag: string): Address =>
    text === undefined ? fallback : readAddress(text, flag);
  return {
    coordinator: read(options.coordinatorProgramId, LOCAL_PROGRAMS.coordinator, "--coordinator-program-id"),
    authorizer: read(options.authorizerProgramId, LOCAL_PROGRAMS.authorizer, "--authorizer-program-id"),
    treasurer: read(options.treasurerProgramId, LOCAL_PROGRAMS.treasurer, "--treasurer-program-id"),
  };
}

/** Errors: HostError bad-option where the text does not decode to 32 bytes. */
export function readAddress(text: string, what: string): Address {
  const trimmed = text.trim();
  if (isAddress(trimmed)) return trimmed;
  throw new HostError("bad-option", `${what} ${trimmed.slice(0, 60)}: must be a Solana address, 32 bytes as base58`);
}

/** No program of ours is asked for more at once. */
const MOST_AT_ONCE = 100;

export class Chain {
  readonly client: ClusterClient;
  readonly programs: Programs;
  /** aborted when the command is told to end */
  readonly signal: AbortSignal;
  readonly #maxPriorityFee: number;
  readonly #sender: TransactionSender;
  /** of the newest transaction that was confirmed: an RPC that has not come so far is not asked */
  #slot: bigint | null = null;

  /** `maxPriorityFee`: micro-lamports a compute unit */
  constructor(client: ClusterClient, programs: Programs, signal: AbortSignal, maxPriorityFee: number) {
    this.client = client;
    this.programs = programs;
    this.signal = signal;
    this.#maxPriorityFee = maxPriorityFee;
    this.#sender = new TransactionSender(client, programs, { maxMicroLamports: BigInt(maxPriorityFee) });
  }

  /** The same chain with other programs. */
  with(programs: Programs): Chain {
    return new Chain(this.client, programs, this.signal, this.#maxPriorityFee);
  }

  /** The same chain for what is still to be done when its own signal has aborted. */
  until(signal: AbortSignal): Chain {
    return new Chain(this.client, this.programs, signal, this.#maxPriorityFee);
  }

  account(address: Address): Promise<ChainAccount | null> {
    return this.client.account(address, this.#reading());
  }

  async accounts(addresses: readonly Address[]): Promise<(ChainAccount | null)[]> {
    const found: (ChainAccount | null)[] = [];
    for (let at = 0; at < addresses.length; at += MOST_AT_ONCE) {
      const { accounts } = await this.client.accounts(addresses.slice(at, at + MOST_AT_ONCE), this.#reading());
      found.push(...accounts);
    }
    return found;
  }

  #reading(): { signal: AbortSignal; minSlot?: bigint } {
    return { signal: this.signal, ...(this.#slot !== null && { minSlot: this.#slot }) };
  }

  async balance(address: Address): Promise<bigint> {
    const { signal, minSlot } = this.#reading();
    const config = { commitment: this.client.commitment, ...(minSlot !== undefined && { minContextSlot: Number(minSlot) }) };
    const answer = await this.client.pool.call("getBalance", [address, config], signal);
    return integer(field(answer, "value"), "a balance");
  }

  /** Errors: HostError chain that says what is needed and what is there. */
  async requireFunds(address: Address, lamports: bigint, what: string): Promise<void> {
    const has = await this.balance(address);
    if (has < lamports)
      throw new HostError(
        "chain",
        `${what} needs ${formatSol(lamports)} (most of it is rent, which comes back), and ${address} has ${formatSol(has)}`,
      );
  }

  /** One transaction; resolves to its signature once it is confirmed. `what` says what it does. Errors: HostError, ChainError. */
  async send(instructions: readonly Instruction[], payer: TransactionSigner, what: string): Promise<string> {
    try {
      const { signature, slot } = await this.#sender.send(instructions, payer, { signal: this.signal });
      this.#slot = slot ?? this.#slot;
      return signature;
    } catch (error) {
      throw await this.#explained(error, payer.address, what);
    }
  }

  async #explained(error: unknown, payer: Address, what: string): Promise<unknown> {
    if (!(error instanceof ChainError)) return error;
    if (error.code === "unfunded") {
      const has = await this.balance(payer).catch(() => null);
      const balance = has === null ? "" : `: it has ${formatSol(has)}`;
      return new HostError("chain", `cannot ${what}: ${payer} has too little SOL for fees and rent${balance}`, { cause: error });
    }
    if (error.code === "unknown") {
      const which = error.signature === null ? "what it does" : `transaction ${error.signature}`;
      return new HostError(
        "chain-unknown",
        `cannot tell whether this worked: ${what}. It was sent, and no RPC could say in time what became of it: look for ${which} in an explorer before you run the command again`,
        { cause: error },
      );
    }
    return error;
  }
}
