/** The accounts of a run, and its treasury where it pays rewards. Called again it goes on where it stopped. */
import type { Address, TransactionSigner } from "@solana/kit";
import { allocate, createRun as createRunInstruction, updateMetadata, type NewRun } from "../solana/instructions.ts";
import { runAddresses } from "../solana/pdas.ts";
import { createRunWithTreasury } from "../solana/treasury.ts";
import { authorityOf } from "./authority.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { rentOfRun, TABLE_BYTES, TABLE_STEP_BYTES } from "./rent.ts";
import { findRun, requireProgram, requireRun, type OnChainRun } from "./run.ts";
import { findTreasury, requireMint } from "./treasury.ts";

export interface CreateRunInput {
  runId: string;
  /** texts that are not given stay as they are */
  name?: string;
  description?: string;
  clientVersion?: string;
  /** who decides about joining, by grants; default: the wallet */
  joinAuthority?: Address;
  /** default 0 */
  minBondLamports?: bigint;
  /** what rewards are paid in; null: a run without rewards; undefined: without, or as the run that is there has it */
  mint?: Address | null;
}

export interface CreatedRun {
  runId: string;
  address: Address;
  /** false: it was there already */
  isNew: boolean;
  /** false: nothing was sent */
  changed: boolean;
  mainAuthority: Address;
  joinAuthority: Address;
  treasury: Address | null;
  mint: Address | null;
  /** of the transaction that made it */
  signature: string | null;
}

/** Errors: ActionError not-allowed (the id is another's), wrong-state (it is there with other rewards), unfunded, not-found (no such mint); ChainError. */
export async function createRun(chain: Chain, wallet: TransactionSigner, input: CreateRunInput, tell?: Tell): Promise<CreatedRun> {
  await requireProgram(chain, "coordinator");
  const { runId } = input;
  const at = await runAddresses(chain.programs, runId);
  const present = await findMine(chain, runId, wallet.address);
  const isNew = present === null;
  if (present !== null) await refuseOtherMint(chain, present, input.mint);
  const hasTexts = TEXTS.some((key) => (input[key] ?? "") !== "");
  const of = isNew ? 2 + Number(hasTexts && typeof input.mint === "string") : null;
  let step = 0;
  const begin = (text: string): void => tell?.({ step: ++step, of, text });
  let signature: string | null = null;
  if (isNew) {
    begin(`creating run ${runId}`);
    signature = await sendCreate(chain, wallet, input);
  }
  const growth = missingRoom(await requireRun(chain, runId));
  if (growth.length > 0) {
    begin("making room for the run's members");
    await chain.send(
      growth.map((table) => allocate(at, wallet, table)),
      wallet,
      "allocate the members' tables",
    );
  }
  const described = await describeRun(chain, wallet, input, begin);
  const { account } = await requireRun(chain, runId);
  const treasury = await findTreasury(chain, at.run, account.mainAuthority);
  return {
    runId,
    address: at.run,
    isNew,
    changed: isNew || growth.length > 0 || described,
    mainAuthority: account.mainAuthority,
    joinAuthority: account.joinAuthority,
    treasury: treasury?.address ?? null,
    mint: treasury?.account.mint ?? null,
    signature,
  };
}

const TEXTS = ["name", "description", "clientVersion"] as const;
const NO_TEXTS = { name: "", description: "", clientVersion: "" } as const;

async function sendCreate(chain: Chain, wallet: TransactionSigner, input: CreateRunInput): Promise<string> {
  const { runId, name, description, clientVersion, joinAuthority = wallet.address, minBondLamports = 0n } = input;
  const run: NewRun = { runId, name, description, clientVersion, mainAuthority: wallet.address, joinAuthority, minBondLamports };
  const collateral = typeof input.mint === "string" ? await requireMint(chain, input.mint) : null;
  if (collateral !== null) await requireProgram(chain, "treasurer");
  await chain.requireFunds(wallet.address, rentOfRun(collateral !== null), `creating run ${runId}`);
  const instruction =
    collateral === null
      ? await createRunInstruction(chain.programs, wallet, run)
      : // its texts would not fit beside the treasury's accounts: they follow
        await createRunWithTreasury(chain.programs, wallet, { ...run, ...NO_TEXTS }, collateral);
  return chain.send([instruction], wallet, `create run ${runId}`);
}

/** Null where no such run is there. Errors: ActionError not-allowed where it is another's. */
async function findMine(chain: Chain, runId: string, wallet: Address): Promise<OnChainRun | null> {
  const run = await findRun(chain, runId);
  if (run === null) return null;
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  const authority = treasury?.account.mainAuthority ?? run.account.mainAuthority;
  if (authority === wallet) return run;
  throw new ActionError(
    "not-allowed",
    `run id ${runId} is taken: it belongs to ${authority}, and the wallet is ${wallet}; choose another run id`,
  );
}

/** Errors: ActionError wrong-state where the run is there, and pays in something else than is asked for. */
async function refuseOtherMint(chain: Chain, run: OnChainRun, mint: Address | null | undefined): Promise<void> {
  if (mint === undefined) return;
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  if (mint === (treasury?.account.mint ?? null)) return;
  const has = treasury === null ? "without rewards" : `with rewards in ${treasury.account.mint}`;
  throw new ActionError("wrong-state", `run ${run.runId} is there already, ${has}; that cannot be changed: choose another run id`);
}

/** An account can grow by 10,240 bytes an instruction only: one entry a step, the table's index. */
function missingRoom({ tableBytes }: OnChainRun): (0 | 1)[] {
  return ([0, 1] as const).flatMap((index) => {
    const missing = TABLE_BYTES - (tableBytes[index] ?? 0);
    return Array.from({ length: Math.ceil(missing / TABLE_STEP_BYTES) }, () => index);
  });
}

/** Sets those texts of the input that the run has not. Resolves to whether there were any. */
async function describeRun(
  chain: Chain,
  wallet: TransactionSigner,
  input: CreateRunInput,
  begin: (text: string) => void,
): Promise<boolean> {
  const run = await requireRun(chain, input.runId);
  const missing = TEXTS.filter((key) => input[key] !== undefined && input[key] !== run.config[key]);
  if (missing.length === 0) return false;
  begin("describing the run");
  const authority = await authorityOf(chain, run, wallet);
  const texts = Object.fromEntries(missing.map((key) => [key, input[key]]));
  await chain.send([await authority.instruct((signer) => updateMetadata(run.at, signer, texts))], wallet, "describe the run");
  return true;
}
