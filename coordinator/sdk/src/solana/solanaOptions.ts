/** What a `SolanaCoordinator` is given. */
import type { Address, TransactionSigner } from "@solana/kit";
import type { ChainRenewal, ConnectionStatus } from "../tcpOptions.ts";
import type { ClusterClient } from "./clusterClient.ts";
import type { Programs } from "./pdas.ts";
import type { TransactionSender } from "./transactions.ts";

export interface SolanaCoordinatorOptions {
  /** stays its owner's: `close` leaves it open */
  client: ClusterClient;
  /** where the programs are, if not where they are on local clusters */
  programs?: Programs;
  runId: string;
  /** signs and pays for every call; without it this client only watches */
  session?: TransactionSigner;
  /** the account of the grant that lets the owner in; left out: its own, everybody's or `authorizer`'s is looked for */
  authorization?: Address | (() => Promise<Address>);
  /** a grantee whose delegate the owner is */
  authorizer?: Address;
  /** Without it, a member stops witnessing when its chain is spent. */
  chain?: ChainRenewal;
  /** never more than this a compute unit */
  maxPriorityFeeMicroLamports?: bigint;
  /** to share one between several users of a cluster */
  sender?: TransactionSender;
  /** ends the looking for the run; after that `close` ends the client */
  signal?: AbortSignal;
  onStatus?: (status: ConnectionStatus) => void;
  random?: () => number;
}
