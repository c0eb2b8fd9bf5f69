/** Begin from a preset, a file or nothing; or go on with a draft. */
import { ConfigError } from "@starling/config";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useNavigate } from "react-router";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { AddressText, Alert, Button, Card, Dialog, Field, LinkButton, RelativeTime, Skeleton, TextArea } from "../ui/index.ts";
import { hasSent, importToml, newDraft, newDraftId, valuesOfToml, type Draft } from "./drafts/draft.ts";
import { drafts } from "./drafts/draftStore.ts";
import { valuesOfDocument, type FormValues } from "./form/formValues.ts";
import { aboutPreset, presets } from "./presets.ts";

/** What few would choose otherwise; everything else is asked. */
const BLANK = {
  model: { LLM: { architecture: "HfLlama", data_type: "Pretraining", optimizer: { Distro: { quantize_1bit: true } } } },
} as const;

export function StartView() {
  const { clusters } = useRuntimeConfig();
  const navigate = useNavigate();
  const begin: Begin = (origin, config, notes) => {
    const draft = newDraft({
      id: newDraftId(),
      nowMs: Date.now(),
      origin,
      cluster: clusters[0]?.name ?? null,
      config,
      notes,
    });
    drafts().write(draft, null);
    void navigate(`/create/${draft.id}`);
  };
  return (
    <div className="space-y-6">
      <header>
        <h1 className="text-2xl font-semibold">Create a run</h1>
        <p className="mt-1 max-w-prose text-muted">
          {clusters.length > 0
            ? "A run is a model that many machines train together. You choose what is trained and how, who may join, and what they earn. Nothing is sent before you have seen it."
            : "This page knows no Solana cluster, so it makes the config.toml of a run that you start on a server of your own."}
        </p>
      </header>
      <Drafts />
      <PresetCards begin={begin} />
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <ImportCard begin={begin} />
        <Card description="Every field is explained, and nothing is filled in that you should decide." title="From nothing">
          <Button onClick={() => begin("nothing", valuesOfDocument(BLANK))}>Start with an empty form</Button>
        </Card>
      </div>
    </div>
  );
}

type Begin = (origin: string, config: FormValues, notes?: string[]) => void;

function PresetCards({ begin }: { begin: Begin }) {
  const texts = useQuery({
    queryKey: ["presets"],
    queryFn: () => Promise.all(presets.map(async ({ name, load }) => ({ name, toml: await load() }))),
    staleTime: Infinity,
  });
  return (
    <Card description="Settings that were tried. Change what you like." title="From a preset">
      {texts.isPending ? (
        <div aria-busy="true" className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
          <Skeleton className="h-32" />
          <Skeleton className="h-32" />
        </div>
      ) : texts.isError ? (
        <Alert action={<Button onClick={() => void texts.refetch()}>Try again</Button>} title="The presets could not be loaded" tone="bad">
          {texts.error.message}
        </Alert>
      ) : (
        <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
          {texts.data.map(({ name, toml }) => (
            <li className="flex flex-col rounded-lg border border-line p-4" key={name}>
              <h3 className="font-semibold">{name}</h3>
              <p className="mt-1 mb-3 grow text-sm text-muted">{aboutPreset(toml)}</p>
              <Button onClick={() => begin(`the preset ${name}`, valuesOfToml(toml, name))}>Start from {name}</Button>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function ImportCard({ begin }: { begin: Begin }) {
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const read = (toml: string, name: string): void => {
    try {
      const { values, notes } = importToml(toml, name);
      begin(name, values, notes);
    } catch (cause) {
      setError(cause instanceof ConfigError ? cause.message : String(cause));
    }
  };
  const id = useId();
  return (
    <Card description="As the command line reads it. What it cannot use is said on the next page." title="From a config.toml">
      <div className="space-y-4">
        <div>
          <label className="mb-1 block text-sm font-medium" htmlFor={id}>
            A file
          </label>
          <input
            accept=".toml,application/toml,text/plain"
            className="block w-full text-sm text-muted file:mr-3 file:min-h-9 file:cursor-pointer file:rounded-lg file:border file:border-line-strong file:bg-surface file:px-3 file:font-medium file:text-text"
            id={id}
            onChange={(event) => {
              const file = event.target.files?.[0];
              event.target.value = ""; // the same file, mended, is read again
              if (file) void file.text().then((toml) => read(toml, `the file ${file.name}`));
            }}
            type="file"
          />
        </div>
        <Field error={error} label="Or its text">
          <TextArea
            className="font-mono text-sm"
            onChange={(event) => {
              setText(event.target.value);
              setError(null);
            }}
            placeholder={'run_id = "my-run"'}
            rows={5}
            value={text}
          />
        </Field>
        <Button disabled={text.trim() === ""} onClick={() => read(text, "a pasted text")}>
          Read the text
        </Button>
      </div>
    </Card>
  );
}

function Drafts() {
  const [list, setList] = useState(() => drafts().list());
  const [asked, setAsked] = useState<Draft | null>(null);
  if (list.length === 0) return null;
  const remove = (draft: Draft): void => {
    drafts().remove(draft.id);
    setList(drafts().list());
    setAsked(null);
  };
  return (
    <Card description="Kept in this browser." title="Your drafts">
      <ul className="divide-y divide-line">
        {list.map((draft) => (
          <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-2.5 first:pt-0 last:pb-0" key={draft.id}>
            <div className="min-w-0">
              <p className="truncate font-medium">{titleOf(draft)}</p>
              <p className="text-sm text-muted">
                from {draft.origin}, changed <RelativeTime ms={draft.updatedMs} />
                {draft.sent.done.length > 0 && `, ${draft.sent.done.length} of its transactions are sent`}
              </p>
            </div>
            <div className="flex gap-2">
              <Button
                aria-label={`Delete the draft ${titleOf(draft)}`}
                onClick={() => (hasSent(draft) ? setAsked(draft) : remove(draft))}
                size="small"
                variant="ghost"
              >
                Delete
              </Button>
              <LinkButton aria-label={`Go on with ${titleOf(draft)}`} size="small" to={`/create/${draft.id}`}>
                Go on
              </LinkButton>
            </div>
          </li>
        ))}
      </ul>
      <Dialog
        footer={
          <>
            <Button onClick={() => setAsked(null)}>Keep it</Button>
            <Button onClick={() => asked && remove(asked)} variant="danger">
              Delete the draft
            </Button>
          </>
        }
        onClose={() => setAsked(null)}
        open={asked !== null}
        title={`Delete the draft ${asked === null ? "" : titleOf(asked)}?`}
      >
        {asked && <WhatIsLost draft={asked} />}
      </Dialog>
    </Card>
  );
}

function WhatIsLost({ draft: { sent } }: { draft: Draft }) {
  return (
    <div className="space-y-3">
      <p>
        {sent.done.length > 0
          ? "A part of its transactions is on the chain already, and stays there"
          : "Sending it has begun: a part of it may be on the chain, and stays there"}
        . Only this draft knows how to go on with the rest.
      </p>
      {sent.mint !== null && (
        <p>
          The token made for it is known by this address alone, which is not kept after this:{" "}
          <AddressText address={sent.mint} label="mint" />
        </p>
      )}
    </div>
  );
}

export function titleOf({ name, config }: Draft): string {
  const runId = config["run_id"];
  if (name.trim() !== "") return name.trim();
  return typeof runId === "string" && runId.trim() !== "" ? runId.trim() : "A run without a name";
}
