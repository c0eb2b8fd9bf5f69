/** A command's way to the chain: what its options name, until the first signal. */
import type { Address } from "@solana/kit";
import { Chain, readAddress } from "@starling/sdk/actions/chain";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { LOCAL_PROGRAMS, type Programs } from "@starling/sdk/solana/pdas";
import { hostOf } from "@starling/sdk/solana/rpcEndpoint";
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
  const programs = programsOf(options);
  try {
    return await task(new Chain({ client, programs, signal: stop.signal, maxPriorityFeeMicroLamports: options.maxPriorityFee }));
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    await client.close();
  }
}

/** Errors: ActionError bad-argument. */
export function programsOf(options: Pick<ChainOptions, "coordinatorProgramId" | "authorizerProgramId" | "treasurerProgramId">): Programs {
  const read = (text: string | undefined, fallback: Address, flag: string): Address =>
    text === undefined ? fallback : readAddress(text, flag);
  return {
    coordinator: read(options.coordinatorProgramId, LOCAL_PROGRAMS.coordinator, "--coordinator-program-id"),
    authorizer: read(options.authorizerProgramId, LOCAL_PROGRAMS.authorizer, "--authorizer-program-id"),
    treasurer: read(options.treasurerProgramId, LOCAL_PROGRAMS.treasurer, "--treasurer-program-id"),
  };
}
