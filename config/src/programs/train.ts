/** Options of `train`: the names of document 001 and of the existing system's `train` (facts 7.2, 7.3). */
import { defineOptions } from "../defineOptions.ts";
import { address, amount, cluster, envFile, fees, programIds, runId, wallet } from "./chain.ts";
import { bindHost, training } from "./training.ts";

/** the program's; a rig that is broken into must not lose more */
export const MAX_SESSION_FLOAT_SOL = 0.1;

const floatRule = (text: string): string | null => {
  const isFine = Number(text) > 0 && Number(text) <= MAX_SESSION_FLOAT_SOL;
  return amount.check(text) ?? (isFine ? null : `must be more than 0 and at most ${MAX_SESSION_FLOAT_SOL} SOL`);
};

export const trainOptions = defineOptions({
  runId,
  authorizer: {
    ...address,
    optional: true,
    doc: "Holder of the authorization that names this wallet as its delegate; left out = the wallet's own, then everyone's.",
  },
  ...cluster,
  ...wallet,
  ...programIds,
  ...fees,
  envFile,
  nvidiaDriverCapabilities: {
    type: "string",
    maxBytes: 256,
    optional: true,
    doc: "Read by the NVIDIA Container Toolkit, not by starling; all is right.",
  },
  identitySecretKeyPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "File with this machine's session and peer keys, made when there is none; each machine of one wallet needs its own. Left out = .starling/RUN/WALLET.identity.json, whose keys follow from the wallet, so that a container without a disk finds its session again.",
  },
  announceAddress: {
    type: "strings",
    minLength: 1,
    maxLength: 6,
    optional: true,
    doc: "Addresses told to other members instead of those listened on, for a machine behind a router: IP addresses or multiaddrs; an IP address stands for it with --bind-p2p-port.",
  },
  sessionDays: {
    type: "integer",
    unit: "days",
    min: 1,
    max: 365,
    default: 30,
    doc: "How long the wallet lets this machine's session key act for it; renewed while the client runs.",
  },
  sessionFloat: {
    ...amount,
    unit: "SOL",
    default: "0.05",
    check: floatRule,
    doc: `What the session holds for the fees of its transactions, at most ${MAX_SESSION_FLOAT_SOL}; topped up from the wallet when a quarter is left.`,
  },
  closeSession: {
    type: "boolean",
    default: false,
    doc: "At the end close the session: its rent and what is left of the float go back to the wallet.",
  },
  checkpointLocation: {
    type: "string",
    minBytes: 1,
    maxBytes: 192,
    optional: true,
    aliases: ["--hub-repo"],
    doc: "Where others find what this client keeps in --checkpoint-dir; written to the chain after each epoch. Left out = p2p, which means that its members share it.",
  },
  ...training,
  bindHost: { ...bindHost, default: "0.0.0.0" },
});
