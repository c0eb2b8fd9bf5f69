import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import type { Chain, Review } from "@starling/sdk/actions/chain";
import type { ClusterStatus } from "@starling/sdk/solana/clusterClient";

export type ReviewHook = (review: Review) => Promise<void>;

/** One cluster's nodes, shared by all pages for as long as this tab lives. */
export interface ClusterConnection {
  readonly cluster: ClusterConfig;
  /** `review` is called before each transaction is signed; aborting `signal` ends what the chain is doing */
  open(signal: AbortSignal, review: ReviewHook): Chain;
  status(): ClusterStatus;
  /** sentence; null: right, or not known yet */
  wrongNetwork(): string | null;
  /** Asks the node where it has not answered yet. Errors: PageError wrong-network; ChainError where no node answers. */
  requireRightNetwork(signal: AbortSignal): Promise<void>;
  subscribe(listener: () => void): () => void;
}
