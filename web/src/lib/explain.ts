/**
 * The one place for the sentences of every failure. By the error's name and code, not by its class: errors come from Workers as
 * copies, and the first load must not bring the rooms that throw them.
 */
import type { ConfigErrorCode } from "@starling/config";
import type { BlobErrorCode, NetworkErrorCode } from "@starling/network";
import type { CoordinatorErrorCode } from "@starling/sdk";
import type { ActionErrorCode } from "@starling/sdk/actions/errors";
import type { ChainErrorCode, ProgramRefusal } from "@starling/sdk/solana/chainError";
import type { CheckpointErrorCode } from "@starling/trainer-core/checkpoint/checkpointError";
import type { DataErrorCode } from "@starling/trainer-core/data/dataError";
import type { DeviceErrorCode } from "@starling/trainer-core/device/errors";
import type { TrainErrorCode } from "@starling/trainer-core/train/errors";
import type { PageErrorCode } from "./pageError.ts";

export interface Explanation {
  title: string;
  text: string;
  /** what may help: the same again, a look at what became of it, a wallet, another network in the wallet */
  action?: "retry" | "check-again" | "connect" | "switch-network";
  /** neutral: its person wanted it so */
  tone: "bad" | "warn" | "neutral";
}

interface Thrown {
  name: string;
  code: string | null;
  /** as a sentence */
  text: string;
  signature: string | null;
  refusal: ProgramRefusal | null;
}

type Words = (thrown: Thrown) => Explanation;

const bad =
  (title: string, action?: Explanation["action"], text?: string): Words =>
  (thrown) => ({ title, text: text ?? thrown.text, action, tone: "bad" });
const warn =
  (title: string, action?: Explanation["action"], text?: string): Words =>
  (thrown) => ({ ...bad(title, action, text)(thrown), tone: "warn" });
const neutral =
  (title: string, text?: string): Words =>
  (thrown) => ({ ...bad(title, undefined, text)(thrown), tone: "neutral" });

const unreachable = bad(
  "The network does not answer",
  "retry",
  "None of its nodes can be reached from here. Check your connection, then try again: nothing that was done already is done twice.",
);
const unknownOutcome: Words = ({ signature }) => ({
  title: "Not known yet what became of it",
  text: `The transaction${signature === null ? "" : ` ${signature}`} was sent, and no node could say in time whether it was carried out. Check again before anything else: what was done is not sent a second time.`,
  action: "check-again",
  tone: "warn",
});
const aborted = neutral("Stopped", "This was stopped before it was done. What was sent before stays done.");

const ACTION: Record<ActionErrorCode, Words> = {
  "not-found": bad("Not found"),
  "not-allowed": bad("This wallet may not do that"),
  "bad-argument": bad("That value cannot be used"),
  unfunded: bad("Not enough funds", "retry"),
  "wrong-state": warn("Not possible right now"),
  "unknown-outcome": unknownOutcome,
  cancelled: neutral("Cancelled"),
  "nothing-to-do": neutral("Nothing to do"),
  chain: bad("The network is not as it should be"),
};

/** Refusals of the programs that people meet, in words that say what to do; all others come with the program's own. */
const REFUSALS: Record<string, Words> = {
  "treasurer VaultShort": warn(
    "The treasury holds less than that",
    "retry",
    "It was paid out or emptied in the meantime. Claim again: you then get what there is, and the rest stays yours.",
  ),
  "treasurer NothingAsked": neutral("Nothing to claim", "There is nothing to claim in this run now. Points are booked when an epoch ends."),
};

const CHAIN: Record<ChainErrorCode, Words> = {
  "bad-argument": bad("That value cannot be used"),
  "not-found": bad("Not found on this network"),
  "wrong-account": bad("The network is not as it should be"),
  rejected: (thrown) =>
    (thrown.refusal === null ? undefined : REFUSALS[`${thrown.refusal.program} ${thrown.refusal.name}`])?.(thrown) ?? refused(thrown),
  unfunded: bad(
    "Not enough SOL",
    "retry",
    "The wallet that pays has too little SOL for the network's fee and the accounts' rent. Add some, then try again.",
  ),
  expired: warn(
    "It was not carried out in time",
    "retry",
    "The network let the transaction expire: it was not carried out and never will be. Nothing changed; try again.",
  ),
  unknown: unknownOutcome,
  unreachable,
  rpc: bad("A node of the network refused to answer", "retry"),
  aborted,
  closed: aborted,
};

