/** All of the run before anything is sent: what is wrong, what it says in plain words, and its TOML. */
import { serializeRunConfig, variantOf, type RunConfig } from "@starling/config";
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import { formatNumber } from "../../lib/format.ts";
import { Alert, Card } from "../../ui/index.ts";
import type { Draft } from "../drafts/draft.ts";
import { granteesOf, type CheckedDraft } from "../drafts/draftProblems.ts";
import { ProblemSummary } from "../ProblemSummary.tsx";
import { StartAServer } from "../StartAServer.tsx";
import type { WizardStep } from "../steps.ts";
import { TomlCard } from "../TomlCard.tsx";

export interface ReviewStepProps {
  draft: Draft;
  checked: CheckedDraft;
  cluster: ClusterConfig | null;
  go(step: WizardStep, field?: string): void;
}

export function ReviewStep({ draft, checked, cluster, go }: ReviewStepProps) {
  const { config, problems } = checked;
  return (
    <>
      <ProblemSummary go={go} problems={problems} />
      {config === null && problems.length === 0 && (
        <Alert title="The token's mint is not read yet" tone="info">
          The rates are written in its smallest unit, so the configuration waits for it.
        </Alert>
      )}
      {config !== null && (
        <>
          <Card level={3} title="In plain words">
            <ul className="list-disc space-y-1.5 pl-5 marker:text-muted">
              {plainWords(draft, config, cluster).map((line) => (
                <li className="break-words" key={line}>
                  {line}
                </li>
              ))}
            </ul>
          </Card>
          {cluster === null && <StartAServer config={config} />}
          <TomlCard name={config.run_id ?? "run"} toml={serializeRunConfig(config)} />
        </>
      )}
    </>
  );
}

export function plainWords(draft: Draft, { run_id, config, model: { LLM } }: RunConfig, cluster: ClusterConfig | null): string[] {
  const data = variantOf(LLM.data_location).kind;
  const start = variantOf(LLM.checkpoint).kind;
  const rounds =
    config.rounds_per_epoch > 0 ? `${formatNumber(config.rounds_per_epoch)} rounds` : `as many rounds as fit in ${config.epoch_time} s`;
  const batch =
    config.global_batch_size_start === config.global_batch_size_end
      ? formatNumber(config.global_batch_size_end)
      : `${formatNumber(config.global_batch_size_start)} to ${formatNumber(config.global_batch_size_end)}`;
  const lines = [
    `Run ${run_id} lives on ${cluster === null ? "a server of your own" : cluster.label}.`,
    `It starts from ${start === "Random" ? "new weights that every client makes alike" : `a checkpoint (${start})`} and trains for ${formatNumber(config.total_steps)} steps.`,
    `A round trains ${batch} sequences of ${formatNumber(LLM.max_seq_len)} tokens from ${data === "Local" ? "a folder on each client's machine" : data}; an epoch has ${rounds}.`,
    `It begins with ${config.init_min_clients} ${config.init_min_clients === 1 ? "client" : "clients"} and goes on with at least ${config.min_clients}.`,
    `Clients use ${variantOf(LLM.optimizer).kind === "Distro" ? "DisTrO" : variantOf(LLM.optimizer).kind} with the schedule ${variantOf(LLM.lr_schedule).kind}.`,
  ];
  if (cluster === null) return lines;
  const { access, rewards } = draft;
  const named = granteesOf(access.grantees).length;
  lines.push(
    access.mode === "public"
      ? "Everyone may join."
      : `${named === 0 ? "Nobody" : named === 1 ? "One owner" : `${named} owners`} may join until you name more.`,
  );
  if (/[1-9]/.test(access.minBond)) lines.push(`A member leaves a bond of ${access.minBond.trim()} SOL.`);
  const unit = rewards.mode === "none" ? "points, for which nothing is paid" : "tokens";
  lines.push(`An epoch pays ${rewards.earning.trim() === "" ? "0" : rewards.earning.trim()} ${unit}.`);
  if (rewards.mode !== "none") lines.push(`The treasury begins with ${rewards.topUp.trim() === "" ? "0" : rewards.topUp.trim()} tokens.`);
  return lines;
}
