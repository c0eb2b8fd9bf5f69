/** `starling create-run`: the accounts of a run, and its treasury where it pays rewards. Started again it goes on where it stopped. */
import type { Address, TransactionSigner } from "@solana/kit";
import type { OptionsOf, createRunOptions } from "@starling/config";
import { allocate, createRun as createRunInstruction, updateMetadata, type NewRun } from "@starling/sdk/solana/instructions";
import { runAddresses, type RunAddresses } from "@starling/sdk/solana/pdas";
import { createRunWithTreasury } from "@starling/sdk/solana/treasury";
import { parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { authorityOf } from "@starling/sdk/actions/authority";
import { withChain } from "../chain/chain.ts";
import type { Chain } from "@starling/sdk/actions/chain";
import { readWallet } from "../chain/keyFile.ts";
import { print, progress } from "../chain/print.ts";
import { rentOfRun, TABLE_BYTES, TABLE_STEP_BYTES } from "@starling/sdk/actions/rent";
import { findRun, requireProgram, requireRun, type OnChainRun } from "@starling/sdk/actions/run";
import { findTreasury, requireMint } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

type CreateRunOptions = OptionsOf<typeof createRunOptions>;

export async function createRun(options: CreateRunOptions): Promise<number> {
  const wallet = await readWallet(options);
  const joinAuthority = (options.joinAuthority?.trim() ?? wallet.address) as Address;
  const minBondLamports = parseAmount(options.minBond, SOL_DECIMALS, "--min-bond");
  const run: NewRun = {
    runId: options.runId,
    name: options.name ?? "",
    description: options.description ?? "",
    clientVersion: options.clientVersion ?? "",
    mainAuthority: wallet.address,
    joinAuthority,
    minBondLamports,
  };
  return withChain(options, async (chain) => {
    await requireProgram(chain, "coordinator");
    const at = await runAddresses(chain.programs, run.runId);
    const present = await findMine(chain, run.runId, wallet.address);
    const isNew = present === null;
    if (present !== null) await refuseOtherMint(chain, present, options.treasurerCollateralMint?.trim());
    let signature: string | null = null;
    if (isNew) {
      const collateral =
        options.treasurerCollateralMint === undefined ? null : await requireMint(chain, options.treasurerCollateralMint.trim() as Address);
      if (collateral !== null) await requireProgram(chain, "treasurer");
      await chain.requireFunds(wallet.address, rentOfRun(collateral !== null), `creating run ${run.runId}`);
      const instruction =
        collateral === null
          ? await createRunInstruction(chain.programs, wallet, run)
          : // its texts would not fit beside the treasury's accounts: they follow
            await createRunWithTreasury(chain.programs, wallet, { ...run, ...NO_TEXTS }, collateral);
      signature = await chain.send([instruction], wallet, `create run ${run.runId}`);
    } else progress(`run ${run.runId} is there already, and this wallet's: its accounts are completed where they are not`);
    const grown = await growTables(chain, run.runId, at, wallet);
    const described = await describe(chain, options, wallet);
    const { account } = await requireRun(chain, run.runId);
    const treasury = await findTreasury(chain, at.run, account.mainAuthority);
    print(
      options.json,
      {
        runId: run.runId,
        run: at.run,
        created: isNew,
        mainAuthority: account.mainAuthority,
        joinAuthority: account.joinAuthority,
        treasury: treasury?.address ?? null,
        mint: treasury?.account.mint ?? null,
        signature,
      },
      [
        `${isNew ? "created" : grown > 0 || described ? "completed" : "nothing to do for"} run ${run.runId} at ${at.run}`,
        `who may join is decided by ${account.joinAuthority}`,
        ...(treasury === null ? [] : [`rewards are paid from treasury ${treasury.address} in ${treasury.account.mint}`]),
        `next: starling update-config --run-id ${run.runId} --config-path FILE`,
      ],
    );
    return EXIT_CODES.ok;
  });
}

const NO_TEXTS = { name: "", description: "", clientVersion: "" } as const;

/** Null where no such run is there. Errors: HostError chain where it is another's. */
async function findMine(chain: Chain, runId: string, wallet: Address): Promise<OnChainRun | null> {
  const run = await findRun(chain, runId);
  if (run === null) return null;
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  const authority = treasury?.account.mainAuthority ?? run.account.mainAuthority;
  if (authority === wallet) return run;
  throw new HostError(
    "chain",
    `run id ${runId} is taken: it belongs to ${authority}, and the wallet is ${wallet}; choose another --run-id`,
  );
}

/** Errors: HostError chain where the run is there, and pays in something else than the command asks for. */
async function refuseOtherMint(chain: Chain, run: OnChainRun, mint: string | undefined): Promise<void> {
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  if (mint === undefined || mint === treasury?.account.mint) return;
  const has = treasury === null ? "without rewards" : `with rewards in ${treasury.account.mint}`;
  throw new HostError("chain", `run ${run.runId} is there already, ${has}; that cannot be changed: choose another --run-id`);
}

/** Sets those texts of the command that the run has not. */
async function describe(chain: Chain, options: CreateRunOptions, wallet: TransactionSigner): Promise<boolean> {
  const run = await requireRun(chain, options.runId);
  const { name, description, clientVersion } = options;
  const missing = Object.entries({ name, description, clientVersion }).filter(
    ([key, text]) => text !== undefined && text !== run.config[key as keyof typeof NO_TEXTS],
  );
  if (missing.length === 0) return false;
  const authority = await authorityOf(chain, run, wallet);
  const instruction = await authority.instruct((signer) => updateMetadata(run.at, signer, Object.fromEntries(missing)));
  await chain.send([instruction], wallet, "describe the run");
  return true;
}

/** An account can grow by 10,240 bytes an instruction only: the tables get there step by step. Resolves to the steps taken. */
async function growTables(chain: Chain, runId: string, at: RunAddresses, wallet: TransactionSigner): Promise<number> {
  const { tableBytes } = await requireRun(chain, runId);
  const steps = ([0, 1] as const).flatMap((index) => {
    const missing = TABLE_BYTES - (tableBytes[index] ?? 0);
    return Array.from({ length: Math.ceil(missing / TABLE_STEP_BYTES) }, () => allocate(at, wallet, index));
  });
  if (steps.length > 0) await chain.send(steps, wallet, "allocate the members' tables");
  return steps.length;
}
