/** `starling withdraw-surplus`: after close-run, what the treasury still holds goes back to the run's creator. */
import type { OptionsOf, withdrawSurplusOptions } from "@starling/config";
import { runAddresses } from "@starling/sdk/solana/pdas";
import { createTokenAccount } from "@starling/sdk/solana/tokens";
import { withdrawSurplus as withdrawSurplusInstruction } from "@starling/sdk/solana/treasury";
import { formatAmount } from "@starling/sdk/actions/amounts";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { requireMint, requireTreasury, treasuryFacts, unitsOf } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function withdrawSurplus(options: OptionsOf<typeof withdrawSurplusOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const at = await runAddresses(chain.programs, options.runId);
    const treasury = await requireTreasury(chain, options.runId, at.run, null);
    const { mainAuthority, closed } = treasury.account;
    if (mainAuthority !== wallet.address)
      throw new HostError(
        "chain",
        `the treasury of run ${options.runId} belongs to ${mainAuthority}; the wallet is ${wallet.address}: use that key`,
      );
    if (closed === 0)
      throw new HostError("chain", `run ${options.runId} is not closed: its members may still claim. starling close-run comes first`);
    const mint = await requireMint(chain, treasury.account.mint);
    const { vaultUnits } = await treasuryFacts(chain, treasury);
    const own = await unitsOf(chain, wallet.address, mint);
    const instructions = [
      ...(own.units === null ? [createTokenAccount({ payer: wallet, ata: own.address, owner: wallet.address, ...mint })] : []),
      await withdrawSurplusInstruction(at, wallet, mint),
    ];
    const signature = await chain.send(instructions, wallet, "withdraw the surplus");
    print(options.json, { runId: options.runId, units: vaultUnits, decimals: mint.decimals, tokenAccount: own.address, signature }, [
      `${formatAmount(vaultUnits, mint.decimals)} tokens went to ${own.address}; vault and treasury are closed`,
    ]);
    return EXIT_CODES.ok;
  });
}
