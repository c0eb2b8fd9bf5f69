/** `starling deposit-bond` and `withdraw-bond`: what a member stands in for with SOL, where a run wants it. */
import type { OptionsOf, depositBondOptions, withdrawBondOptions } from "@starling/config";
import { depositBond as depositBondInstruction, withdrawBond as withdrawBondInstruction } from "@starling/sdk/solana/instructions";
import { formatSol, parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { withChain } from "../chain/chain.ts";
import type { Chain } from "@starling/sdk/actions/chain";
import type { MemberFacts } from "@starling/sdk/actions/dump";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { findMember, requireRun, type OnChainRun } from "@starling/sdk/actions/run";
import { EXIT_CODES, HostError } from "../errors.ts";
import type { Address } from "@solana/kit";

export async function depositBond(options: OptionsOf<typeof depositBondOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const lamports = parseAmount(options.amount, SOL_DECIMALS, "--amount");
  if (lamports === 0n) throw new HostError("bad-option", "--amount 0: there is nothing to deposit");
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    await requireMember(chain, run, wallet.address);
    await chain.requireFunds(wallet.address, lamports, "the bond");
    const signature = await chain.send([await depositBondInstruction(run.at, wallet, lamports)], wallet, "deposit the bond");
    const { bondLamports } = await requireMember(chain, run, wallet.address);
    print(options.json, { runId: run.runId, owner: wallet.address, bondLamports, signature }, [
      `${wallet.address} has a bond of ${formatSol(bondLamports)} in run ${run.runId}`,
    ]);
    return EXIT_CODES.ok;
  });
}

/** The first call takes the bond out of use, the second, an epoch later, pays it. */
export async function withdrawBond(options: OptionsOf<typeof withdrawBondOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const before = await requireMember(chain, run, wallet.address);
    const isUnbonding = before.unbondingLamports > 0n;
    const lamports = isUnbonding ? before.unbondingLamports : before.bondLamports;
    if (lamports === 0n) throw new HostError("chain", `${wallet.address} has no bond in run ${run.runId}`);
    const signature = await chain.send([await withdrawBondInstruction(run.at, wallet, lamports)], wallet, "withdraw the bond");
    const after = await requireMember(chain, run, wallet.address);
    const isPaid = isUnbonding && after.unbondingLamports === 0n;
    print(
      options.json,
      { runId: run.runId, owner: wallet.address, lamports, paid: isPaid, unbondingEpoch: after.unbondingEpoch, signature },
      [
        isPaid
          ? `${formatSol(lamports)} came back to ${wallet.address}`
          : `${formatSol(lamports)} no longer count as a bond; after a whole epoch the same command pays them out`,
      ],
    );
    return EXIT_CODES.ok;
  });
}

async function requireMember(chain: Chain, run: OnChainRun, owner: Address): Promise<MemberFacts> {
  const member = await findMember(chain, run, owner);
  if (member) return member;
  throw new HostError(
    "chain",
    `${owner} has no member account in run ${run.runId}: it is made when its daemon first opens a session (starling train)`,
  );
}
