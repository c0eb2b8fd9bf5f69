/** The configuration: the same form as Create, what it would change, and the change itself while the run is paused. */
import { ConfigError, serializeRunConfig } from "@starling/config";
import type { OnChainRun } from "@starling/sdk/actions/run";
import { sha256, toHex } from "@starling/sdk/bytes";
import { updateConfig, type UpdatedRun } from "@starling/sdk/actions/updateConfig";
import { useMemo, useState } from "react";
import { flushSync } from "react-dom";
import { FormProvider, useForm, useWatch, type FieldValues } from "react-hook-form";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { useAction, type ActionHandle } from "../../chain/useAction.ts";
import { importToml, valuesOfToml } from "../../create/drafts/draft.ts";
import { valuesOfDocument, type FormValues } from "../../create/form/formValues.ts";
import { focusInput } from "../../create/form/focusInput.ts";
import { stepOfPath, type ConfigStep } from "../../create/form/outline.ts";
import { resolveRun, type RunProblem } from "../../create/form/resolveRun.ts";
import { ProblemsContext, type Problems } from "../../create/form/runForm.ts";
import { ConfigPart } from "../../create/steps/ConfigPart.tsx";
import { TomlCard } from "../../create/TomlCard.tsx";
import { Alert, BadIcon, Button, Card, Field, Table, Tabs } from "../../ui/index.ts";
import { configDiff } from "../configDiff.ts";
import type { TabProps } from "../ManagePage.tsx";
import { stateWords } from "../stateWords.ts";

const PARTS: readonly { value: ConfigStep; label: string }[] = [
  { value: "model", label: "Model" },
  { value: "data", label: "Data" },
  { value: "optimizer", label: "Optimizer" },
  { value: "rounds", label: "Rounds and epochs" },
];

export function ConfigTab(props: TabProps) {
  // it outlives the form, which begins anew with another configuration in force
  const action = useAction<UpdatedRun>();
  return <ConfigForm action={action} key={toHex(props.run.account.configSha256)} {...props} />;
}

