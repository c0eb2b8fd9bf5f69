import { useMemo } from "react";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { disconnectWallet, openWalletDialog, useWalletSnapshot } from "./store.ts";
import type { WalletHandle } from "./types.ts";

export type { WalletHandle, WalletStatus } from "./types.ts";

/** The connected wallet, or how to connect one. A signer belongs to a cluster: a transaction alone does not tell the wallet its network. */
export function useWallet(): Omit<WalletHandle, "signer">;
export function useWallet(cluster: string): WalletHandle;
export function useWallet(cluster?: string): WalletHandle {
  const { status, address, makeSigner, name, error, signing } = useWalletSnapshot();
  const { clusters } = useRuntimeConfig();
  const chain = clusters.find((one) => one.name === cluster)?.chain;
  const signer = useMemo(() => (makeSigner !== null && chain !== undefined ? makeSigner(chain) : null), [makeSigner, chain]);
  return { status, address, signer, name, error, signing, open: openWalletDialog, disconnect: disconnectWallet };
}
