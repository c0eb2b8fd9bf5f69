/** What is still to be done to make a draft a run: the steps in order, each of which may be started again without doing anything twice. */
import type { Draft } from "../drafts/draft.ts";
import { granteesOf } from "../drafts/draftProblems.ts";

export type SendStep =
  | { id: "mint"; title: string; kind: "mint" }
  | { id: "run"; title: string; kind: "run" }
  | { id: "config"; title: string; kind: "config" }
  | { id: string; title: string; kind: "grant"; grantee: string | null }
  | { id: "top-up"; title: string; kind: "top-up" }
  | { id: "start"; title: string; kind: "start" };

/** `wallet`: who sends. Grants are the join authority's to give: where that is another, they are not among the steps. */
export function sendPlan(draft: Draft, wallet: string | null): SendStep[] {
  const { access, rewards, startNow, config } = draft;
  const runId = typeof config["run_id"] === "string" ? config["run_id"] : "";
  const steps: SendStep[] = [];
  if (rewards.mode === "new-mint")
    steps.push({ id: "mint", kind: "mint", title: `Make a test token and ${rewards.supply.trim()} of it for you` });
  const withRewards = rewards.mode === "none" ? "" : ", with a treasury for its rewards";
  steps.push({ id: "run", kind: "run", title: `Create run ${runId}${withRewards}` });
  steps.push({ id: "config", kind: "config", title: "Write its configuration to the chain" });
  if (grantsAreOurs(draft, wallet)) {
    if (access.mode === "public") steps.push({ id: "grant", kind: "grant", grantee: null, title: "Let everyone join" });
    else
      for (const grantee of granteesOf(access.grantees)) {
        steps.push({ id: `grant:${grantee}`, kind: "grant", grantee, title: `Let ${shortened(grantee)} join` });
      }
  }
  if (rewards.mode !== "none" && /[1-9]/.test(rewards.topUp)) {
    steps.push({ id: "top-up", kind: "top-up", title: `Put ${rewards.topUp.trim()} tokens into the treasury` });
  }
  if (startNow) steps.push({ id: "start", kind: "start", title: "Start the run" });
  return steps;
}

export function grantsAreOurs({ access }: Draft, wallet: string | null): boolean {
  const authority = access.joinAuthority.trim();
  return authority === "" || authority === wallet;
}

function shortened(address: string): string {
  return address.length <= 12 ? address : `${address.slice(0, 4)}…${address.slice(-4)}`;
}
