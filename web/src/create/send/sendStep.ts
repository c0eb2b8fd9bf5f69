/** One step of a draft's way to the chain. Each looks at the chain first, so that none does twice what is done already. */
import { generateKeyPairSigner, type Address } from "@solana/kit";
import type { RunConfig } from "@starling/config";
import { parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { readAddress, type Chain } from "@starling/sdk/actions/chain";
import { createMint } from "@starling/sdk/actions/createMint";
import { createRun } from "@starling/sdk/actions/createRun";
import { ActionError } from "@starling/sdk/actions/errors";
import { createGrant } from "@starling/sdk/actions/grants";
import { requireRunHead } from "@starling/sdk/actions/run";
import { setPaused } from "@starling/sdk/actions/setPaused";
import { topUp } from "@starling/sdk/actions/topUp";
import { requireMint, requireTreasury } from "@starling/sdk/actions/treasury";
import { updateConfig } from "@starling/sdk/actions/updateConfig";
import { PUBLIC_GRANTEE } from "@starling/sdk/solana/pdas";
import type { ActionTools } from "../../chain/useAction.ts";
import type { Draft } from "../drafts/draft.ts";
import type { SendStep } from "./sendPlan.ts";

export interface SendInput {
  draft: Draft;
  config: RunConfig;
  /** keeps the address of the token's mint before it is made, so that a closed tab does not make a second one; null: it was declined */
  rememberMint(mint: Address | null): void;
}

/** Errors: those of the actions; ActionError bad-argument for a value that cannot be. */
export async function sendStep(
  step: SendStep,
  { chain, wallet, tell }: ActionTools,
  { draft, config, rememberMint }: SendInput,
): Promise<void> {
  const runId = config.run_id!;
  const { access, rewards, sent } = draft;
  switch (step.kind) {
    case "mint": {
      // one that is there has its tokens: they come with it in one transaction
      if (sent.mint !== null && (await chain.account(sent.mint as Address)) !== null) return;
      const mint = await generateKeyPairSigner();
      rememberMint(mint.address);
      const decimals = Number(rewards.decimals);
      tell({ step: 1, of: 1, text: "making the token" });
      try {
        await createMint(chain, wallet, { decimals, initialUnits: amountOf(rewards.supply, decimals, "supply"), mint });
      } catch (error) {
        // nothing was sent: the step Rewards can still be changed
        if (error instanceof ActionError && error.code === "cancelled") rememberMint(null);
        throw error;
      }
      return;
    }
    case "run": {
      const authority = access.joinAuthority.trim();
      await createRun(
        chain,
        wallet,
        {
          runId,
          ...(draft.name.trim() !== "" && { name: draft.name.trim() }),
          ...(draft.description.trim() !== "" && { description: draft.description.trim() }),
          ...(authority !== "" && { joinAuthority: readAddress(authority, "join authority") }),
          minBondLamports: amountOf(access.minBond, SOL_DECIMALS, "bond"),
          mint: mintOf(draft),
        },
        tell,
      );
      return;
    }
    case "config": {
      const { countModel } = await import("../estimate/estimateRun.ts");
      await updateConfig(chain, wallet, { runId, config, counted: countModel(config) }, tell);
      return;
    }
    case "grant":
      await createGrant(chain, wallet, { grantee: step.grantee === null ? PUBLIC_GRANTEE : readAddress(step.grantee, "who may join") });
      return;
    case "top-up": {
      const missing = await missingTopUp(chain, runId, rewards.topUp);
      if (missing > 0n) await topUp(chain, wallet, { runId, units: missing });
      return;
    }
    case "start":
      await setPaused(chain, wallet, { runId, paused: false });
      return;
    default:
      step satisfies never;
  }
}

/** The top-up is a goal: what the treasury was given already is not given again. */
async function missingTopUp(chain: Chain, runId: string, text: string): Promise<bigint> {
  const { address, account } = await requireRunHead(chain, runId);
  const treasury = await requireTreasury(chain, runId, address, account.mainAuthority);
  const { decimals } = await requireMint(chain, treasury.account.mint);
  return amountOf(text, decimals, "first top-up") - treasury.account.toppedUpUnits;
}

function mintOf({ rewards, sent }: Draft): Address | null {
  if (rewards.mode === "none") return null;
  if (rewards.mode === "mint") return readAddress(rewards.mint, "token");
  if (sent.mint === null) throw new ActionError("wrong-state", "the token of this run is not made yet");
  return sent.mint as Address;
}

function amountOf(text: string, decimals: number, what: string): bigint {
  return text.trim() === "" ? 0n : parseAmount(text, decimals, what);
}
