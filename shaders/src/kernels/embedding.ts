import { wgsl } from "../generated/embedding.ts";
import { linearGrid, type KernelConstants, type KernelSpec } from "../kernel.ts";
import { LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { F32_STORAGES, withStorage, type KernelStorages } from "./storage.ts";

const gather: KernelSpec = {
  name: "embedding.gather",
  wgsl: wgsl.gather,
  bindings: [
    { name: "tokens", kind: "read" },
    { name: "table", kind: "read" },
    { name: "y", kind: "read_write" },
  ],
};

const scatterAdd: KernelSpec = {
  name: "embedding.scatterAdd",
  wgsl: wgsl.scatterAdd,
  bindings: [
    { name: "tokens", kind: "read" },
    { name: "occurrences", kind: "read" },
    { name: "dy", kind: "read" },
    { name: "dTable", kind: "read_write" },
  ],
};

/** The rows of a table that one binding holds, where it does not hold all of them. */
export interface TableRows {
  firstRow: number;
  rows: number;
}

const rangeOf = (part: TableRows | null): KernelConstants => (part === null ? {} : { FIRST_TOKEN: part.firstRow, TOKENS: part.rows });

/** Buffers: tokens (rows) i32, table (vocabulary, width), y (rows, width). `part`: only tokens whose rows these are. */
export function embeddingGather(
  rows: number,
  width: number,
  { weights }: KernelStorages = F32_STORAGES,
  part: TableRows | null = null,
): KernelCall {
  const spec = withStorage(gather, { table: weights });
  return { spec, constants: { ROWS: rows, WIDTH: width, ...rangeOf(part) }, grid: linearGrid(rows * width, LINEAR_WORKGROUP_SIZE) };
}

/** Buffers: tokens (rows) i32, occurrences (2 * rows + 1) u32 from `tokenOccurrences`, dy (rows, width), dTable. `part` as above. */
export function embeddingScatterAdd(rows: number, width: number, part: TableRows | null = null): KernelCall {
  return {
    spec: scatterAdd,
    constants: { ROWS: rows, WIDTH: width, ...rangeOf(part) },
    grid: linearGrid(rows * width, LINEAR_WORKGROUP_SIZE),
  };
}

/**
 * Sorts positions by token for `embeddingScatterAdd`: [positions (rows), starts of segments (rows + 1)] in `out`, stable, no
 * allocation. `counts` (vocabulary) is scratch. Tokens must be in range.
 */
export function tokenOccurrences(tokens: Int32Array, counts: Uint32Array, out: Uint32Array): void {
  const rows = tokens.length;
  counts.fill(0);
  for (let m = 0; m < rows; m++) counts[tokens[m]]++;
  let at = 0;
  let segment = 0;
  for (let token = 0; token < counts.length; token++) {
    const count = counts[token];
    if (count > 0) out[rows + segment++] = at;
    counts[token] = at;
    at += count;
  }
  out.fill(rows, rows + segment, 2 * rows + 1);
  for (let m = 0; m < rows; m++) out[counts[tokens[m]]++] = m;
}
