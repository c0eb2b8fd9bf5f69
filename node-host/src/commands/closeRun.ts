/** `starling close-run`: ends a halted run for good. Points are settled first, and the accounts' rent comes back to the wallet. */
import type { OptionsOf, closeRunOptions } from "@starling/config";
import { closeRun as closeRunInstruction } from "@starling/sdk/solana/instructions";
import { formatAmount, formatSol } from "@starling/sdk/actions/amounts";
import { authorityOf } from "@starling/sdk/actions/authority";
import { withChain } from "../chain/chain.ts";
import type { Chain } from "@starling/sdk/actions/chain";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { requireRun, type OnChainRun } from "@starling/sdk/actions/run";
import { settleTables } from "@starling/sdk/actions/settle";
import { requireMint, requireTreasury } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

/** For so long after its end a run with rewards stays open for claims (the treasurer sees to it). */
const CLAIM_DAYS = 90;
const DAY_MS = 86_400_000;

export async function closeRun(options: OptionsOf<typeof closeRunOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const authority = await authorityOf(chain, run, wallet);
    const now = run.state?.runState ?? "Uninitialized";
    if (now !== "Paused" && now !== "Finished" && now !== "Uninitialized")
      throw new HostError(
        "chain",
        `run ${run.runId} is ${now}, and only a halted run can be closed: use starling set-paused first, and wait until it is Paused`,
      );
    const settled = await settleTables(chain, run, wallet);
    const unclaimed = (await requireRun(chain, run.runId)).account.unclaimedPoints;
    if (authority.treasury !== null && unclaimed > 0n) await refuseBeforeTime(chain, run, unclaimed);
    const before = await chain.balance(wallet.address);
    const instruction = await authority.instruct((signer) => closeRunInstruction(run.at, signer, wallet.address));
    const signature = await chain.send([instruction], wallet, `close run ${run.runId}`);
    const returned = (await chain.balance(wallet.address)) - before;
    print(options.json, { runId: run.runId, unclaimedPoints: unclaimed, settledSlots: settled, returnedLamports: returned, signature }, [
      `closed run ${run.runId}; ${formatSol(returned)} came back to ${wallet.address}`,
      ...(authority.treasury === null ? [] : [`next: starling withdraw-surplus --run-id ${run.runId}`]),
    ]);
    return EXIT_CODES.ok;
  });
}

/** Errors: HostError chain while members may still claim. */
async function refuseBeforeTime(chain: Chain, run: OnChainRun, unclaimed: bigint): Promise<void> {
  const until = Number(run.state?.runStateStartedMs ?? 0n) + CLAIM_DAYS * DAY_MS;
  if (Date.now() >= until) return;
  const { mint } = (await requireTreasury(chain, run.runId, run.address, run.account.mainAuthority)).account;
  const { decimals } = await requireMint(chain, mint);
  throw new HostError(
    "chain",
    `${formatAmount(unclaimed, decimals)} tokens of run ${run.runId} are not claimed yet: it can be closed once they are, or after ${new Date(until).toISOString()}, ${CLAIM_DAYS} days after it halted`,
  );
}
