/** The report of `bench chain` as people read it. */
import type { ChainReport } from "./chain.ts";

const LAMPORTS_PER_SOL = 1e9;

/** Instructions of DESIGN's targets, in compute units at 256 clients. */
const TARGETS: Readonly<Record<string, number>> = {
  "tick, not due": 50_000,
  "tick WaitingForMembers -> Warmup": 50_000,
  "tick Warmup -> RoundTrain": 50_000,
  "tick RoundTrain -> RoundWitness": 50_000,
  "tick RoundWitness -> RoundTrain": 50_000,
  "tick RoundWitness -> Cooldown": 50_000,
  "tick Cooldown -> WaitingForMembers": 50_000,
  "tick RoundTrain -> RoundWitness, elected ones gone": 50_000,
  "tick RoundWitness -> RoundTrain, elected ones gone": 50_000,
  witness: 50_000,
  join_run: 20_000,
  "health_check, one client": 30_000,
  "health_check, 16 clients": 16 * 30_000,
};

export function printChainReport(report: ChainReport): void {
  const { runs } = report;
  const labels = [...new Set(runs.flatMap((run) => Object.keys(run.instructions)))].sort();
  const width = Math.max(...labels.map((label) => label.length));
  const lines = ["compute units, the most of all sent, by clients of the run; bytes of the transaction (at most 1232)"];
  lines.push(`${"".padEnd(width)}${runs.map((run) => String(run.clients).padStart(10)).join("")}     bytes  signers    target`);
  for (const label of labels) {
    const cells = runs.map((run) => run.instructions[label]);
    const known = cells.filter((cell) => cell !== undefined);
    const bytes = Math.max(...known.map((cell) => cell.transactionBytes));
    const target = TARGETS[label];
    const worst = Math.max(...known.map((cell) => cell.computeUnits));
    const verdict = target === undefined ? "" : `${number(target).padStart(10)}${worst > target ? "  MISSED" : ""}`;
    const units = cells.map((cell) => (cell ? number(cell.computeUnits) : "-").padStart(10)).join("");
    lines.push(`${label.padEnd(width)}${units}${String(bytes).padStart(10)}${String(known[0].signers).padStart(9)}${verdict}`);
  }
  lines.push("", `costs in SOL: base fees, and with ${report.priorityFeeMicrolamports} microlamports a compute unit`);
  for (const { clients, round, epoch } of runs) {
    lines.push(
      `  ${String(clients).padStart(3)} clients  a round: ${round.transactions} transactions, ${sol(round.lamports)}, ${sol(round.withPriority)}` +
        `;  an epoch of ${epoch.rounds} rounds: ${epoch.transactions}, ${sol(epoch.lamports)}, ${sol(epoch.withPriority)}`,
    );
  }
  lines.push("", "rent in SOL (given back when an account is closed)");
  for (const [name, { bytes, rentLamports }] of Object.entries({ ...report.accounts, ...report.programs })) {
    lines.push(`  ${name.padEnd(12)} ${number(bytes).padStart(9)} bytes  ${sol(rentLamports)}`);
  }
  console.log(lines.join("\n"));
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function sol(lamports: number): string {
  return (lamports / LAMPORTS_PER_SOL).toFixed(6);
}
