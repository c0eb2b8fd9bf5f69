/** The wallet's state, outside of React: the edge that talks to wallets is a chunk of its own and may not be here yet. */
import { useSyncExternalStore } from "react";
import type { WalletHandle, WalletSnapshot } from "./types.ts";

/** wallet-adapter keeps the name of the last wallet here */
export const REMEMBERED_WALLET_KEY = "starling.wallet";

/** What the edge can do, once it is loaded. */
export interface WalletCommands {
  select(name: string): void;
  disconnect(): Promise<void>;
}

const NOTHING: WalletSnapshot = { status: "none", address: null, signer: null, name: null, error: null, choices: [], dialogOpen: false };

function remembered(): boolean {
  try {
    const name = localStorage.getItem(REMEMBERED_WALLET_KEY);
    return name !== null && name !== "null";
  } catch {
    return false;
  }
}

let snapshot: WalletSnapshot = remembered() ? { ...NOTHING, status: "loading" } : NOTHING;
let commands: WalletCommands | null = null;
let wanted = snapshot.status === "loading";
const listeners = new Set<() => void>();

export function changeWallet(change: Partial<WalletSnapshot>): void {
  snapshot = { ...snapshot, ...change };
  for (const listener of listeners) listener();
}

export function bindWallet(next: WalletCommands | null): void {
  commands = next;
}

export function openWalletDialog(): void {
  wanted = true;
  changeWallet({ dialogOpen: true, error: null, status: commands === null && snapshot.status === "none" ? "loading" : snapshot.status });
}

export const closeWalletDialog = (): void => changeWallet({ dialogOpen: false });
export const chooseWallet = (name: string): void => commands?.select(name);

async function disconnect(): Promise<void> {
  await commands?.disconnect();
  changeWallet({ dialogOpen: false });
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

export const useWalletSnapshot = (): WalletSnapshot => useSyncExternalStore(subscribe, () => snapshot);

/** true once a wallet was asked for, now or before a reload: the edge is loaded then */
export const useWalletWanted = (): boolean => useSyncExternalStore(subscribe, () => wanted);

/** The connected wallet, or how to connect one. */
export function useWallet(): WalletHandle {
  const { status, address, signer, name, error } = useWalletSnapshot();
  return { status, address, signer, name, error, open: openWalletDialog, disconnect };
}
