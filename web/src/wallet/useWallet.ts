export { useWallet } from "./store.ts";
export type { WalletHandle, WalletStatus } from "./types.ts";
