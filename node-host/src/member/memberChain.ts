/** A daemon's way to the chain, for as long as it runs: one cluster client for its session, its calls and what it watches. */
import type { Address, KeyPairSigner } from "@solana/kit";
import { ClusterClient, type ClusterStatus } from "@starling/sdk/solana/clusterClient";
import type { Programs } from "@starling/sdk/solana/pdas";
import { connectSolanaCoordinator, type SolanaCoordinator } from "@starling/sdk/solana/solanaCoordinator";
import { clusterUrls, type ClusterUrlOptions } from "../chain/clusterUrls.ts";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { statusTeller } from "../platform/coordinator.ts";
import type { LoadedIdentity } from "../platform/identityFile.ts";

export interface MemberReach {
  programs: Programs;
  runId: string;
  session: KeyPairSigner;
  /** holder of the grant that names the wallet as its delegate; undefined = the wallet itself, then everyone */
  authorizer: Address | undefined;
  keys: Pick<LoadedIdentity, "identity" | "save">;
  log: HostLog;
  signal: AbortSignal;
}

export interface MemberChain {
  readonly client: ClusterClient;
  /** null before `reach` */
  readonly coordinator: SolanaCoordinator | null;
  /** resolves when the run will never take this wallet again */
  readonly refused: Promise<HostError>;
  reach(at: MemberReach): Promise<SolanaCoordinator>;
  close(): Promise<void>;
}

export interface MemberChainOptions extends ClusterUrlOptions {
  maxPriorityFee: number;
}

/** Tells when it has to go on over another RPC, and when it is back. Errors: ChainError bad-argument. */
export function openMemberChain(options: MemberChainOptions, log: HostLog): MemberChain {
  let told = "";
  const client = new ClusterClient({
    ...clusterUrls(options),
    onStatus: (status) => {
      const sentence = clusterSentence(status);
      if (sentence === told) return;
      // that all is well is no news at the start
      if (told !== "" || sentence !== ALL_WELL) log({ type: "warning", message: sentence });
      told = sentence;
    },
  });
  let coordinator: SolanaCoordinator | null = null;
  const refused = Promise.withResolvers<HostError>();
  return {
    client,
    refused: refused.promise,
    get coordinator() {
      return coordinator;
    },
    reach: async ({ programs, runId, session, authorizer, keys, log: say, signal }) => {
      const tell = statusTeller(say, signal);
      coordinator = await connectSolanaCoordinator({
        ...{ client, programs, runId, session, authorizer, signal },
        chain: { identity: keys.identity, save: keys.save },
        maxPriorityFeeMicroLamports: BigInt(options.maxPriorityFee),
        onStatus: (status) => {
          tell(status);
          if (status.error?.code === "ejected") refused.resolve(new HostError("refused", status.error.message, { cause: status.error }));
        },
      });
      return coordinator;
    },
    close: () => client.close(),
  };
}

const ALL_WELL = "the primary RPC answers, and its websocket is open";

function clusterSentence({ url, isPrimary, reason, websocketsOpen, websockets, websocketReasons }: ClusterStatus): string {
  if (url === null) return `no RPC answers (${reason ?? "unknown why"}): training goes on as far as it can, and it asks again`;
  const rpc = isPrimary
    ? "the primary RPC answers"
    : `the primary RPC does not answer (${reason ?? "unknown why"}): goes on over ${hostOf(url)}`;
  if (websocketsOpen === 0 && websockets > 0)
    return `${rpc}; no websocket is open (${websocketReasons.join("; ")}): it asks at intervals instead`;
  return isPrimary ? ALL_WELL : rpc;
}

/** Without the path, in which providers have their users' keys. */
function hostOf(url: string): string {
  return new URL(url).host;
}
