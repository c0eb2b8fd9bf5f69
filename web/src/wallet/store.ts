/** The wallet's state, outside of React: the edge that talks to wallets is a chunk of its own and may not be here yet. */
import { useSyncExternalStore } from "react";
import type { WalletSnapshot } from "./types.ts";

/** wallet-adapter keeps the name of the last wallet here */
export const REMEMBERED_WALLET_KEY = "starling.wallet";

/** What the edge can do, once it is loaded. */
export interface WalletCommands {
  /** null: none, also where a wallet is being asked just now */
  select(name: string | null): void;
  disconnect(): Promise<void>;
}

const NOTHING: WalletSnapshot = {
  status: "none",
  address: null,
  makeSigner: null,
  name: null,
  error: null,
  choices: [],
  dialogOpen: false,
  signing: false,
};

function isRemembered(): boolean {
  try {
    const name = localStorage.getItem(REMEMBERED_WALLET_KEY);
    return name !== null && name !== "null";
  } catch {
    return false;
  }
}

let snapshot: WalletSnapshot = isRemembered() ? { ...NOTHING, status: "loading" } : NOTHING;
let commands: WalletCommands | null = null;
let wanted = snapshot.status === "loading";
const listeners = new Set<() => void>();

export function changeWallet(change: Partial<WalletSnapshot>): void {
  const keys = Object.keys(change) as (keyof WalletSnapshot)[];
  if (keys.every((key) => snapshot[key] === change[key])) return;
  snapshot = { ...snapshot, ...change };
  for (const listener of listeners) listener();
}

export function bindWallet(next: WalletCommands | null): void {
  commands = next;
}

export function openWalletDialog(): void {
  const mustLoad = commands === null && snapshot.status === "none";
  wanted = true;
  changeWallet({ dialogOpen: true, error: null, ...(mustLoad && { status: "loading" }) });
}

export const closeWalletDialog = (): void => changeWallet({ dialogOpen: false, error: null });

/** null: leaves the one that is being asked */
export function chooseWallet(name: string | null, { keepError = false } = {}): void {
  if (!keepError) changeWallet({ error: null });
  commands?.select(name);
}

export async function disconnectWallet(): Promise<void> {
  changeWallet({ dialogOpen: false, error: null });
  await commands?.disconnect();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

export const walletSnapshot = (): WalletSnapshot => snapshot;
export const useWalletSnapshot = (): WalletSnapshot => useSyncExternalStore(subscribe, walletSnapshot);

/** true once a wallet was asked for, now or before a reload: the edge is loaded then */
export const useWalletWanted = (): boolean => useSyncExternalStore(subscribe, () => wanted);
