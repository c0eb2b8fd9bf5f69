import { ruleText, showDefault, type FieldSpec } from "../fieldSpec.ts";
import { formField, markdownRow, type FormField } from "../renderOptions.ts";
import { runSchema } from "./runSchema.ts";
import type { Spec, VariantSpec } from "./schema.ts";

/** Every key of a run config as one markdown table. */
export function runConfigMarkdown(): string {
  const head = "| key | value | unit | default | meaning |\n|---|---|---|---|---|";
  return [head, ...rows(runSchema, "")].join("\n");
}

function rows(spec: Spec | VariantSpec, key: string): string[] {
  const row = (value: string, unit = "", fallback = ""): string => markdownRow([`\`${key}\``, value, unit, fallback, spec.doc]);
  switch (spec.type) {
    case "table": {
      const inner = Object.entries(spec.fields).flatMap(([name, field]) => rows(field, key === "" ? name : `${key}.${name}`));
      return key === "" ? inner : [row("table"), ...inner];
    }
    case "tagged": {
      const inner = Object.entries(spec.variants).flatMap(([name, variant]) => rows(variant, `${key}.${name}`));
      return [row(`one of ${Object.keys(spec.variants).join(", ")}`, "", "required"), ...inner];
    }
    case "list":
      return [row(`a list of ${spec.minLength} to ${spec.maxLength} tables`, "", "required"), ...rows(spec.item, `${key}[]`).slice(1)];
    case "unit":
      return [row("(no data)")];
    case "json":
      return [row("a table, or a path", "", "required")];
    default:
      return [row(ruleText(spec), spec.unit, showDefault(spec))];
  }
}

/** The run config as a form: tables nest, an enum is a choice whose variants carry their own parts. Plain JSON. */
export type FormNode =
  | { kind: "field"; key: string; field: FormField }
  | { kind: "table"; key: string; doc: string; required: boolean; parts: FormNode[] }
  | { kind: "variants"; key: string; doc: string; variants: { name: string; doc: string; part: FormNode | null }[] }
  | { kind: "list"; key: string; doc: string; minLength: number; maxLength: number; item: FormNode }
  | { kind: "json"; key: string; doc: string; known: Extract<FormNode, { kind: "field" }>[] };

export function runConfigForm(): FormNode {
  return formNode(runSchema, "");
}

function formNode(spec: Spec | Exclude<VariantSpec, { type: "unit" }>, key: string): FormNode {
  switch (spec.type) {
    case "table": {
      const parts = Object.entries(spec.fields).map(([name, field]) => formNode(field, key === "" ? name : `${key}.${name}`));
      return { kind: "table", key, doc: spec.doc, required: spec.optional !== true, parts };
    }
    case "tagged": {
      const variants = Object.entries(spec.variants).map(([name, variant]) => ({
        name,
        doc: variant.doc,
        part: variant.type === "unit" ? null : formNode(variant, `${key}.${name}`),
      }));
      return { kind: "variants", key, doc: spec.doc, variants };
    }
    case "list": {
      const { doc, minLength, maxLength } = spec;
      return { kind: "list", key, doc, minLength, maxLength, item: formNode(spec.item, `${key}[]`) };
    }
    case "json":
      return {
        kind: "json",
        key,
        doc: spec.doc,
        known: Object.entries(spec.known ?? {}).map(([name, field]) => fieldNode(field, `${key}.${name}`)),
      };
    default:
      return fieldNode(spec, key);
  }
}

function fieldNode(spec: FieldSpec, key: string): Extract<FormNode, { kind: "field" }> {
  const label = key.slice(key.lastIndexOf(".") + 1).replaceAll("_", " ");
  return { kind: "field", key, field: formField(key, label, spec) };
}
