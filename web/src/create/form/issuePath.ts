/** Which input an issue of the config is about. */
import type { FormNode } from "@starling/config";
import { MORE, nameOf, RUN_FORM } from "./formValues.ts";

/**
 * The input's path in the form's values (`model.LLM.checkpoint.kind`, `...providers.0.weight`) for an issue's key
 * (`model.LLM.checkpoint`, `...providers[0].weight`). Null where no input is meant: an unknown key of an imported file.
 */
export function pathOfIssue(key: string): string | null {
  return walk(RUN_FORM, key.replaceAll(/\[(\d+)\]/g, ".$1").split("."), []);
}

function walk(node: FormNode, rest: readonly string[], at: readonly string[]): string | null {
  const [name, ...after] = rest;
  const path = (...more: string[]): string => [...at, ...more].join(".");
  switch (node.kind) {
    case "field":
      return path();
    case "table": {
      const part = node.parts.find(({ key }) => nameOf(key) === name);
      return part && name !== undefined ? walk(part, after, [...at, name]) : null;
    }
    case "variants": {
      const variant = node.variants.find((each) => each.name === name);
      if (name === undefined || variant === undefined) return path("kind");
      return variant.part === null ? path("kind") : (walk(variant.part, after, [...at, name]) ?? path("kind"));
    }
    case "list":
      return name !== undefined && /^\d+$/.test(name) ? (walk(node.item, after, [...at, name]) ?? path("root")) : path("root");
    case "json":
      return path(node.known.some(({ key }) => nameOf(key) === name) ? name! : MORE);
  }
}
