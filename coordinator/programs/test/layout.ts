/**
 * Where every field of every account lies, as one object: the machine's structs from the module's own description, the accounts
 * around them from the IDL. `node coordinator/programs/test/layout.ts --write` commits a change that is meant (README there).
 */
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const IDL_FOLDER = join(import.meta.dirname, "../../sdk/idl");
export const LAYOUT_FILE = join(import.meta.dirname, "layout.json");

interface TypeNode {
  kind: string;
  format?: string;
  size?: number;
  fields?: { name: string; type: TypeNode }[];
}

/** struct or program.account -> field -> [offset, bytes]; `bytes` of the whole, "rest" for what runs to the account's end */
export type Layout = Record<string, { bytes: number | "rest"; fields: Record<string, [number, number | "rest"]> }>;

export function currentLayout(): Layout {
  const layout: Layout = {};
  for (const [name, { bytes, fields }] of Object.entries(LAYOUT)) {
    const ends = Object.values(fields).map(({ offset }) => offset);
    layout[`machine.${name}`] = {
      bytes,
      fields: Object.fromEntries(
        Object.entries(fields).map(([field, { offset }]) => [
          field,
          [offset, Math.min(...ends.filter((end) => end > offset), bytes) - offset],
        ]),
      ),
    };
  }
  for (const program of ["coordinator", "authorizer", "treasurer"]) {
    const idl = JSON.parse(readFileSync(join(IDL_FOLDER, `${program}.json`), "utf8")) as {
      program: { accounts: { name: string; data: TypeNode }[] };
    };
    for (const { name, data } of idl.program.accounts) {
      let at = 0;
      let isOpen = false;
      const fields: Layout[string]["fields"] = {};
      for (const field of data.fields ?? []) {
        const bytes = sizeOf(field.type);
        fields[field.name] = [at, bytes];
        if (bytes === "rest") isOpen = true;
        else at += bytes;
      }
      layout[`${program}.${name}`] = { bytes: isOpen ? "rest" : at, fields };
    }
  }
  return layout;
}

function sizeOf(type: TypeNode): number | "rest" {
  if (type.kind === "numberTypeNode") return Number(type.format!.slice(1)) / 8;
  if (type.kind === "publicKeyTypeNode") return 32;
  if (type.kind === "fixedSizeTypeNode") return type.size!;
  return "rest";
}

if (process.argv.includes("--write") && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(LAYOUT_FILE, `${JSON.stringify(currentLayout(), null, 1).replaceAll(/\[\s+(\d+),\s+("rest"|\d+)\s+\]/g, "[$1, $2]")}\n`);
}
