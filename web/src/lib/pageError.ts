/** Why the page itself could not do something; errors of the rooms below pass through as they are. */
export type PageErrorCode =
  /** no wallet is connected */
  | "no-wallet"
  /** the wallet does not offer the network of the run */
  | "wallet-network"
  /** the wallet only sends through its own node, or the account may not sign */
  | "wallet-cannot-sign"
  /** the wallet failed in its own way; its words are in the message */
  | "wallet-failed"
  /** the node answers for another network than config.json names */
  | "wrong-network";

export class PageError extends Error {
  readonly code: PageErrorCode;

  constructor(code: PageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "PageError";
    this.code = code;
  }
}
