/** The transactions that make the draft a run: which are done, which one waits for the wallet, what failed; it goes on after a reload. */
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import { formatSol } from "@starling/sdk/actions/amounts";
import { rentOfRun } from "@starling/sdk/actions/rent";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { useAction } from "../../chain/useAction.ts";
import { useChain } from "../../chain/useChain.ts";
import { explain } from "../../lib/explain.ts";
import { AddressText, Alert, BadIcon, Button, Card, Checkbox, GoodIcon, LinkButton, Spinner } from "../../ui/index.ts";
import { useWallet } from "../../wallet/useWallet.ts";
import type { CheckedDraft } from "../drafts/draftProblems.ts";
import type { DraftHandle } from "../useDraft.ts";
import type { WizardStep } from "../steps.ts";
import { grantsAreOurs, sendPlan, type SendStep } from "./sendPlan.ts";
import { sendStep } from "./sendStep.ts";

export interface SendPanelProps {
  handle: DraftHandle;
  checked: CheckedDraft;
  cluster: ClusterConfig;
  go(step: WizardStep): void;
}

/** Inside of ChainGate. */
export default function SendPanel({ handle, checked, cluster, go }: SendPanelProps) {
  const { draft, change, save } = handle;
  const { config } = checked;
  const wallet = useWallet();
  const { wrongNetwork } = useChain();
  const queries = useQueryClient();
  const action = useAction<true>(`create.${draft.id}`);
  const [current, setCurrent] = useState<string | null>(null);
  const plan = sendPlan(draft, wallet.address);
  const isDone = (step: SendStep): boolean => draft.sent.done.includes(step.id);
  const open = plan.filter((step) => !isDone(step));
  const runId = config?.run_id ?? "";

  if (open.length === 0 && !action.isBusy) return <Finished cluster={cluster} draft={handle} runId={runId} />;
  if (config === null) {
    return (
      <Alert action={<Button onClick={() => go("review")}>To the review</Button>} title="The run is not ready to be sent" tone="warn">
        The step Review says what is missing.
      </Alert>
    );
  }
  const start = (): void =>
    void action.run(async (tools) => {
      save(({ sent }) => ({ sent: { ...sent, owner: tools.wallet.address } }));
      let draftNow = draft;
      for (const [at, step] of plan.entries()) {
        setCurrent(step.id);
        const tell = (text: string): void => tools.tell({ step: at + 1, of: plan.length, text });
        tell(step.title);
        await sendStep(
          step,
          { ...tools, tell: (progress) => tell(progress.text) },
          {
            draft: draftNow,
            config,
            rememberMint: (mint) => {
              draftNow = { ...draftNow, sent: { ...draftNow.sent, mint } };
              save(({ sent }) => ({ sent: { ...sent, mint } }));
            },
          },
        );
        save(({ sent }) => ({ sent: { ...sent, done: [...new Set([...sent.done, step.id])] } }));
      }
      setCurrent(null);
      void queries.invalidateQueries({ queryKey: ["run-id"] });
      return true;
    });

  // who declined has not failed
  const failure = action.state.status === "failed" ? explain(action.state.error) : null;
  const { owner } = draft.sent;
  // who only declined has begun nothing: any wallet may
  const isOther = draft.sent.done.length > 0 && owner !== null && wallet.address !== null && wallet.address !== owner;
  return (
    <>
      {isOther && (
        <Alert title="Another wallet began this" tone="warn">
          The first transactions were sent by <AddressText address={owner} label="wallet" />. Connect that one to go on.
        </Alert>
      )}
      {!grantsAreOurs(draft, wallet.address) && (
        <Alert title="Somebody else lets people in" tone="info">
          The join authority is <AddressText address={draft.access.joinAuthority.trim()} label="join authority" />: nobody can join before
          its holder has granted it.
        </Alert>
      )}
      <Card
        description={`Each is shown before your wallet is asked. The accounts of a run need a deposit of ${formatSol(rentOfRun(draft.rewards.mode !== "none"))}; it comes back when the run is closed.`}
        level={3}
        title="What is sent"
      >
        <ol className="divide-y divide-line">
          {plan.map((step, at) => (
            <StepLine
              at={at + 1}
              isCurrent={action.isBusy && current === step.id}
              isDone={isDone(step)}
              isFailed={failure !== null && failure.tone !== "neutral" && current === step.id}
              key={step.id}
              title={step.title}
            />
          ))}
        </ol>
        <div className="mt-4 space-y-4">
          {!draft.sent.done.includes("start") && (
            <Checkbox
              checked={draft.startNow}
              disabled={action.isBusy}
              hint="Otherwise it stays paused until you resume it on its page Manage."
              label="Start the run at once"
              onChange={(event) => change({ startNow: event.target.checked })}
            />
          )}
          <ActionStatus action={action} onRetry={start} />
          {wallet.address === null ? (
            <Button onClick={wallet.open} variant="primary">
              Connect wallet
            </Button>
          ) : (
            // a failure has a button of its own where trying again helps; one that was declined has none
            failure?.action === undefined && (
              <Button busy={action.isBusy} disabled={isOther || wrongNetwork !== null} onClick={start} variant="primary">
                {draft.sent.done.length === 0 ? "Create the run" : "Go on"}
              </Button>
            )
          )}
        </div>
      </Card>
    </>
  );
}

function StepLine({
  at,
  title,
  isDone,
  isCurrent,
  isFailed,
}: {
  at: number;
  title: string;
  isDone: boolean;
  isCurrent: boolean;
  isFailed: boolean;
}) {
  const [icon, word] = isCurrent
    ? [<Spinner className="text-accent" key="i" />, "under way"]
    : isFailed
      ? [<BadIcon className="text-bad" key="i" />, "did not work"]
      : isDone
        ? [<GoodIcon className="text-good" key="i" />, "done"]
        : [
            <span className="text-sm text-muted tabular" key="i">
              {at}
            </span>,
            "to do",
          ];
  return (
    <li aria-current={isCurrent ? "step" : undefined} className="flex items-center gap-3 py-2.5">
      <span aria-hidden="true" className="grid size-6 shrink-0 place-items-center">
        {icon}
      </span>
      <span className="min-w-0 grow break-words">{title}</span>
      <span className="shrink-0 text-sm text-muted">{word}</span>
    </li>
  );
}

function Finished({ cluster, runId, draft: { draft } }: { cluster: ClusterConfig; runId: string; draft: DraftHandle }) {
  const path = `/run/${cluster.name}/${encodeURIComponent(runId)}`;
  return (
    <Card>
      <div className="space-y-4">
        <Alert title={`Run ${runId} is on ${cluster.label}`} tone="good">
          {draft.startNow
            ? "It waits for its members: it begins once enough of them have joined."
            : "It is paused: resume it on Manage when you are ready."}
        </Alert>
        {draft.sent.mint !== null && (
          <p>
            Its token: <AddressText address={draft.sent.mint} label="mint" />
          </p>
        )}
        <div className="flex flex-wrap gap-3">
          <LinkButton to={path} variant="primary">
            Open the run
          </LinkButton>
          <LinkButton to={`${path}/manage`}>Manage</LinkButton>
          <LinkButton to={`${path}/train`}>Train in this tab</LinkButton>
        </div>
      </div>
    </Card>
  );
}
