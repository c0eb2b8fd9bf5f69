/** `starling deposit-bond` and `withdraw-bond`: what a member stands in for with SOL, where a run wants it. */
import type { OptionsOf, depositBondOptions, withdrawBondOptions } from "@starling/config";
import { formatSol, parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { depositBond as deposit, withdrawBond as withdraw } from "@starling/sdk/actions/bond";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function depositBond(options: OptionsOf<typeof depositBondOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const lamports = parseAmount(options.amount, SOL_DECIMALS, "--amount");
  if (lamports === 0n) throw new HostError("bad-option", "--amount 0: there is nothing to deposit");
  return withChain(options, async (chain) => {
    const deposited = await deposit(chain, wallet, { runId: options.runId, lamports });
    const { owner, bondLamports, runId } = deposited;
    print(options.json, deposited, [`${owner} has a bond of ${formatSol(bondLamports)} in run ${runId}`]);
    return EXIT_CODES.ok;
  });
}

/** The first call takes the bond out of use, the second, an epoch later, pays it. */
export async function withdrawBond(options: OptionsOf<typeof withdrawBondOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const withdrawal = await withdraw(chain, wallet, options);
    const sol = formatSol(withdrawal.lamports);
    print(options.json, withdrawal, [
      withdrawal.paid
        ? `${sol} came back to ${withdrawal.owner}`
        : `${sol} no longer count as a bond; after a whole epoch the same command pays them out`,
    ]);
    return EXIT_CODES.ok;
  });
}
