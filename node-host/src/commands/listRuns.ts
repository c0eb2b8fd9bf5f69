/** `starling list-runs`: the runs on the chain. */
import type { OptionsOf, listRunsOptions } from "@starling/config";
import { withChain } from "../chain/chain.ts";
import { print } from "../chain/print.ts";
import { listRuns as readRuns, runStateOf, type RunHead } from "@starling/sdk/actions/run";
import { EXIT_CODES } from "../errors.ts";

export async function listRuns(options: OptionsOf<typeof listRunsOptions>): Promise<number> {
  return withChain(options, async (chain) => {
    const authority = options.authorizer?.trim();
    const runs = (await readRuns(chain)).filter(({ account }) => authority === undefined || account.joinAuthority === authority);
    const rows = runs.sort((a, b) => order(a) - order(b) || (a.runId < b.runId ? -1 : 1)).map(rowOf);
    print(options.json, { runs: rows }, table(rows));
    return EXIT_CODES.ok;
  });
}

/** Those that can be joined first, those that wait for members before all. */
function order(run: RunHead): number {
  switch (runStateOf(run)) {
    case "WaitingForMembers":
      return 0;
    case "Warmup":
    case "RoundTrain":
    case "RoundWitness":
    case "Cooldown":
      return 1;
    case "Paused":
      return 2;
    case "Uninitialized":
      return 3;
    case "Finished":
      return 4;
  }
}

function rowOf(run: RunHead) {
  const { runId, address, account, machine } = run;
  const { joinAuthority, mainAuthority } = account;
  const live = machine?.bytes("live") ?? [];
  return {
    runId,
    address,
    state: runStateOf(run),
    /** in the running or last epoch */
    clients: [...live].reduce((count, byte) => count + byte.toString(2).replaceAll("0", "").length, 0),
    /** for the next epoch */
    waiting: machine?.number("pending_len") ?? 0,
    epoch: machine?.number("epoch") ?? 0,
    step: machine?.number("step") ?? 0,
    totalSteps: machine?.nested("config", "Config").number("total_steps") ?? 0,
    joinAuthority,
    mainAuthority,
  };
}

function table(rows: ReturnType<typeof rowOf>[]): string[] {
  if (rows.length === 0) return ["there are no runs here"];
  const head = ["run", "state", "clients", "waiting", "epoch", "step", "join authority"];
  const cells = rows.map((r) => [
    // anybody can create a run: what its name holds must not reach the terminal
    r.runId.replaceAll(/\p{C}/gu, "?"),
    r.state,
    String(r.clients),
    String(r.waiting),
    String(r.epoch),
    `${r.step}/${r.totalSteps}`,
    r.joinAuthority,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  return [head, ...cells].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}
