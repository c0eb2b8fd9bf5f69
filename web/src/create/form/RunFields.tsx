/** The inputs of a part of the run config, drawn from its schema: every key with its meaning, unit and default. */
import type { FormField, FormNode } from "@starling/config";
import { useState, type ReactNode } from "react";
import { useFieldArray, useWatch } from "react-hook-form";
import { Button, classes, Field, NumberInput, Select, TextArea, TextInput } from "../../ui/index.ts";
import { adoptValues, fromDocument, MORE, nameOf } from "./formValues.ts";
import { isAdvanced } from "./outline.ts";
import { useProblems, useRunForm } from "./runForm.ts";

/** `path`: of the part in the form's values. */
export function RunPart({ node, path }: { node: FormNode; path: string }) {
  switch (node.kind) {
    case "field":
      return <RunField field={node.field} path={path} />;
    case "table":
      return <Parts nodes={node.parts} path={path} />;
    case "variants":
      return <Variants node={node} path={path} />;
    case "list":
      return <Items node={node} path={path} />;
    case "json":
      return <ModelConfig node={node} path={path} />;
  }
}

/** Simple fields side by side, larger parts across; advanced ones folded below. */
export function Parts({ nodes, path, advanced = [] }: { nodes: readonly FormNode[]; path: string; advanced?: readonly FormNode[] }) {
  const basic = nodes.filter(({ key }) => !isAdvanced(key));
  const folded = [...nodes.filter(({ key }) => isAdvanced(key) && !basic.some((each) => each.key === key)), ...advanced];
  const at = (node: FormNode): string => (path === "" ? node.key : `${path}.${nameOf(node.key)}`);
  return (
    <div className="space-y-4">
      {basic.length > 0 && <Grid at={at} nodes={basic} />}
      {folded.length > 0 && (
        <Fold label="Advanced" paths={folded.map(at)}>
          <Grid at={at} nodes={folded} />
        </Fold>
      )}
    </div>
  );
}

function Grid({ nodes, at }: { nodes: readonly FormNode[]; at(node: FormNode): string }) {
  return (
    <div className="grid items-start gap-x-5 gap-y-4 sm:grid-cols-2">
      {nodes.map((node) => (
        <div className={classes("min-w-0", node.kind !== "field" && "sm:col-span-2")} key={node.key}>
          <RunPart node={node} path={at(node)} />
        </div>
      ))}
    </div>
  );
}

/** The browser's own disclosure. It opens when something in it is wrong, and does not shut while that is being mended. */
export function Fold({ label, paths, children }: { label: string; paths: readonly string[]; children: ReactNode }) {
  const problems = useProblems();
  const wrong = paths.some((path) => problems.within(path));
  const [open, setOpen] = useState(wrong);
  if (wrong && !open) setOpen(true);
  return (
    <details className="rounded-lg border border-line" onToggle={(event) => setOpen(event.currentTarget.open || wrong)} open={open}>
      <summary className="cursor-pointer rounded-lg px-3 py-2 text-sm font-medium text-muted hover:text-text">{label}</summary>
      <div className="p-3 pt-1">{children}</div>
    </details>
  );
}

const TRUTH = [
  { value: "true", label: "Yes" },
  { value: "false", label: "No" },
];

export function RunField({ field, path }: { field: FormField; path: string }) {
  const { register, setValue } = useRunForm();
  const problems = useProblems();
  const input = register(path);
  const isSeed = field.type === "integers" && field.unit === "bytes";
  return (
    <Field
      error={problems.of(path)}
      hint={hintOf(field)}
      label={labelOf(field.label)}
      unit={field.unit === "path" || field.unit === "learning rate" ? undefined : field.unit}
    >
      {field.type === "choice" || field.type === "boolean" ? (
        <Select {...input} options={optionsOf(field)} />
      ) : field.type === "integer" || field.type === "number" ? (
        <NumberInput {...input} inputMode={field.type === "integer" ? "numeric" : "decimal"} placeholder={placeholderOf(field)} />
      ) : (
        <div className="flex gap-2">
          <TextInput {...input} placeholder={placeholderOf(field)} />
          {isSeed && (
            <Button onClick={() => setValue(path, [...crypto.getRandomValues(new Uint8Array(32))].join(", "), { shouldDirty: true })}>
              Draw
            </Button>
          )}
        </div>
      )}
    </Field>
  );
}

function optionsOf(field: FormField): { value: string; label: string }[] {
  const options = field.type === "boolean" ? TRUTH : (field.choices ?? []).map((value) => ({ value, label: value }));
  const empty = field.required ? "Choose" : field.default === null ? "None" : `Default: ${shown(field)}`;
  return [{ value: "", label: empty }, ...options];
}

const shown = (field: FormField): string => (field.type === "boolean" ? (field.default === true ? "yes" : "no") : String(field.default));

function placeholderOf(field: FormField): string | undefined {
  return field.default === null || field.default === "" ? undefined : String(field.default);
}

