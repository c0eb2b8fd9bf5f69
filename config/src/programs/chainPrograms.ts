/** The commands that make, run, inspect and pay a run on the chain; `train` and the validator are beside them in programs.ts. */
import type { OptionSet } from "../defineOptions.ts";
import * as authorizations from "./chainAuthorizations.ts";
import * as rewards from "./chainRewards.ts";
import * as runs from "./chainRuns.ts";
import * as identity from "./p2pIdentity.ts";

export * from "./chainAuthorizations.ts";
export * from "./chainRewards.ts";
export * from "./chainRuns.ts";
export * from "./p2pIdentity.ts";

interface ChainProgram {
  verb: string;
  summary: string;
  options: OptionSet;
}

export const chainPrograms: readonly ChainProgram[] = [
  { verb: "can-join", summary: "Says whether a key may join a run, and if not, why.", options: authorizations.canJoinOptions },
  { verb: "list-runs", summary: "Lists the runs on the chain.", options: runs.listRunsOptions },
  { verb: "create-run", summary: "Creates a run on the chain, with rewards or without.", options: runs.createRunOptions },
  { verb: "update-config", summary: "Sets a halted run's configuration, and what is shown of it.", options: runs.updateConfigOptions },
  { verb: "set-paused", summary: "Pauses a run, or starts and resumes it (--resume).", options: runs.setPausedOptions },
  {
    verb: "set-future-epoch-rates",
    summary: "Sets what an epoch pays and what an ejected member loses, from the next epoch on.",
    options: runs.setFutureEpochRatesOptions,
  },
  {
    verb: "treasurer-top-up-rewards",
    summary: "Moves tokens from the wallet to a run's treasury.",
    options: rewards.treasurerTopUpRewardsOptions,
  },
  {
    verb: "treasurer-claim-rewards",
    summary: "Pays what the wallet has earned in a run, as far as its treasury holds it.",
    options: rewards.treasurerClaimRewardsOptions,
  },
  { verb: "json-info-dump", summary: "Prints everything the chain has of a run as JSON.", options: rewards.jsonInfoDumpOptions },
  {
    verb: "json-dump-user",
    summary: "Prints everything the chain has of one owner in a run as JSON.",
    options: rewards.jsonDumpUserOptions,
  },
  {
    verb: "join-authorization-create",
    summary: "Lets a wallet, or everyone, join the runs that the signing wallet decides about.",
    options: authorizations.joinAuthorizationCreateOptions,
  },
  { verb: "join-authorization-read", summary: "Shows such an authorization.", options: authorizations.joinAuthorizationReadOptions },
  {
    verb: "join-authorization-delegate",
    summary: "Names the keys that may join by the authorization which the signing wallet holds.",
    options: authorizations.joinAuthorizationDelegateOptions,
  },
  {
    verb: "join-authorization-delete",
    summary: "Takes an authorization away, and ends the memberships that came of it with the epoch.",
    options: authorizations.joinAuthorizationDeleteOptions,
  },
  { verb: "deposit-bond", summary: "Deposits a bond, where a run wants one of its members.", options: rewards.depositBondOptions },
  {
    verb: "withdraw-bond",
    summary: "Takes a bond back: once to begin, and an epoch later to be paid.",
    options: rewards.withdrawBondOptions,
  },
  {
    verb: "close-membership",
    summary: "Ends the wallet's part in a run: its sessions and accounts are closed, and what they hold comes back.",
    options: rewards.closeMembershipOptions,
  },
  {
    verb: "sweep-sessions",
    summary: "Closes a run's expired sessions, whosever they are; what they hold goes back to their owners.",
    options: rewards.sweepSessionsOptions,
  },
  { verb: "checkpoint", summary: "Names on the chain where the agreed parameters are kept.", options: runs.checkpointOptions },
  { verb: "tick", summary: "Lets a run do what is due, at an interval.", options: runs.tickOptions },
  { verb: "close-run", summary: "Closes a halted run for good; its rent comes back.", options: runs.closeRunOptions },
  { verb: "withdraw-surplus", summary: "Takes what the treasury of a closed run still holds.", options: rewards.withdrawSurplusOptions },
  {
    verb: "predownload",
    summary: "Looks whether a run's model and data can be had here, before it is joined.",
    options: identity.predownloadOptions,
  },
  {
    verb: "show-static-p2p-identity",
    summary: "Shows the public keys of an identity file (starling show-static-p2p-identity FILE).",
    options: identity.showStaticP2pIdentityOptions,
  },
  {
    verb: "create-static-p2p-identity",
    summary: "Makes an identity file for a client (starling create-static-p2p-identity FILE).",
    options: identity.createStaticP2pIdentityOptions,
  },
];
