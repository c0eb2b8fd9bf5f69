import type { Address, TransactionModifyingSigner } from "@solana/kit";

/** A wallet that can be chosen in the dialog. */
export interface WalletChoice {
  name: string;
  /** data: uri of the wallet's own */
  icon: string;
  /** false: known, but not in this browser */
  installed: boolean;
  /** where it can be had */
  url: string;
}

export type WalletStatus = "none" | "loading" | "connecting" | "connected";

export interface WalletSnapshot {
  status: WalletStatus;
  address: Address | null;
  /** signs with the connected wallet; asks its owner each time */
  signer: TransactionModifyingSigner | null;
  name: string | null;
  /** the last failure as a sentence, until the next attempt */
  error: string | null;
  choices: readonly WalletChoice[];
  dialogOpen: boolean;
}

export interface WalletHandle extends Pick<WalletSnapshot, "status" | "address" | "signer" | "name" | "error"> {
  /** shows the dialog with the wallets found */
  open(): void;
  disconnect(): Promise<void>;
}
