import type { ChainName } from "@starling/config/page/runtimeConfig";
import type { Address, TransactionModifyingSigner } from "@solana/kit";

/** A wallet that can be chosen in the dialog. */
export interface WalletChoice {
  name: string;
  /** data: uri of the wallet's own */
  icon: string;
}

export type WalletStatus = "none" | "loading" | "connecting" | "connected";

/** Signs for one chain, which the wallet is told with each transaction; `signal` ends the wait for a wallet that does not answer. */
export type MakeSigner = (chain: ChainName, signal?: AbortSignal) => TransactionModifyingSigner;

export interface WalletSnapshot {
  status: WalletStatus;
  address: Address | null;
  /** null: not connected */
  makeSigner: MakeSigner | null;
  /** of the connected or chosen wallet */
  name: string | null;
  /** the last failure as a sentence, until the next attempt */
  error: string | null;
  choices: readonly WalletChoice[];
  dialogOpen: boolean;
  /** the wallet has been asked to sign and has not answered yet */
  signing: boolean;
}

export interface WalletHandle extends Pick<WalletSnapshot, "status" | "address" | "name" | "error" | "signing"> {
  /** asks the owner each time it signs; null while not connected */
  signer: TransactionModifyingSigner | null;
  /** shows the dialog with the wallets found */
  open(): void;
  disconnect(): Promise<void>;
}
