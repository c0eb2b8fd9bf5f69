/** Which checks of which instruction were tried. A cell that nothing filled fails the test that asks for the table. */

export const CHECKS = [
  "good path",
  "missing signature",
  "wrong signer",
  "not writable",
  "wrong owner",
  "wrong PDA",
  "wrong run",
  "wrong kind",
  "same account twice",
  "missing account",
  "uninitialised",
  "already initialised",
  "replay",
  "overflow",
  "truncated data",
  "oversized data",
  "wrong state",
] as const;
export type Check = (typeof CHECKS)[number];

interface Cell {
  /** how many attempts were refused (or, on the good path, accepted) as expected */
  cases: number;
  /** why there is nothing to try */
  reason: string | null;
}

/** The checks of one program's instructions; a test file makes one for the instructions it covers. */
export class Coverage {
  readonly #cells = new Map<string, Map<Check, Cell>>();
  readonly #program: string;

  constructor(program: string, instructions: readonly string[]) {
    this.#program = program;
    for (const instruction of instructions) this.#cells.set(instruction, new Map());
  }

  count(instruction: string, check: Check, cases = 1): void {
    this.#cell(instruction, check).cases += cases;
  }

  /** The check cannot be made on that instruction, for a reason worth a sentence. */
  cannot(instruction: string, check: Check, reason: string): void {
    this.#cell(instruction, check).reason = reason;
  }

  /** Every cell that has neither a case nor a reason. */
  missing(): string[] {
    return [...this.#cells].flatMap(([instruction, cells]) =>
      CHECKS.filter((check) => !cells.has(check)).map((check) => `${this.#program}.${instruction}: ${check}`),
    );
  }

  /** Instructions down, checks across, the number of cases in each cell; `-` where a reason stands below. */
  table(): string {
    const width = Math.max(...[...this.#cells.keys()].map((name) => name.length));
    const lines = [`${this.#program}: cases refused as they must be (good path: accepted)`];
    lines.push(
      ...CHECKS.map((check, index) => `${" ".repeat(width + 2)}${" |".repeat(index).padEnd(index * 2)} ${check}`.replaceAll(" |", "   |")),
    );
    for (const [instruction, cells] of this.#cells) {
      const row = CHECKS.map((check) => {
        const cell = cells.get(check);
        return (cell === undefined ? "?" : cell.cases > 0 ? String(cell.cases) : "-").padStart(4);
      });
      lines.push(`${instruction.padEnd(width)}${row.join("")}`);
    }
    const reasons = new Map<string, string[]>();
    for (const [instruction, cells] of this.#cells) {
      for (const [check, { cases, reason }] of cells) {
        if (cases > 0 || reason === null) continue;
        const line = `${check}: ${reason}`;
        reasons.set(line, [...(reasons.get(line) ?? []), instruction]);
      }
    }
    lines.push(...[...reasons].map(([line, instructions]) => `  - ${line} (${instructions.join(", ")})`));
    return lines.join("\n");
  }

  #cell(instruction: string, check: Check): Cell {
    const cells = this.#cells.get(instruction);
    if (!cells) throw new Error(`${this.#program} has no instruction "${instruction}" in this table`);
    let cell = cells.get(check);
    if (!cell) cells.set(check, (cell = { cases: 0, reason: null }));
    return cell;
  }
}
