/** The report of `bench train` as people read it. */
import { PHASES } from "./benchClient.ts";
import type { Cost } from "./cost.ts";
import type { Spread } from "./statistics.ts";
import type { ProfileReport, TrainReport } from "./train.ts";

const COLUMNS = [10, 8, 8, 8, 8, 10, 9];

export function printTrainReport(report: TrainReport): void {
  const { machine, workload: w, loadAverage, ratio } = report;
  const lines = [
    `adapter  ${machine.adapter}${machine.softwareAdapter ? " (software)" : ""}; ${machine.cores} x ${machine.cpu}; Node ${machine.node}`,
    `load     ${loadAverage.start.toFixed(1)} at the start, ${loadAverage.end.toFixed(1)} at the end, of ${machine.cores} cores`,
    `run      ${w.runId}: ${w.parameters} parameters, pipeline ${w.pipeline}`,
    `client   ${w.batchSequences} sequences of ${w.sequenceTokens} tokens in micro-batches of ${w.microBatchSequences}; applies ${w.resultsApplied} results of ${w.payloadBytes} bytes`,
    `figures  over ${w.rounds} rounds of each kind${report.profiles.length > 1 ? ", profiles in turn" : ""}; CPU: median ms of all threads, and of the thread that drives the engine`,
  ];
  for (const profile of report.profiles) lines.push("", ...profileLines(profile));
  if (ratio) {
    lines.push("", `ratio of profiles ${ratio.profiles}, median over rounds in turn`, row("", "wall", "CPU"));
    for (const p of PHASES) lines.push(row(p, ratio.phases[p].wall.toFixed(2), ratio.phases[p].cpu.toFixed(2)));
    lines.push(row("round", ratio.round.wall.toFixed(2), ratio.round.cpu.toFixed(2)));
  }
  console.log(lines.join("\n"));
}

function profileLines({ profile, createMs, phases, round, tokensPerSecond, loss, eventLoop }: ProfileReport): string[] {
  const sumMs = PHASES.reduce((sum, p) => sum + phases[p].wallMs.median, 0);
  const number = (value: number | null) => value?.toFixed(2) ?? "not finite";
  return [
    `profile ${profile}: ready after ${(createMs / 1000).toFixed(1)} s`,
    row("", "min ms", "median", "max", "CPU", "JS thread", "share"),
    ...PHASES.map((p) => row(p, ...costCells(phases[p]), percent(phases[p].wallMs.median / sumMs))),
    row("round", ...costCells(round)),
    row("host only", ...milliseconds(round.hostOnlyMs), "", "", percent(round.hostOnlyShare.median)),
    `  ${tokensPerSecond.toFixed(0)} tokens/s; loss ${number(loss.first)} -> ${number(loss.last)}`,
    `  main thread's event-loop lag p99: ${eventLoop.trainingP99Ms} ms in ${eventLoop.rounds} rounds trained by the worker, ${eventLoop.idleP99Ms} ms idle`,
  ];
}

function costCells({ wallMs, cpuMs, hostCpuMs }: Record<keyof Cost, Spread>): string[] {
  return [...milliseconds(wallMs), cpuMs.median.toFixed(1), hostCpuMs.median.toFixed(1)];
}

function milliseconds({ min, median, max }: Spread): [string, string, string] {
  return [min.toFixed(1), median.toFixed(1), max.toFixed(1)];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function row(...cells: string[]): string {
  return `  ${cells.map((cell, n) => (n === 0 ? cell.padEnd(COLUMNS[n]) : cell.padStart(COLUMNS[n]))).join(" ")}`.trimEnd();
}
