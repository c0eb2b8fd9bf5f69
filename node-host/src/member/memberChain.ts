/** A daemon's way to the chain, for as long as it runs: one cluster client for its session, its calls and what it watches. */
import type { Address, KeyPairSigner } from "@solana/kit";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import type { Programs } from "@starling/sdk/solana/pdas";
import { connectSolanaCoordinator, type SolanaCoordinator } from "@starling/sdk/solana/solanaCoordinator";
import { clusterUrls, type ClusterUrlOptions } from "../chain/clusterUrls.ts";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { statusTeller } from "../platform/coordinator.ts";
import type { LoadedIdentity } from "../platform/identityFile.ts";
import { clusterTeller } from "./clusterTeller.ts";

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
  const cluster = clusterTeller(log);
  const client = new ClusterClient({ ...clusterUrls(options), onStatus: (status) => cluster.tell(status) });
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
    close: () => {
      cluster.stop();
      return client.close();
    },
  };
}
