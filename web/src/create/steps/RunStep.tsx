/** Name, description, and where the run lives. */
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { lazy, Suspense } from "react";
import { useWatch } from "react-hook-form";
import { ChainGate } from "../../chain/ChainGate.tsx";
import { useRuntimeConfig } from "../../lib/runtimeConfig.ts";
import { Card, Field, Select, TextArea, TextInput } from "../../ui/index.ts";
import type { Draft } from "../drafts/draft.ts";
import { useProblems, useRunForm } from "../form/runForm.ts";
import type { DraftHandle } from "../useDraft.ts";

const RunIdCheck = lazy(() => import("./RunIdCheck.tsx"));

export function RunStep({ draft, change }: { draft: Draft; change: DraftHandle["change"] }) {
  const { clusters } = useRuntimeConfig();
  const { register, control } = useRunForm();
  const problems = useProblems();
  const runId = useWatch({ control, name: "run_id" }) as string;
  const isKnown = clusters.some(({ name }) => name === draft.cluster);
  const isSent = draft.sent.done.length > 0;
  // name and description go with the transaction that makes the run; afterwards they are changed on Manage
  const isMade = draft.sent.done.includes("run");
  return (
    <Card>
      <div className="space-y-4">
        <Field
          hint={
            isKnown
              ? "Its state lives on this cluster, members join with their wallets, and it can pay rewards."
              : "You get a config.toml, and start a coordinator with it. No wallet, no rewards."
          }
          label="Where it runs"
        >
          <Select
            disabled={isSent}
            onChange={(event) => change({ cluster: event.target.value === "" ? null : event.target.value })}
            options={[...clusters.map(({ name, label }) => ({ value: name, label })), { value: "", label: "On a server of my own" }]}
            value={isKnown ? draft.cluster! : ""}
          />
        </Field>
        <Field error={problems.of("run_id")} hint="Its name for machines: 1 to 32 bytes. It cannot be changed later." label="Run id">
          <TextInput {...register("run_id")} disabled={isSent} placeholder="my-run" />
        </Field>
        {isKnown && runId.trim() !== "" && problems.of("run_id") === null && (
          <Suspense>
            <ChainGate cluster={draft.cluster!} fallback={<></>}>
              <RunIdCheck runId={runId} />
            </ChainGate>
          </Suspense>
        )}
        {isKnown && (
          <>
            <Field error={problems.of("name")} hint={`A title for people. Up to ${CHAIN_LIMITS.nameBytes} bytes.`} label="Name">
              <TextInput disabled={isMade} name="name" onChange={(event) => change({ name: event.target.value })} value={draft.name} />
            </Field>
            <Field
              error={problems.of("description")}
              hint={`What the run is about. Up to ${CHAIN_LIMITS.descriptionBytes} bytes.`}
              label="Description"
            >
              <TextArea
                disabled={isMade}
                name="description"
                onChange={(event) => change({ description: event.target.value })}
                rows={3}
                spellCheck
                value={draft.description}
              />
            </Field>
          </>
        )}
      </div>
    </Card>
  );
}
