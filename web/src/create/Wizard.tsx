/** The wizard on one draft: steps in any order, what is wrong named while typing, everything kept as it is typed. */
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { FormProvider, useForm, useWatch, type FieldValues } from "react-hook-form";
import { useSearchParams } from "react-router";
import { PageWait } from "../app/Layout.tsx";
import { ChainGate } from "../chain/ChainGate.tsx";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { Alert, Button, LinkButton } from "../ui/index.ts";
import type { Draft } from "./drafts/draft.ts";
import { checkDraft, type DraftProblem } from "./drafts/draftProblems.ts";
import { EstimateCard } from "./estimate/EstimateCard.tsx";
import type { FormValues } from "./form/formValues.ts";
import { focusInput } from "./form/focusInput.ts";
import { ProblemsContext, type Problems } from "./form/runForm.ts";
import { OvertakenAlert } from "./OvertakenAlert.tsx";
import { ProblemSummary } from "./ProblemSummary.tsx";
import { titleOf } from "./StartView.tsx";
import { StepList } from "./StepList.tsx";
import { stepsFor, type WizardStep } from "./steps.ts";
import { AccessStep } from "./steps/AccessStep.tsx";
import { ConfigPart } from "./steps/ConfigPart.tsx";
import { ReviewStep } from "./steps/ReviewStep.tsx";
import { RewardsStep } from "./steps/RewardsStep.tsx";
import { RunStep } from "./steps/RunStep.tsx";
import { useDraft } from "./useDraft.ts";

// they bring the chain's chunk, which the form does without
const MintReader = lazy(() => import("./MintReader.tsx"));
const SendPanel = lazy(() => import("./send/SendPanel.tsx"));