/** The docs mark what the existing system has not. Here it is just a choice. */
function plain(doc: string): string {
  const text = doc.replace(/^Ours: /, "");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function hintOf(field: FormField): string {
  const doc = plain(field.doc);
  if (field.default === null || field.default === "") return doc;
  return `${doc} Default: ${shown(field)}${field.unit === null ? "" : ` ${field.unit}`}.`;
}

function labelOf(label: string): string {
  return label.slice(0, 1).toUpperCase() + label.slice(1);
}

function Variants({ node, path }: { node: Extract<FormNode, { kind: "variants" }>; path: string }) {
  const { register, control } = useRunForm();
  const problems = useProblems();
  const kind = useWatch({ control, name: `${path}.kind` });
  const chosen = node.variants.find(({ name }) => name === kind);
  return (
    <div className="space-y-4">
      <Field
        error={problems.of(`${path}.kind`)}
        hint={chosen === undefined || chosen.part?.kind === "field" ? node.doc : plain(chosen.doc)}
        label={labelOf(nameOf(node.key).replaceAll("_", " "))}
      >
        <Select
          {...register(`${path}.kind`)}
          options={[
            { value: "", label: "Choose" },
            ...node.variants.map(({ name }) => ({ value: name, label: VARIANT_LABELS[name] ?? name })),
          ]}
        />
      </Field>
      {chosen?.part && (
        <div className={chosen.part.kind === "field" ? "" : "border-l-2 border-line pl-4"}>
          <RunPart key={chosen.name} node={chosen.part} path={`${path}.${chosen.name}`} />
        </div>
      )}
    </div>
  );
}

/** Names of the file that say too little by themselves; others stand as the file has them. */
const VARIANT_LABELS: Readonly<Record<string, string>> = {
  Random: "Random: new weights from a seed",
  Hub: "Hub: a Hugging Face repository",
  P2P: "P2P: from the run's other clients",
  Gcs: "Gcs: a Google Cloud Storage bucket",
  P2PGcs: "P2PGcs: from other clients, and a bucket",
  Dummy: "Dummy: for tests",
  Ephemeral: "Ephemeral (refused)",
  Server: "Server: a Starling data server",
  Local: "Local: a folder on each client's machine",
  Http: "Http: token files over HTTP",
  WeightedHttp: "WeightedHttp: a JSON file with sources and weights",
  Preprocessed: "Preprocessed: parquet files on each client's machine",
  Weighted: "Weighted: a mixture of sources",
  Distro: "DisTrO",
};

function Items({ node, path }: { node: Extract<FormNode, { kind: "list" }>; path: string }) {
  const { control } = useRunForm();
  const problems = useProblems();
  const { fields, append, remove } = useFieldArray({ control, name: path });
  const error = problems.of(`${path}.root`);
  return (
    <fieldset className="space-y-4">
      <legend className="mb-1 text-sm font-medium">{node.doc}</legend>
      {error !== null && (
        <p className="text-sm text-bad" role="alert">
          {error}
        </p>
      )}
      {fields.map((field, i) => (
        <fieldset className="rounded-lg border border-line p-3" key={field.id}>
          <legend className="px-1 text-sm font-medium">Source {i + 1}</legend>
          <RunPart node={node.item} path={`${path}.${i}`} />
          <Button className="mt-3" onClick={() => remove(i)} size="small" variant="ghost">
            Remove source {i + 1}
          </Button>
        </fieldset>
      ))}
      {fields.length < node.maxLength && (
        <Button onClick={() => append(adoptValues(node.item, null))} size="small">
          Add a source
        </Button>
      )}
    </fieldset>
  );
}

/** A Hugging Face config.json: its known keys as inputs, the others as JSON, or all of it from a file. */
function ModelConfig({ node, path }: { node: Extract<FormNode, { kind: "json" }>; path: string }) {
  const { register, setValue, setError, clearErrors, getFieldState } = useRunForm();
  const problems = useProblems();
  const more = `${path}.${MORE}`;
  const fileState = getFieldState(`${path}.$file`);
  const load = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    try {
      const json: unknown = JSON.parse(await file.text());
      setValue(path, fromDocument(node, json), { shouldDirty: true });
      clearErrors(`${path}.$file`);
    } catch (error) {
      setError(`${path}.$file`, { message: `${file.name} is not JSON: ${(error as Error).message}` });
    }
  };
  return (
    <div className="space-y-4">
      <Field
        error={fileState.error?.message}
        hint="Fills in the fields below from a config.json of a Llama. The file stays in this tab."
        label="From a config.json"
      >
        {(id, describedBy) => (
          <input
            accept=".json,application/json"
            aria-describedby={describedBy}
            className="block w-full text-sm text-muted file:mr-3 file:min-h-9 file:cursor-pointer file:rounded-lg file:border file:border-line-strong file:bg-surface file:px-3 file:font-medium file:text-text"
            id={id}
            onChange={(event) => void load(event.target.files?.[0])}
            type="file"
          />
        )}
      </Field>
      <Grid at={(part) => `${path}.${nameOf(part.key)}`} nodes={node.known.filter(({ key }) => !isAdvanced(key))} />
      <Fold label="Advanced" paths={[more, ...node.known.filter(({ key }) => isAdvanced(key)).map(({ key }) => `${path}.${nameOf(key)}`)]}>
        <Grid at={(part) => `${path}.${nameOf(part.key)}`} nodes={node.known.filter(({ key }) => isAdvanced(key))} />
        <Field
          className="mt-4"
          error={problems.of(more)}
          hint="Such as rope_scaling and bos_token_id, as in config.json."
          label="Further keys, as JSON"
        >
          <TextArea {...register(more)} className="font-mono text-sm" rows={5} />
        </Field>
      </Fold>
    </div>
  );
}
