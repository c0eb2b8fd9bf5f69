/** Options of the commands about who may join. */
import { defineOptions } from "../defineOptions.ts";
import { address, addressRule, reading, runId, signing, wallet } from "./chain.ts";

const grantee = {
  ...address,
  aliases: ["--grantee"],
  doc: "Who may join: a wallet, or 11111111111111111111111111111111 for everyone.",
} as const;

export const joinAuthorizationCreateOptions = defineOptions({ authorizer: grantee, ...signing });

export const joinAuthorizationReadOptions = defineOptions({
  joinAuthority: { ...address, doc: "Who granted it." },
  authorizer: { ...grantee, default: "11111111111111111111111111111111" },
  ...reading,
});

export const joinAuthorizationDelegateOptions = defineOptions({
  joinAuthority: { ...address, doc: "Who granted the authorization that the wallet holds." },
  delegatesClear: { type: "boolean", default: false, doc: "Take the present delegates away first." },
  delegatesAdded: {
    type: "strings",
    unit: "addresses",
    many: true,
    maxLength: 32,
    default: [],
    check: (keys: readonly string[]): string | null => keys.map(addressRule).find((rule) => rule !== null) ?? null,
    doc: "Wallets that may join by the same authorization.",
  },
  ...signing,
});

export const joinAuthorizationDeleteOptions = defineOptions({
  authorizer: grantee,
  runId: { ...runId, optional: true, doc: "Run whose members lose their place; left out = every run with this join authority." },
  ...signing,
});

export const canJoinOptions = defineOptions({
  runId,
  authorizer: {
    ...address,
    optional: true,
    doc: "Holder of the authorization by which the key joins; left out = the key itself, then everyone's.",
  },
  address: {
    ...address,
    aliases: ["--pubkey", "--wallet", "--user"],
    optional: true,
    env: "PUBKEY",
    doc: "Key that wants to join; left out = that of the private key.",
  },
  ...wallet,
  ...reading,
});