const refused: Words = (thrown) => ({
  title: "The network refused it",
  text: `${thrown.refusal === null ? thrown.text : asSentence(thrown.refusal.message)} Nothing changed.`,
  action: "retry",
  tone: "bad",
});

const COORDINATOR: Record<CoordinatorErrorCode, Words> = {
  "not-member": bad(
    "Not a member",
    "retry",
    "The coordinator does not count this session among the members of the running epoch. Join again.",
  ),
  refused: bad("The coordinator refused it", "retry"),
  ejected: bad("Ejected from this run"),
  "not-allowed": bad("Only the run's owner may do that"),
  "bad-grant": bad("No permission to join"),
  "bad-signature": bad("A signature does not fit"),
  replayed: bad("The coordinator has seen this request before", "retry"),
  stale: bad("The clocks disagree", "retry", "This device's clock differs too much from the coordinator's: set it right, then try again."),
  "wrong-run": bad("Another run answers there"),
  malformed: bad(
    "The coordinator sent something that cannot be read",
    "retry",
    "It may be of another version than this page: reload the page, then try again.",
  ),
  overloaded: warn("The coordinator is full", "retry"),
  unreachable: bad(
    "The coordinator does not answer",
    "retry",
    "It cannot be reached from here, or it hung up. Check that it runs, then try again.",
  ),
  timeout: bad(
    "The coordinator does not answer in time",
    "retry",
    "It can be reached, and its answer did not come. Try again in a moment.",
  ),
  aborted,
  "state-lost": bad("The coordinator lost the run's state"),
  "wrong-key": bad(
    "Another coordinator answers there",
    undefined,
    "At the coordinator's address another key answers than the one in config.json. Do not go on before its operator says why.",
  ),
  closed: aborted,
  internal: bad("The coordinator failed", "retry"),
};

const NETWORK: Record<NetworkErrorCode, Words> = {
  "not-a-member": bad("That peer is no member of the run"),
  unreachable: bad("That peer cannot be reached", "retry"),
  refused: bad("That peer refused", "retry"),
  "too-large": bad("A message is larger than it may be"),
  malformed: bad("A peer sent something that cannot be read", "retry"),
  timeout: bad("That peer does not answer in time", "retry"),
  aborted,
  "remote-error": bad("That peer failed", "retry"),
  stopped: aborted,
  "wrong-audience": bad("A request was made for another run"),
  "bad-signature": bad("A signature does not fit"),
  replayed: bad("This request was seen before", "retry"),
  stale: bad("The clocks disagree", "retry", "This device's clock differs too much from the other side's: set it right, then try again."),
  overloaded: warn("Too much at once", "retry"),
};

const BLOB: Record<BlobErrorCode, Words> = {
  "not-found": bad("No peer holds that file any more", "retry"),
  "wrong-chunk": bad("Peers sent a file that is not what was agreed", "retry"),
  stalled: bad("The download stands still", "retry"),
  "too-large": bad("A file is larger than it may be"),
  "no-providers": bad("No peer offers that file yet", "retry"),
  unreachable: bad("No peer that holds that file can be reached", "retry"),
  aborted,
};

const CONFIG: Record<ConfigErrorCode, Words> = {
  toml: bad("That is not TOML"),
  "run-config": bad("This configuration cannot be run"),
  options: bad("That value cannot be used"),
  "model-config": bad("This model cannot be trained here"),
  "page-config": bad("This page's config.json is wrong", "retry"),
  "not-found": bad("Not found"),
  definition: bad("A fault of ours"),
};

const PAGE: Record<PageErrorCode, Words> = {
  "no-wallet": bad("No wallet is connected", "connect", "Connect the wallet that shall sign this, then try again."),
  "wallet-network": bad("The wallet is on another network", "switch-network"),
  "wallet-cannot-sign": bad("This wallet cannot be used here", "connect"),
  "wallet-failed": bad("The wallet could not sign", "retry"),
  "wrong-network": bad("Wrong network", "switch-network"),
};

