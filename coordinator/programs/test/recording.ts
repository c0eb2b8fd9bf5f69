/**
 * A short run as the transactions that made it, and what the accounts were in the end: replayed against new binaries, it shows what
 * changed. `node coordinator/programs/test/recording.ts --write` records anew.
 */
import { getTransactionDecoder } from "@solana/kit";
import { Chain } from "@starling/programs/harness";
import { Scenario } from "@starling/programs/scenario";
import { u64 } from "@starling/programs/wire";
import { FailedTransactionMetadata } from "litesvm";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

/** gzip of JSON: a recording repeats its addresses in every transaction */
export const RECORDING_FILE = join(import.meta.dirname, "recording.json.gz");
const SEED = "recording";
/** whose keys have lamports in the beginning */
const FUNDED = 2;

export interface Recording {
  /** in order: seconds by which the clock moves, or a transaction in base64 */
  steps: (number | string)[];
  /** address -> sha256 of owner, lamports and data, for every account of the three programs */
  accounts: Record<string, string>;
}

/** Two members train an epoch; one claims, one leaves; the run is paused. */
export function record(): Recording {
  const chain = freshChain();
  const steps: Recording["steps"] = [];
  chain.onStep = (step) => steps.push(typeof step === "number" ? step : Buffer.from(step).toString("base64"));
  const run = Scenario.training(chain, FUNDED, { runId: SEED, config: { roundsPerEpoch: 2 } });
  run.send(run.call("deposit_bond", [u64(5_000n)], run.of(run.members[0])));
  run.playEpoch();
  run.settleAll();
  run.send(run.call("record_claim", [u64(1_000n)], run.of(run.members[0])));
  run.send(run.closeSession(run.members[1]));
  run.send(run.setPaused(true));
  return { steps, accounts: accountsOf(chain) };
}

/** The accounts after the recorded transactions; throws at the first that is refused. */
export function replay({ steps }: Recording): Record<string, string> {
  const chain = freshChain();
  const decoder = getTransactionDecoder();
  for (const [index, step] of steps.entries()) {
    if (typeof step === "number") {
      chain.advance(step);
      continue;
    }
    const result = chain.svm.sendTransaction(decoder.decode(Buffer.from(step, "base64")));
    if (result instanceof FailedTransactionMetadata) {
      throw new Error(`transaction ${index} is refused now: ${result.toString().slice(0, 200)}\n${result.meta().logs().join("\n")}`);
    }
  }
  return accountsOf(chain);
}

export function readRecording(): Recording {
  return JSON.parse(gunzipSync(readFileSync(RECORDING_FILE)).toString()) as Recording;
}

/** With everybody's lamports, so that a replay needs none of the steps that give them. */
function freshChain(): Chain {
  const chain = new Chain({ seed: SEED });
  for (const name of ["creator", "join authority"]) chain.funded(`${name} of ${SEED}`);
  for (let index = 0; index < FUNDED; index++) for (const name of ["owner", "session"]) chain.funded(`${name} ${index} of ${SEED}`);
  return chain;
}

function accountsOf(chain: Chain): Recording["accounts"] {
  const accounts = Object.values(chain.programs).flatMap((program) => chain.svm.getProgramAccounts(program));
  return Object.fromEntries(
    accounts
      .map(({ address, programAddress, lamports, data }) => {
        const hash = createHash("sha256").update(`${programAddress} ${lamports} `).update(new Uint8Array(data)).digest("hex");
        return [address as string, hash] as const;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

if (process.argv.includes("--write") && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(RECORDING_FILE, gzipSync(JSON.stringify(record()), { level: 9 }));
}
