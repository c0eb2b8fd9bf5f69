/** A daemon's way to the chain, for as long as it runs: one cluster client for its session, its calls and what it watches. */
import type { Address, KeyPairSigner } from "@solana/kit";
import { ClusterClient, type ClusterStatus } from "@starling/sdk/solana/clusterClient";
import type { Programs } from "@starling/sdk/solana/pdas";
import { connectSolanaCoordinator, type SolanaCoordinator } from "@starling/sdk/solana/solanaCoordinator";
import { clusterUrls, type ClusterUrlOptions } from "../chain/clusterUrls.ts";
import type { HostLog } from "../events.ts";
import { statusTeller } from "../platform/coordinator.ts";
import type { LoadedIdentity } from "../platform/identityFile.ts";

export interface MemberReach {
  programs: Programs;
  runId: string;
  session: KeyPairSigner;
  /** the grant by which the wallet may join */
  authorization: Address;
  keys: Pick<LoadedIdentity, "identity" | "save">;
  log: HostLog;
  signal: AbortSignal;
}

export interface MemberChain {
  readonly client: ClusterClient;
  /** null before `reach` */
  readonly coordinator: SolanaCoordinator | null;
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
  return {
    client,
    get coordinator() {
      return coordinator;
    },
    reach: async ({ programs, runId, session, authorization, keys, log: say, signal }) => {
      coordinator = await connectSolanaCoordinator({
        ...{ client, programs, runId, session, authorization, signal },
        chain: { identity: keys.identity, save: keys.save },
        maxPriorityFeeMicroLamports: BigInt(options.maxPriorityFee),
        onStatus: statusTeller(say, signal),
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