export function Wizard({ loaded, readAgain }: { loaded: Draft; readAgain(): void }) {
  const { clusters } = useRuntimeConfig();
  const handle = useDraft(loaded);
  const { draft, change, isKept, theirs, keepOurs } = handle;
  const form = useForm<FieldValues>({ defaultValues: structuredClone(loaded.config) });
  const values = useWatch({ control: form.control }) as FormValues;
  useEffect(() => {
    if (values === loaded.config) return;
    change(({ sent, config }) => ({
      config: structuredClone(values),
      // what is on the chain is not this configuration any more
      ...(JSON.stringify(config) !== JSON.stringify(values) && { sent: { ...sent, done: sent.done.filter((id) => id !== "config") } }),
    }));
  }, [values, loaded.config, change]);

  // a draft of a cluster that this page does not know any more can still be read and exported
  const cluster = clusters.find(({ name }) => name === draft.cluster) ?? null;
  const [mintDecimals, setMintDecimals] = useState<number | null>(null);
  const checked = useMemo(
    () => checkDraft({ ...draft, cluster: cluster?.name ?? null, config: values }, mintDecimals),
    [draft, cluster, values, mintDecimals],
  );
  const lastConfig = useRef(checked.config);
  if (checked.config !== null) lastConfig.current = checked.config;

  const steps = stepsFor(cluster !== null);
  const [query, setQuery] = useSearchParams();
  const at = Math.max(
    0,
    steps.findIndex(({ id }) => id === query.get("step")),
  );
  const step = steps[at]!;
  const go = (id: WizardStep, field?: string): void => {
    setQuery({ step: id, ...(field !== undefined && { field }) });
    if (field !== undefined && id === step.id) focusInput(field);
  };
  useFocus(query.get("field"), step.id);

  // what is missing is said on a step once it was left, or asked about
  const [asked, setAsked] = useState<ReadonlySet<WizardStep>>(new Set());
  const ask = (id: WizardStep): void => setAsked((before) => new Set([...before, id]));
  const isShown = (problem: DraftProblem): boolean => !problem.isMissing || asked.has(problem.step) || step.id === "review";
  const shown = checked.problems.filter(isShown);
  const here = checked.problems.filter((problem) => problem.step === step.id);
  const problems: Problems = {
    of: (path) => shown.find((problem) => problem.path === path)?.rule ?? null,
    within: (path) => shown.some((problem) => problem.path === path || problem.path?.startsWith(`${path}.`)),
  };
  const next = (): void => {
    ask(step.id);
    if (here.length === 0) go(steps[at + 1]!.id);
    else document.getElementById("problems")?.focus();
  };
  const isConfigStep = ["model", "data", "optimizer", "rounds"].includes(step.id);

  return (
    <FormProvider {...form}>
      <ProblemsContext value={problems}>
        <title>{`${titleOf({ ...draft, config: values })} · ${step.title} · Starling`}</title>
        {cluster !== null && draft.rewards.mode === "mint" && (
          <Suspense>
            <ChainGate cluster={cluster.name} fallback={<></>} isQuiet>
              <MintReader mint={draft.rewards.mint} onDecimals={setMintDecimals} />
            </ChainGate>
          </Suspense>
        )}
        <div className="mb-6 flex flex-wrap items-baseline justify-between gap-3">
          <h1 className="min-w-0 text-2xl font-semibold break-words">Create {titleOf({ ...draft, config: values })}</h1>
          <LinkButton size="small" to="/create" variant="ghost">
            All drafts
          </LinkButton>
        </div>
        {theirs !== null && <OvertakenAlert keepOurs={keepOurs} theirs={theirs} useTheirs={readAgain} />}
        {!isKept && (
          <div className="mb-6">
            <Alert title="This browser keeps nothing" tone="warn">
              The draft ends with this page. Download its config.toml on the step Review before you close the tab.
            </Alert>
          </div>
        )}
        {draft.notes.length > 0 && (
          <div className="mb-6">
            <Alert
              action={
                <Button onClick={() => change({ notes: [] })} size="small">
                  Understood
                </Button>
              }
              title={`Not everything of ${draft.origin} has a place here`}
              tone="warn"
            >
              <ul className="list-disc space-y-1 pl-5 wrap-anywhere">
                {draft.notes.map((note) => (
                  <li key={note}>{note}</li>
                ))}
              </ul>
            </Alert>
          </div>
        )}
        <div className="grid items-start gap-6 lg:grid-cols-[13rem_minmax(0,1fr)] xl:grid-cols-[13rem_minmax(0,1fr)_20rem]">
          <StepList
            current={step.id}
            go={go}
            state={(id) =>
              checked.problems.some((problem) => problem.step === id)
                ? shown.some((problem) => problem.step === id)
                  ? "wrong"
                  : "open"
                : "good"
            }
            steps={steps}
          />
          <div className="min-w-0 space-y-6">
            <header>
              <h2 className="text-xl font-semibold" id="step" tabIndex={-1}>
                {step.title}
              </h2>
              <p className="text-muted">{step.about}</p>
            </header>
            {step.id !== "review" && step.id !== "send" && (
              <ProblemSummary go={go} problems={shown.filter((problem) => problem.step === step.id)} />
            )}
            {step.id === "run" && <RunStep change={change} draft={draft} />}
            {isConfigStep && <ConfigPart step={step.id as "model"} />}
            {step.id === "access" && <AccessStep change={change} draft={draft} />}
            {step.id === "rewards" && <RewardsStep change={change} cluster={cluster} draft={draft} mintDecimals={mintDecimals} />}
            {step.id === "review" && <ReviewStep checked={checked} cluster={cluster} draft={draft} go={go} />}
            {step.id === "send" && cluster !== null && (
              <Suspense fallback={<PageWait />}>
                <ChainGate cluster={cluster.name}>
                  <SendPanel checked={checked} cluster={cluster} go={go} handle={handle} />
                </ChainGate>
              </Suspense>
            )}
            <div className="flex flex-wrap justify-between gap-3 border-t border-line pt-4">
              {at > 0 ? <Button onClick={() => go(steps[at - 1]!.id)}>Back</Button> : <span />}
              {at < steps.length - 1 && (
                <Button onClick={next} variant="primary">
                  Next: {steps[at + 1]!.title}
                </Button>
              )}
            </div>
          </div>
          {step.id !== "send" && (
            <aside aria-label="Estimate" className="lg:col-start-2 xl:sticky xl:top-20 xl:col-start-3">
              <EstimateCard config={lastConfig.current} on={cluster === null ? "server" : "chain"} />
            </aside>
          )}
        </div>
      </ProblemsContext>
    </FormProvider>
  );
}

/** A new step begins at its heading, or at the input to which a summary's link leads. */
function useFocus(path: string | null, step: WizardStep): void {
  const first = useRef(true);
  useEffect(() => {
    const isFirst = first.current;
    first.current = false;
    if (path !== null) focusInput(path);
    else if (!isFirst) {
      document.getElementById("step")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [path, step]);
}
