/** Options of the commands about rewards, and of those that show what a run and a member have. */
import { defineOptions } from "../defineOptions.ts";
import { address, amount, reading, runId, signing, treasurerIndex, wallet } from "./chain.ts";

export const treasurerTopUpRewardsOptions = defineOptions({
  runId,
  treasurerIndex,
  collateralAmount: { ...amount, unit: "tokens", doc: "What goes from the wallet's token account to the run's treasury." },
  ...signing,
});

export const treasurerClaimRewardsOptions = defineOptions({ runId, treasurerIndex, ...signing });

export const withdrawSurplusOptions = defineOptions({ runId, treasurerIndex, ...signing });

export const depositBondOptions = defineOptions({
  runId,
  amount: { ...amount, unit: "SOL", env: "BOND_AMOUNT", doc: "What is added to the wallet's bond." },
  ...signing,
});

export const withdrawBondOptions = defineOptions({ runId, ...signing });

/** Also of a closed run. */
export const closeMembershipOptions = defineOptions({ runId, ...signing });

export const sweepSessionsOptions = defineOptions({ runId, ...signing });

export const jsonInfoDumpOptions = defineOptions({ runId, treasurerIndex, ...reading });

export const jsonDumpUserOptions = defineOptions({
  runId,
  address: {
    ...address,
    aliases: ["--wallet", "--user", "--pubkey"],
    optional: true,
    env: "PUBKEY",
    doc: "Owner to show; left out = that of the private key.",
  },
  treasurerIndex,
  ...wallet,
  ...reading,
});