function ConfigForm({ run, refresh, action }: TabProps & { action: ActionHandle<UpdatedRun> }) {
  // read once: while a change is sent, its pieces stand where the text in force was
  const [[isReadable, initial]] = useState(() => inForce(run));
  const form = useForm<FieldValues>({ defaultValues: structuredClone(initial) });
  const values = useWatch({ control: form.control }) as FormValues;
  const { config, problems } = useMemo(() => resolveRun(withFixed(values, run), { forChain: true }), [values, run]);
  const before = useMemo(
    () => (isReadable ? resolveRun(withFixed(initial, run), { forChain: true }).config : null),
    [isReadable, initial, run],
  );
  const [part, setPart] = useState<ConfigStep>("rounds");
  const [fileError, setFileError] = useState<string | null>(null);
  const words = stateWords(run);
  const changes = config === null ? [] : configDiff(before, config);
  const send = (): void => {
    if (config === null) return;
    void action
      .run(async ({ chain, wallet, tell }) => {
        const { countModel } = await import("../../create/estimate/estimateRun.ts");
        return updateConfig(chain, wallet, { runId: run.runId, config, counted: countModel(config) }, tell);
      })
      .then(refresh);
  };
  const show = (path: string): void => {
    const at = PARTS.find(({ value }) => value === stepOfPath(path))?.value;
    if (at !== undefined) flushSync(() => setPart(at));
    focusInput(path);
  };
  const load = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    try {
      const { values: read, notes } = importToml(await file.text(), file.name);
      form.reset(read);
      setFileError(notes.length === 0 ? null : `Not everything of ${file.name} has a place here: ${notes.join("; ")}`);
    } catch (error) {
      setFileError(error instanceof ConfigError ? error.message : String(error));
    }
  };
  return (
    <FormProvider {...form}>
      <ProblemsContext value={problemsOf(problems)}>
        <div className="space-y-5">
          {!isReadable && run.account.isConfigured && (
            <Alert title="A change of the configuration was begun and not finished" tone="warn">
              The rules in force still hold, their text is partly overwritten. Load the new config.toml and send it: what is there already
              is not sent again.
            </Alert>
          )}
          {!words.isHalted && (
            <Alert title="The configuration can be changed while the run is paused" tone="info">
              Prepare the change here, pause the run on the tab State, then send it.
            </Alert>
          )}
          <Card description="The same fields as in config.toml. Rates stand on the tab Rewards." title="Change the configuration">
            <div className="space-y-5">
              <Field error={fileError} hint="Fills the form; nothing is sent by it." label="From a config.toml">
                {(id, describedBy) => (
                  <input
                    accept=".toml,application/toml,text/plain"
                    aria-describedby={describedBy}
                    className="block w-full text-sm text-muted file:mr-3 file:min-h-9 file:cursor-pointer file:rounded-lg file:border file:border-line-strong file:bg-surface file:px-3 file:font-medium file:text-text"
                    id={id}
                    onChange={(event) => {
                      const file = event.target.files?.[0];
                      event.target.value = ""; // the same file, mended, is read again
                      void load(file);
                    }}
                    type="file"
                  />
                )}
              </Field>
              <Tabs
                label="Parts of the configuration"
                onChange={setPart}
                tabs={PARTS.map(({ value, label }) => ({
                  value,
                  label,
                  content: <div className="space-y-4">{part === value && <ConfigPart step={value} />}</div>,
                }))}
                value={part}
              />
            </div>
          </Card>
          <Card
            description="Key by key, as it would be on the chain."
            title={config === null ? "What is not right yet" : changeTitle(changes.length)}
          >
            <div className="space-y-4">
              {config === null ? (
                <ul className="space-y-1">
                  {problems.map(({ message, path }) => (
                    <li className="flex gap-2 text-sm wrap-anywhere" key={message}>
                      <BadIcon className="mt-0.5 size-4 text-bad" />
                      {path === null ? (
                        message
                      ) : (
                        <button className="text-left underline underline-offset-2" onClick={() => show(path)} type="button">
                          {message}
                        </button>
                      )}
                    </li>
                  ))}
                </ul>
              ) : (
                changes.length > 0 && (
                  <Table
                    caption="Changes"
                    columns={[
                      { key: "key", header: "Key", cell: ({ key }) => <code className="text-sm break-all">{key}</code> },
                      { key: "before", header: "Now", cell: (change) => <Value text={change.before} /> },
                      { key: "after", header: "Then", cell: (change) => <Value text={change.after} /> },
                    ]}
                    rowKey={({ key }) => key}
                    rows={changes}
                  />
                )
              )}
              <ActionStatus
                action={action}
                done={({ config: applied }) => (
                  <Alert title={applied?.changed === false ? "It was in force already" : "The configuration is in force"} tone="good" />
                )}
                onRetry={send}
              />
              <div className="flex flex-wrap gap-3">
                <Button
                  busy={action.isBusy}
                  disabled={config === null || changes.length === 0 || !words.isHalted}
                  onClick={send}
                  variant="primary"
                >
                  {before === null ? "Write the configuration" : "Change the configuration"}
                </Button>
                <Button onClick={() => form.reset(structuredClone(initial))}>Undo all changes</Button>
              </div>
            </div>
          </Card>
          {config !== null && <TomlCard name={run.runId} toml={serializeRunConfig(config)} />}
        </div>
      </ProblemsContext>
    </FormProvider>
  );
}

function changeTitle(count: number): string {
  if (count === 0) return "Nothing would change";
  return count === 1 ? "One change" : `${count} changes`;
}

function Value({ text }: { text: string | null }) {
  return text === null ? <span className="text-muted">left out</span> : <span className="text-sm break-all">{text}</span>;
}

/** Whether the text in force is there and one that this version reads, and the inputs it fills. */
function inForce({ config: { toml }, account, runId }: OnChainRun): [boolean, FormValues] {
  const empty = valuesOfDocument({ run_id: runId, model: { LLM: { architecture: "HfLlama", data_type: "Pretraining" } } });
  if (toHex(sha256(new TextEncoder().encode(toml))) !== toHex(account.configSha256)) return [false, empty];
  try {
    return [true, valuesOfToml(toml, `the configuration of ${runId}`)];
  } catch {
    return [false, empty];
  }
}

/** The id is the run's, and the rates are those in force: a new configuration changes neither by the way. */
function withFixed(values: FormValues, run: OnChainRun): FormValues {
  const rates = run.state?.config;
  const text = (units: bigint | undefined): string =>
    units === undefined || units > BigInt(Number.MAX_SAFE_INTEGER) ? "0" : String(units);
  const config = values["config"] as FormValues;
  return {
    ...values,
    run_id: run.runId,
    config: {
      ...config,
      earning_rate_total_shared: text(rates?.earningRateTotalShared),
      slashing_rate_per_client: text(rates?.slashingRatePerClient),
    },
  };
}

function problemsOf(problems: readonly RunProblem[]): Problems {
  const shown = problems.filter(({ isMissing }) => !isMissing);
  return {
    of: (path) => shown.find((problem) => problem.path === path)?.rule ?? null,
    within: (path) => shown.some((problem) => problem.path === path || problem.path?.startsWith(`${path}.`)),
  };
}
