/** `starling json-info-dump` and `json-dump-user`: everything the chain has of a run, or of one of its members; always JSON. */
import type { Address } from "@solana/kit";
import type { OptionsOf, jsonDumpUserOptions, jsonInfoDumpOptions } from "@starling/config";
import { withChain } from "../chain/chain.ts";
import { dumpMember, dumpRun, dumpSlot, keysOf } from "@starling/sdk/actions/dump";
import { findWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { findMember, listMembers, requireRun, runFacts, unsettledSlots } from "@starling/sdk/actions/run";
import { findParticipant, findTreasury, treasuryFacts } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function jsonInfoDump(options: OptionsOf<typeof jsonInfoDumpOptions>): Promise<number> {
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const [members, treasury] = await Promise.all([listMembers(chain, run), findTreasury(chain, run.address, run.account.mainAuthority)]);
    print(true, dumpRun(runFacts(run), members, treasury && (await treasuryFacts(chain, treasury))), []);
    return EXIT_CODES.ok;
  });
}

export async function jsonDumpUser(options: OptionsOf<typeof jsonDumpUserOptions>): Promise<number> {
  const owner = (options.address?.trim() ?? (await findWallet(options))?.address) as Address | undefined;
  if (owner === undefined)
    throw new HostError("bad-option", "whose? Give --address ADDRESS or --wallet-private-key-path FILE, or set RAW_WALLET_PRIVATE_KEY");
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const [member, treasury, lamports] = await Promise.all([
      findMember(chain, run, owner),
      findTreasury(chain, run.address, run.account.mainAuthority),
      chain.balance(owner),
    ]);
    const participant = treasury && (await findParticipant(chain, treasury.address, owner));
    const slots = (run.state?.clients ?? []).map(dumpSlot).filter((slot) => slot.owner === owner);
    print(
      true,
      {
        address: owner,
        lamports,
        runId: run.runId,
        member: member && dumpMember(member),
        epoch: {
          alive: slots.filter(({ state }) => state === "Healthy"),
          exited: slots.filter(({ state }) => state !== "Healthy"),
          waiting: (run.state?.pending ?? []).map(keysOf).filter((one) => one.owner === owner),
        },
        unsettled: unsettledSlots(run)
          .filter((one) => one.owner === owner)
          .map(({ earned, slashed }) => ({ earned, slashed })),
        participant: participant && { claimedPoints: participant.claimedPoints },
      },
      [],
    );
    return EXIT_CODES.ok;
  });
}
