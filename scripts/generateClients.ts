/**
 * coordinator/sdk/idl/*.ts -> coordinator/sdk/idl/*.json (the IDLs) -> coordinator/sdk/src/generated/{coordinator,authorizer,treasurer} (TypeScript clients).
 * `--check` writes nothing and fails when one of them is not what its sources say.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { MACHINE_ERRORS } from "@starling/sdk/generated/machineLayout";
import type { ErrorSpec } from "../coordinator/sdk/idl/nodes.ts";
import { localProgramId } from "../coordinator/sdk/idl/programIds.node.ts";

// renderers-js 2.2 reads `fields` and the lists of a program without asking whether they are there; nodes 1.11 leaves empty lists out.
const EMPTY_LISTS = /\.\.\.(?:\w+\.)?(\w+) !== void 0 && ((?:\w+\.)?\w+)\.length > 0 && \{ \1(?:: \2)? \}/g;
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.includes("/@codama/nodes/dist/index.node")) return loaded;
    return { ...loaded, source: String(loaded.source).replace(EMPTY_LISTS, (_, name: string, value: string) => `${name}: ${value} ?? []`) };
  },
});
const { rootNode } = await import("@codama/nodes");
const { renderVisitor } = await import("@codama/renderers-js");
const { visit } = await import("@codama/visitors-core");
const { coordinatorProgram } = await import("../coordinator/sdk/idl/coordinator.ts");
const { authorizerProgram } = await import("../coordinator/sdk/idl/authorizer.ts");
const { treasurerProgram } = await import("../coordinator/sdk/idl/treasurer.ts");

const IDL = "coordinator/sdk/idl";
const GENERATED = "coordinator/sdk/src/generated";
const check = process.argv.includes("--check");
let stale = 0;

function put(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  if (check) {
    stale++;
    process.stderr.write(`${path} is not what its sources say: run "npm run generate"\n`);
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A program's own errors, which its Rust sources list once and write to errors.json. */
function errorsOf(program: string): ErrorSpec[] {
  return JSON.parse(readFileSync(`coordinator/programs/${program}/errors.json`, "utf8")) as ErrorSpec[];
}

/**
 * What the renderer writes, as Node's type stripping, `verbatimModuleSyntax` and a browser take it: imports with their extension, types imported as types.
 * Of programs/NAME.ts only the address stays: its enums and client plugins do not compile here, and nobody needs them.
 */
function portable(source: string, file: string, folder: string): string {
  const address = /export const \w+_PROGRAM_ADDRESS\s*=[^;]*;/.exec(source)?.[0];
  if (address !== undefined)
    return `${source.slice(0, source.indexOf("import"))}import type { Address } from "@solana/kit";\n\n${address}\n`;
  return source
    .replace(/(?<=[{,] )(\w+Seeds)(?=,? [^;]*from)/g, "type $1")
    .replace(/(from\s+['"])(\.{1,2}(?:\/[^'"]*)?)(['"])/g, (_, from: string, target: string, quote: string) => {
      const path = join(dirname(file), target);
      const isFolder = existsSync(join(folder, path)) && !existsSync(join(folder, `${path}.ts`));
      return `${from}${target}${isFolder ? "/index" : ""}.ts${quote}`;
    });
}

function* filesUnder(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) yield relative(folder, join(entry.parentPath, entry.name));
  }
}

const machineErrors: ErrorSpec[] = Object.entries(MACHINE_ERRORS).map(([code, e]) => ({
  code: Number(code),
  name: e.code,
  message: e.sentence,
}));
const errors = {
  coordinator: [...machineErrors, ...errorsOf("coordinator")],
  authorizer: errorsOf("authorizer"),
  treasurer: errorsOf("treasurer"),
};
// the machine and the program have names in common: in the IDL the machine's say whose they are
const named = errors.coordinator.map((e) => (machineErrors.includes(e) ? { ...e, name: `machine${e.name}` } : e));
const programs = [
  coordinatorProgram(localProgramId("coordinator"), named),
  authorizerProgram(localProgramId("authorizer"), errors.authorizer),
  treasurerProgram(localProgramId("treasurer"), errors.treasurer),
];
const scratch = mkdtempSync(join(tmpdir(), "starling-clients-"));
try {
  for (const program of programs) {
    const root = rootNode(program);
    put(`${IDL}/${program.name}.json`, `${JSON.stringify(root, null, 2)}\n`);
    const folder = join(scratch, program.name);
    await visit(root, renderVisitor(scratch, { generatedFolder: program.name, syncPackageJson: false, kitImportStrategy: "rootOnly" }));
    const fresh = new Set<string>();
    for (const file of filesUnder(folder)) {
      fresh.add(file);
      put(`${GENERATED}/${program.name}/${file}`, portable(readFileSync(join(folder, file), "utf8"), file, folder));
    }
    const target = `${GENERATED}/${program.name}`;
    for (const file of existsSync(target) ? [...filesUnder(target)] : []) {
      if (fresh.has(file)) continue;
      if (check) stale++;
      else rmSync(join(target, file));
      process.stderr.write(`${target}/${file} has no source any more${check ? ': run "npm run generate"' : ""}\n`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const sentences = Object.fromEntries(
  Object.entries(errors).map(([program, list]) => [
    program,
    Object.fromEntries(list.map(({ code, name, message }) => [code, { name, message }])),
  ]),
);
put(
  `${GENERATED}/programErrors.ts`,
  `/** Written by scripts/generateClients.ts: what the programs refuse with, by number. */\nexport const PROGRAM_ERRORS: Readonly<\n  Record<"coordinator" | "authorizer" | "treasurer", Readonly<Record<number, { name: string; message: string }>>>\n> = ${JSON.stringify(sentences, null, 2)};\n`,
);
if (stale > 0) process.exit(1);
