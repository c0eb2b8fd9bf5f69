/** Stands once in the app: the dialog, and the edge as soon as a wallet is wanted. */
export function WalletHost() {
  return null;
}
