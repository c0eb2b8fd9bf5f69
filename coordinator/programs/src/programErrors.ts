/** Names of the programs' own errors: what their Rust tables emit (`<program>/errors.json`), and the machine's below 6000. */
import { MACHINE_ERRORS } from "@starling/sdk/generated/machineLayout";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProgramName } from "./artifacts.ts";

interface ProgramError {
  code: number;
  name: string;
  message: string;
}

const tables = new Map<ProgramName, ReadonlyMap<number, string>>();

/** Undefined for a number that the program does not list. */
export function customName(program: ProgramName, code: number): string | undefined {
  const machine = (MACHINE_ERRORS as Record<number, { code: string }>)[code];
  if (program === "coordinator" && machine) return machine.code;
  let table = tables.get(program);
  if (!table) {
    const path = join(import.meta.dirname, "..", program, "errors.json");
    const errors = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ProgramError[]) : [];
    table = new Map(errors.map((error) => [error.code, error.name]));
    tables.set(program, table);
  }
  return table.get(code);
}