const DEVICE: Record<DeviceErrorCode, Words> = {
  "no-adapter": bad("No usable graphics adapter"),
  "no-device": bad("The graphics adapter could not be opened", "retry"),
  wgsl: bad("The graphics driver refused a shader"),
  validation: bad("The graphics driver refused the work"),
  "device-lost": bad(
    "The graphics adapter was lost",
    "retry",
    "The browser or its driver gave it up, as happens when the device sleeps or other work takes all of its memory. Try again.",
  ),
  "too-large": bad("The model is too large for this adapter"),
  "out-of-memory": bad("The graphics card's memory is full", "retry", "Close other tabs and programs that use it, then try again."),
};

const DATA: Record<DataErrorCode, Words> = {
  empty: bad("There is no training data there"),
  "bad-file": bad("A data file is not what its name says"),
  "bad-token": bad("The data do not fit the model"),
  "bad-request": bad("The data were asked for in a way they cannot be"),
  unreachable: bad("The training data cannot be reached", "retry"),
  "range-unsupported": bad("The data's server does not serve parts of files"),
  unsupported: bad("These data cannot be used in a browser"),
  refused: bad("The data server refused", "retry"),
  aborted,
};

const TRAIN: Record<TrainErrorCode, Words> = {
  "bad-sequence": bad("The data do not fit the model"),
  "bad-label": bad("The data do not fit the model"),
  "too-many-sequences": bad("The batch is larger than this device can hold"),
  "no-targets": bad("There is nothing to learn in these data"),
  "not-finite": bad("A batch has no finite gradient", "retry"),
  unsupported: bad("This model cannot be trained here"),
  "part-only": bad("This client holds a part of the model alone"),
  "bad-parameters": bad("The model's parameters are not what was agreed", "retry"),
  "engine-lost": bad("The graphics adapter was lost too often", "retry"),
  "wrong-arithmetic": bad("This adapter computes wrongly"),
};

const CHECKPOINT: Record<CheckpointErrorCode, Words> = {
  "missing-file": bad("The checkpoint lacks a file"),
  "bad-format": bad("The checkpoint cannot be read"),
  "wrong-model": bad("The checkpoint is of another model"),
  "no-space": bad("No room left", "retry"),
  io: bad("The checkpoint could not be read or written", "retry"),
  aborted,
};

/** by the name that each class gives itself */
const BY_NAME: Record<string, Record<string, Words>> = {
  ActionError: ACTION,
  ChainError: CHAIN,
  CoordinatorError: COORDINATOR,
  NetworkError: NETWORK,
  BlobError: BLOB,
  ConfigError: CONFIG,
  PageError: PAGE,
  DeviceError: DEVICE,
  DataError: DATA,
  TrainError: TRAIN,
  CheckpointError: CHECKPOINT,
};

const QUOTA = bad("No room left", "retry", "The browser gives this page no more storage: free some space on this device, then try again.");
const OFFLINE = bad("Nothing answers there", "retry", "The address cannot be reached from here. Check your connection, then try again.");
const CHUNK = bad("A part of this page could not be loaded", "retry", "It may have been replaced by a newer version: reload the page.");

/** Begins with a capital, ends with a stop. */
function asSentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "It did not say why.";
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? "" : "."}`;
}

function read(error: unknown): Thrown {
  if (typeof error !== "object" || error === null)
    return { name: "", code: null, text: asSentence(String(error ?? "")), signature: null, refusal: null };
  const { name, code, message, text, signature, refusal } = error as Record<string, unknown>;
  return {
    name: typeof name === "string" ? name : "",
    code: typeof code === "string" ? code : null,
    text: asSentence(typeof message === "string" ? message : typeof text === "string" ? text : ""),
    signature: typeof signature === "string" ? signature : null,
    refusal: typeof refusal === "object" ? (refusal as ProgramRefusal | null) : null,
  };
}

/** Never throws, whatever was thrown. */
export function explain(error: unknown): Explanation {
  const thrown = read(error);
  const words = thrown.code === null ? undefined : BY_NAME[thrown.name]?.[thrown.code];
  if (words !== undefined) return words(thrown);
  if (thrown.name === "AbortError") return aborted(thrown);
  if (thrown.name === "QuotaExceededError") return QUOTA(thrown);
  if (/dynamically imported module|module script failed/i.test(thrown.text)) return CHUNK(thrown);
  if (/failed to fetch|networkerror|load failed|fetch failed/i.test(thrown.text)) return OFFLINE(thrown);
  return bad("That did not work", "retry")(thrown);
}
